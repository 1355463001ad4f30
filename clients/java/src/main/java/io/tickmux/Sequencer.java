package io.tickmux;

import io.tickmux.v1.Continuity;
import io.tickmux.v1.SubscribeResponse;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Turns responses into events: it checks that each instrument's revisions are whole, drops repeats, and joins quotes
 * with their sources' health. No I/O, no clock, no locks.
 *
 * <p>Within a phase revisions rise by exactly 1 in an epoch, and an epoch begins with revision 1; anything else is a
 * {@link Hole}, unless the server counted it in {@code conflated}. A conflated walk may span several responses with the
 * count on an early one, so each instrument may jump once after a count, and all jumps together by no more than was
 * counted.
 *
 * <p>While a stream that was resumed catches up, every quote is stale, the missed ones that come included.
 */
final class Sequencer {
    private final boolean checksHoles;
    private final Positions positions = new Positions();
    private Health health = new Health();
    private Snapshot after;
    private boolean inState;

    /** An instrument without a position is known to have had no quote. */
    private boolean knowsAll;

    /** The consumer has something that can have become wrong. */
    private boolean begun;

    private boolean phaseLostHistory;
    private int conflations;

    /** Unsigned. */
    private long conflatedLeft;

    private List<String> unmatched = List.of();
    private boolean opening = true;
    private boolean isCatchingUp;
    private boolean isSettling;
    private long repeats;

    /**
     * Begins.
     *
     * @param checksHoles each revision is expected
     * @param continues what was received elsewhere goes on here, so that failing to is a loss
     * @param after what was received there, or null; its later pages may be newer than its token, so that the stream
     *     repeats some of it
     */
    Sequencer(boolean checksHoles, boolean continues, Snapshot after) {
        this.checksHoles = checksHoles;
        this.after = after;
        knowsAll = after != null;
        begun = continues;
        if (after != null) {
            for (Quote quote : after.quotes()) {
                positions.begin(quote.message(), conflations);
            }
        }
    }

    /** How many quotes were dropped because they were not newer than what had been yielded. */
    long repeats() {
        return repeats;
    }

    /** The stream is cut: nothing is known of the sources, so every quote is stale. The next response opens anew. */
    void lost() {
        health.clear();
        isCatchingUp = false;
        isSettling = false;
        opening = true;
    }

    /** The latest response was the last of the missed updates: {@link #settle} once its events are handed out. */
    boolean isSettling() {
        return isSettling;
    }

    /** Ends the catching up: what was handed out is the present now, as far as the sources are healthy. */
    Event settle() {
        health.catchUp(false);
        isCatchingUp = false;
        isSettling = false;
        return new CaughtUp();
    }

    /** Adds one response's events, in an order in which they can be acted on one by one. */
    void receive(SubscribeResponse response, List<Event> events) {
        if (opening || response.getContinuity() != Continuity.CONTINUITY_UNSPECIFIED) {
            openPhase(response.getContinuity(), events);
        }
        if (response.getUnmatchedCount() > 0) {
            noteUnmatched(response.getUnmatchedList(), events);
        }
        for (io.tickmux.v1.SourceStatus status : response.getSourceStatusesList()) {
            io.tickmux.v1.SourceStatus known = health.note(status);
            if (known == null || isNews(known, status)) {
                events.add(new SourceChanged(new SourceStatus(status)));
            }
        }
        if (response.getConflated() != 0) {
            conflations++;
            conflatedLeft += response.getConflated();
            events.add(new Conflated(response.getConflated()));
        }
        noteQuotes(response.getQuotesList(), events);
        begun = begun || response.getQuotesCount() > 0 || response.getCaughtUp();
        if (response.getCaughtUp()) {
            knowsAll = knowsAll || inState;
            inState = false;
            if (isCatchingUp) {
                isSettling = true;
            } else {
                events.add(new CaughtUp());
            }
        }
    }

    private void openPhase(Continuity continuity, List<Event> events) {
        boolean isNewStream = opening;
        opening = false;
        if (after != null) {
            for (Health table : after.health()) {
                table.join(health);
            }
            after = null;
        }
        if (continuity == Continuity.CONTINUITY_RESUMED) {
            if (isNewStream) {
                health.catchUp(true);
                isCatchingUp = true;
            }
            begun = true;
            // What a count excused came with it, or comes again with a count of its own.
            conflatedLeft = 0;
            return;
        }
        if (begun || continuity == Continuity.CONTINUITY_RESET) {
            events.add(new Reset(resetReason(continuity)));
        }
        // Quotes already handed out stay joined with the old table, which will not become healthy again.
        health.clear();
        health = new Health();
        isCatchingUp = false;
        positions.clear();
        conflatedLeft = 0;
        inState = true;
        knowsAll = false;
        phaseLostHistory = begun;
    }

