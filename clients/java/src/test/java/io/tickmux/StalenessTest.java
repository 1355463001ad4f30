package io.tickmux;

import static io.tickmux.Messages.live;
import static io.tickmux.Messages.notComplete;
import static io.tickmux.Messages.opening;
import static io.tickmux.Messages.quote;
import static io.tickmux.Messages.resumed;
import static io.tickmux.Messages.snapshot;
import static io.tickmux.Messages.status;
import static io.tickmux.Messages.statuses;
import static io.tickmux.SequencerTest.CUT;
import static io.tickmux.SequencerTest.after;
import static io.tickmux.SequencerTest.feed;
import static io.tickmux.SequencerTest.fresh;
import static io.tickmux.SequencerTest.reset;
import static io.tickmux.Summary.expect;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tickmux.v1.QuoteFlag;
import io.tickmux.v1.SourceState;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a quote that is kept says of itself while its stream goes on. */
class StalenessTest {
    private final Sequencer subject = fresh();
    private Quote kept;

    @BeforeEach
    void begin() {
        kept = Summary.quotes(feed(subject, opening("", quote("A", 7)))).get(0);
        assertFalse(kept.isStale());
    }

    @ParameterizedTest
    @CsvSource({"STALE, true", "DOWN, true", "UNKNOWN, true", "REJECTED, true", "CONNECTING, true", "THROTTLED, false"})
    void aQuoteTurnsStaleWhenItsSourceDoesAndFreshAgain(String state, boolean isStale) {
        feed(subject, statuses(status(SourceState.valueOf("SOURCE_STATE_" + state))));
        assertEquals(isStale, kept.isStale());
        feed(subject, statuses(Messages.live()));
        assertFalse(kept.isStale());
    }

    @Test
    void theQuoteOfAQuietSymbolIsStaleOnceItsChannelBeginsANewEpoch() {
        feed(subject, statuses(status(SourceState.SOURCE_STATE_LIVE, 2)));
        assertTrue(kept.isStale());
    }

    @Test
    void anotherChannelOrSourceSaysNothingAboutAQuote() {
        var down = status(SourceState.SOURCE_STATE_DOWN).toBuilder();
        feed(subject, statuses(down.setChannel("1").build(), down.setSource("kraken").build()));
        feed(subject, statuses(down.setChannel("0").build()));
        assertFalse(kept.isStale());
    }

    @Test
    void aQuoteWithoutAStatusIsStale() {
        var unheard = quote("A", 7).toBuilder().setSource("unheard").build();
        assertTrue(Summary.quotes(feed(fresh(), opening("", unheard))).get(0).isStale());
    }

    @Test
    void aCutMakesEveryQuoteStaleUntilTheMissedUpdatesHaveCome() {
        feed(subject, CUT);
        List<Quote> all = new ArrayList<>(List.of(kept));
        for (var missed : List.of(
                notComplete(resumed("", quote("A", 8))),
                live("", quote("A", 9)),
                live("", quote("B", 1)).toBuilder().setCaughtUp(true).build())) {
            assertTrue(all.stream().allMatch(Quote::isStale));
            assertFalse(subject.isSettling());
            List<Event> events = new ArrayList<>();
            subject.receive(missed, events);
            all.addAll(Summary.quotes(events));
        }
        assertTrue(all.stream().allMatch(Quote::isStale), "the last events are yet to be handed out");
        assertTrue(subject.isSettling());
        assertEquals(new CaughtUp(), subject.settle());
        assertEquals(4, all.size());
        assertTrue(all.stream().noneMatch(Quote::isStale));
        assertFalse(Summary.quotes(feed(subject, live("", quote("A", 10)))).get(0).isStale());
    }

    @Test
    void newsOfASourceCountsWhileMissedUpdatesComeIn() {
        feed(subject, CUT, notComplete(resumed("")));
        var down = statuses(status(SourceState.SOURCE_STATE_DOWN));
        expect(feed(subject, down.toBuilder().setCaughtUp(true).build()), "DOWN", "caught up");
        assertTrue(kept.isStale());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aCutAmongMissedUpdatesLeavesThemStale(boolean isComplete) {
        feed(subject, CUT);
        var back = resumed("", quote("A", 8));
        List<Event> events = new ArrayList<>();
        subject.receive(isComplete ? back : notComplete(back), events);
        Quote anew = Summary.quotes(feed(subject, CUT, opening("", quote("A", 20)))).get(0);
        assertTrue(Summary.quotes(events).get(0).isStale());
        assertTrue(kept.isStale());
        assertFalse(anew.isStale());
    }

    @Test
    void aResetAmongMissedUpdatesBeginsAnew() {
        feed(subject, CUT, notComplete(resumed("")));
        List<Event> events = feed(subject, Messages.reset("", quote("A", 9)));
        expect(events.subList(events.size() - 1, events.size()), "caught up");
        assertTrue(kept.isStale());
        assertFalse(Summary.quotes(events).get(0).isStale());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aQuoteFromBeforeANewPhaseStaysStale(boolean isCut) {
        var responses = isCut
                ? List.of(CUT, opening("", quote("A", 9)))
                : List.of(Messages.reset("", quote("A", 9)));
        Quote anew = Summary.quotes(feed(subject, responses)).get(0);
        assertTrue(kept.isStale());
        assertFalse(anew.isStale());
    }

    @Test
    void missedUpdatesOfAnEpochThatHasEndedAreStaleAndThoseOfTheNewOneAreNot() {
        var back = resumed("", quote("A", 8), quote("A", 2, 1)).toBuilder()
                .setSourceStatuses(0, status(SourceState.SOURCE_STATE_LIVE, 2))
                .build();
        List<Event> events = feed(subject, CUT, back);
        expect(events, "LIVE", "A 1/8", "gap, A 2/1", "caught up");
        assertTrue(Summary.quotes(events).get(0).isStale());
        assertFalse(Summary.quotes(events).get(1).isStale());
    }

    @Test
    void howAQuoteWasServedDoesNotOutliveItsSourcesRecovery() {
        var flagged = quote("A", 8).toBuilder().addFlags(QuoteFlag.QUOTE_FLAG_STALE).build();
        Quote served = Summary.quotes(feed(subject, live("", flagged))).get(0);
        assertFalse(served.isStale());
    }

    @Test
    void quotesOfASnapshotFollowTheStreamThatGoesOnAfterIt() {
        var flagged = quote("B", 9).toBuilder().addFlags(QuoteFlag.QUOTE_FLAG_STALE).build();
        Snapshot taken = snapshot("t", quote("A", 7), flagged);
        Sequencer stream = after(taken);
        assertEquals(List.of(false, true), stale(taken), "as served");
        feed(stream, resumed(""));
        assertEquals(List.of(false, false), stale(taken), "joined");
        feed(stream, statuses(status(SourceState.SOURCE_STATE_DOWN)));
        assertEquals(List.of(true, true), stale(taken), "source down");
        feed(stream, CUT, resumed(""));
        assertEquals(List.of(false, false), stale(taken), "resumed");
        feed(stream, reset());
        assertEquals(List.of(true, true), stale(taken), "reset");
    }

    private static List<Boolean> stale(Snapshot snapshot) {
        return snapshot.quotes().stream().map(Quote::isStale).toList();
    }
}
