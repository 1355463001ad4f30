package io.tickmux;

import static io.tickmux.Messages.caughtUp;
import static io.tickmux.Messages.live;
import static io.tickmux.Messages.opening;
import static io.tickmux.Messages.resumed;
import static io.tickmux.SequencerTest.CUT;
import static io.tickmux.SequencerTest.feed;
import static io.tickmux.SequencerTest.reset;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** A naive market that the sequencer is held against: no loss goes untold, and none is invented. */
class SequencerModelTest {
    private enum Fate {
        WHOLE,
        RESUMED,
        LOST,
        CONFLATED,
        RESET
    }

    /**
     * One published quote.
     *
     * @param index its place in the chain of its symbol
     */
    private record Entry(String symbol, long epoch, long revision, int index) {
        io.tickmux.v1.Quote message() {
            return Messages.quote(symbol, epoch, revision);
        }

        boolean isNextOf(Entry other) {
            return other == null ? revision == 1 : index == other.index + 1 && epoch == other.epoch;
        }

        /** Whether something is missing from its epoch before it. */
        boolean hasHoleAfter(Entry other) {
            return revision != (other == null || epoch != other.epoch ? 1 : other.revision + 1);
        }
    }

    private record Outcome(List<Entry> delivered, List<Event> events) {}

    /** The latest of each symbol; what a reader has seen likewise. */
    private final TreeMap<String, Entry> heads = new TreeMap<>();

    private final TreeMap<String, Entry> seen = new TreeMap<>();
    private boolean isLossless = true;
    private boolean wasConflated;
    private boolean wasReset;

    @Test
    void noLossGoesUntoldAndNoneIsInvented() {
        for (int seed = 0; seed < 2000; seed++) {
            new SequencerModelTest().run(seed);
        }
    }

    private void run(int seed) {
        Random random = new Random(seed);
        Sequencer subject = SequencerTest.fresh();
        for (String symbol : List.of("A", "B")) {
            seen.put(symbol, publish(symbol, false));
        }
        feed(subject, opening("", messages(heads.values())));
        for (int step = 0; step < 12; step++) {
            List<Entry> entries = new ArrayList<>();
            for (int count = random.nextInt(7); count > 0; count--) {
                entries.add(publish(List.of("A", "B", "C").get(random.nextInt(3)), random.nextInt(4) == 0));
            }
            Fate fate = Fate.values()[random.nextInt(Fate.values().length)];
            check(fate, deliver(subject, fate, entries), "seed " + seed + ", " + fate + " of " + entries);
        }
    }

    private Entry publish(String symbol, boolean isNewEpoch) {
        Entry head = heads.get(symbol);
        Entry next;
        if (head == null) {
            next = new Entry(symbol, 1, 1, 1);
        } else if (isNewEpoch) {
            next = new Entry(symbol, head.epoch + 1, 1, head.index + 1);
        } else {
            next = new Entry(symbol, head.epoch, head.revision + 1, head.index + 1);
        }
        heads.put(symbol, next);
        return next;
    }

    /** Plays one fate of new entries: what the stream delivered for the first time, and what was said. */
    private Outcome deliver(Sequencer subject, Fate fate, List<Entry> entries) {
        switch (fate) {
            case WHOLE:
                return new Outcome(entries, feed(subject, live("", messages(entries))));
            case RESUMED:
                List<Entry> repeated = new ArrayList<>(seen.values());
                repeated.addAll(entries);
                return new Outcome(entries, feed(subject, CUT, resumed("", messages(repeated))));
            case LOST:
                return new Outcome(List.of(), List.of());
            case CONFLATED:
                List<Entry> latest = entries.stream()
                        .filter(entry -> entry.equals(heads.get(entry.symbol)))
                        .toList();
                var response = live("", messages(latest)).toBuilder().setConflated(entries.size() - latest.size());
                return new Outcome(latest, feed(subject, response.build()));
            default:
                List<Event> events = new ArrayList<>(feed(subject, reset(messages(heads.values()))));
                events.addAll(feed(subject, caughtUp()));
                return new Outcome(List.copyOf(heads.values()), events);
        }
    }

    private void check(Fate fate, Outcome outcome, String what) {
        boolean isReset = fate == Fate.RESET;
        wasReset = wasReset || isReset;
        isLossless = isReset || (isLossless && fate != Fate.LOST);
        wasConflated = !isReset && (wasConflated || fate == Fate.CONFLATED);
        Set<List<Object>> holes = new HashSet<>();
        for (Event event : outcome.events) {
            if (event instanceof Hole hole) {
                holes.add(List.of(hole.symbol(), hole.epoch(), hole.seenRevision()));
            }
        }
        if (isLossless) {
            assertEquals(Set.of(), holes, what);
        }
        List<Quote> yielded = Summary.quotes(outcome.events);
        assertEquals(
                outcome.delivered.stream().map(Entry::message).toList(),
                yielded.stream().map(Quote::message).toList(),
                what);
        for (int index = 0; index < yielded.size(); index++) {
            Entry entry = outcome.delivered.get(index);
            Entry last = seen.get(entry.symbol);
            // After a loss an instrument that speaks for the first time may have been missed.
            boolean hasGap = isReset || !entry.isNextOf(last) || (wasReset && last == null);
            assertEquals(hasGap, yielded.get(index).gapBefore(), what);
            if (!isReset && !wasConflated) {
                boolean isTold = holes.contains(List.<Object>of(entry.symbol, entry.epoch, entry.revision));
                assertEquals(entry.hasHoleAfter(last), isTold, what);
            }
            seen.put(entry.symbol, entry);
        }
    }

    private static io.tickmux.v1.Quote[] messages(Collection<Entry> entries) {
        return entries.stream().map(Entry::message).toArray(io.tickmux.v1.Quote[]::new);
    }
}