    private void noteUnmatched(List<String> symbols, List<Event> events) {
        if (!symbols.equals(unmatched)) {
            events.add(new Unmatched(symbols));
        }
        unmatched = symbols;
    }

    private void noteQuotes(List<io.tickmux.v1.Quote> messages, List<Event> events) {
        for (io.tickmux.v1.Quote message : messages) {
            Positions.Position at = positions.find(message);
            // The usual case first: this loop is the client's cost per update.
            if (at != null && message.getRevision() == at.revision + 1 && message.getEpoch() == at.epoch) {
                at.revision++;
                at.conflations = conflations;
                events.add(new Quote(message, health, false));
            } else {
                noteJump(message, at, events);
            }
        }
    }

    private void noteJump(io.tickmux.v1.Quote message, Positions.Position at, List<Event> events) {
        long epoch = message.getEpoch();
        long revision = message.getRevision();
        long missing;
        boolean isExcusable;
        boolean gapBefore;
        if (at == null) {
            positions.begin(message, conflations);
            missing = knowsAll && revision != 0 ? revision - 1 : 0;
            isExcusable = true;
            // After a loss it may have had quotes that were missed, however long it takes to speak again.
            gapBefore = phaseLostHistory || missing != 0;
        } else if (at.isAtOrAfter(epoch, revision)) {
            repeats++;
            return;
        } else {
            // A new epoch is empty before its revision 1; that the old one ended is told by gapBefore.
            long before = epoch == at.epoch ? at.revision : 0;
            missing = revision != before ? revision - before - 1 : 0;
            isExcusable = at.conflations < conflations;
            gapBefore = true;
            at.set(epoch, revision, conflations);
        }
        if (missing != 0 && checksHoles && !inState) {
            if (isExcusable && Long.compareUnsigned(missing, conflatedLeft) <= 0) {
                conflatedLeft -= missing;
            } else {
                events.add(new Hole(message.getSource(), message.getSymbol(), epoch, revision - missing, revision));
            }
        }
        events.add(new Quote(message, health, gapBefore));
    }

    private static String resetReason(Continuity continuity) {
        return switch (continuity) {
            case CONTINUITY_RESET -> "the server could not go on where the stream stood, or found a hole";
            case CONTINUITY_SNAPSHOT -> "the new stream starts from the present state";
            case CONTINUITY_UNSPECIFIED -> "the new stream does not say how it joins the old one";
            case CONTINUITY_RESUMED, UNRECOGNIZED -> "the server says so";
        };
    }

    /** Whether a status differs in more than counters and lag. */
    private static boolean isNews(io.tickmux.v1.SourceStatus known, io.tickmux.v1.SourceStatus status) {
        return known.getStateValue() != status.getStateValue()
                || known.getEpoch() != status.getEpoch()
                || !known.getLastError().equals(status.getLastError())
                || !known.getSince().equals(status.getSince());
    }

    /** Where each instrument's chain stands. Found without making a key, as it is looked at for every update. */
    private static final class Positions {
        private final Map<String, Map<String, Position>> bySource = new HashMap<>();

        Position find(io.tickmux.v1.Quote message) {
            Map<String, Position> ofSource = bySource.get(message.getSource());
            return ofSource == null ? null : ofSource.get(message.getSymbol());
        }

        void begin(io.tickmux.v1.Quote message, int conflations) {
            Position position = new Position();
            position.set(message.getEpoch(), message.getRevision(), conflations);
            bySource.computeIfAbsent(message.getSource(), source -> new HashMap<>())
                    .put(message.getSymbol(), position);
        }

        void clear() {
            bySource.clear();
        }

        /** Where one instrument's chain stands; its numbers are unsigned. */
        static final class Position {
            private long epoch;
            private long revision;
            private int conflations;

            void set(long newEpoch, long newRevision, int newConflations) {
                epoch = newEpoch;
                revision = newRevision;
                conflations = newConflations;
            }

            boolean isAtOrAfter(long otherEpoch, long otherRevision) {
                int order = Long.compareUnsigned(otherEpoch, epoch);
                return order < 0 || (order == 0 && Long.compareUnsigned(otherRevision, revision) <= 0);
            }
        }
    }
}
