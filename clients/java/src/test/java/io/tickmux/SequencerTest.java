package io.tickmux;

import static io.tickmux.Messages.caughtUp;
import static io.tickmux.Messages.conflated;
import static io.tickmux.Messages.live;
import static io.tickmux.Messages.notComplete;
import static io.tickmux.Messages.opening;
import static io.tickmux.Messages.quote;
import static io.tickmux.Messages.resumed;
import static io.tickmux.Messages.snapshot;
import static io.tickmux.Messages.status;
import static io.tickmux.Messages.statuses;
import static io.tickmux.Summary.expect;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tickmux.v1.Continuity;
import io.tickmux.v1.SourceState;
import io.tickmux.v1.SubscribeResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Which events a sequencer makes of responses. */
class SequencerTest {
    /** Stands for a cut between two responses. */
    static final SubscribeResponse CUT = SubscribeResponse.newBuilder().addUnmatched("cut").build();

    /** Responses, and what is said to the last of them. */
    record Case(String name, List<SubscribeResponse> responses, List<String> last) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> cases() {
        return Stream.of(
                of(
                        "an opening yields statuses, then the state, then caught up",
                        play(opening("", quote("A", 7), quote("B", 1))),
                        "LIVE",
                        "A 1/7",
                        "B 1/1",
                        "caught up"),
                of(
                        "a whole chain has no gap",
                        play(opening("", quote("A", 7)), live("", quote("A", 8), quote("A", 9))),
                        "A 1/8",
                        "A 1/9"),
                of(
                        "a missing revision is a hole and the quote still comes",
                        play(opening("", quote("A", 7)), live("", quote("A", 10))),
                        "hole A 1/10, not 8",
                        "gap, A 1/10"),
                of(
                        "an instrument that begins late misses its first revisions",
                        play(opening("", quote("A", 7)), live("", quote("NEW", 1), quote("LATE", 3))),
                        "NEW 1/1",
                        "hole LATE 1/3, not 1",
                        "gap, LATE 1/3"),
                of(
                        "a new epoch is a gap but no hole",
                        play(opening("", quote("A", 7)), live("", quote("A", 2, 1), quote("A", 2, 2))),
                        "gap, A 2/1",
                        "A 2/2"),
                of(
                        "a new epoch without its first revision is a hole",
                        play(opening("", quote("A", 7)), live("", quote("A", 2, 2))),
                        "hole A 2/2, not 1",
                        "gap, A 2/2"),
                of(
                        "counted conflation excuses a jump",
                        play(opening("", quote("A", 7)), conflated(2, quote("A", 10))),
                        "conflated 2",
                        "gap, A 1/10"),
                of(
                        "a walk in several responses is excused by the count on the first",
                        play(
                                opening("", quote("A", 1), quote("B", 1)),
                                conflated(6, quote("A", 5)),
                                live("", quote("B", 5))),
                        "gap, B 1/5"),
                of(
                        "conflation excuses no more than it counted",
                        play(opening("", quote("A", 1)), conflated(2, quote("A", 5))),
                        "conflated 2",
                        "hole A 1/5, not 2",
                        "gap, A 1/5"),
                of(
                        "conflation excuses each instrument once",
                        play(opening("", quote("A", 1)), conflated(9, quote("A", 3)), live("", quote("A", 6))),
                        "hole A 1/6, not 4",
                        "gap, A 1/6"),
                of(
                        "all jumps together are excused for what was counted",
                        play(
                                opening("", quote("A", 1), quote("B", 1)),
                                conflated(3, quote("A", 4), quote("B", 4))),
                        "conflated 3",
                        "gap, A 1/4",
                        "hole B 1/4, not 2",
                        "gap, B 1/4"),
                of(
                        "an instrument that came whole after a count is not excused later",
                        play(opening("", quote("A", 1)), conflated(9, quote("A", 2)), live("", quote("A", 5))),
                        "hole A 1/5, not 3",
                        "gap, A 1/5"),
                of(
                        "the opening state has no holes",
                        play(notComplete(opening("", quote("A", 3))), live("", quote("A", 9))),
                        "gap, A 1/9"),
                of(
                        "repeats after resuming are dropped",
                        play(
                                opening("", quote("A", 7)),
                                CUT,
                                resumed("", quote("A", 6), quote("A", 7), quote("A", 8))),
                        "LIVE",
                        "A 1/8",
                        "caught up"),
                of(
                        "a hole over a resume is seen",
                        play(opening("", quote("A", 7)), CUT, resumed("", quote("A", 9))),
                        "LIVE",
                        "hole A 1/9, not 8",
                        "gap, A 1/9",
                        "caught up"),
                of(
                        "an older epoch is dropped",
                        play(opening("", quote("A", 5, 1)), live("", quote("A", 4, 99)))),
                of(
                        "epochs and revisions are unsigned",
                        play(opening("", quote("A", Long.MAX_VALUE, 7)), live("", quote("A", Long.MIN_VALUE, 1))),
                        "gap, A 9223372036854775808/1"),
                of(
                        "what was known is forgotten on a reset",
                        play(opening("", quote("A", 5, 7)), CUT, reset(quote("A", 2, 3))),
                        "reset",
                        "LIVE",
                        "gap, A 2/3"),
                of(
                        "what was known is forgotten on a new state",
                        play(opening("", quote("A", 5, 7)), CUT, opening("", quote("A", 2, 3))),
                        "reset",
                        "LIVE",
                        "gap, A 2/3",
                        "caught up"),
                of(
                        "what was known is forgotten by a stream that does not say how it joins",
                        play(opening("", quote("A", 5, 7)), CUT, live("", quote("A", 2, 3))),
                        "reset",
                        "gap, A 2/3"),
                of(
                        "what was known is forgotten by a stream that joins in a way of a newer server",
                        play(
                                opening("", quote("A", 5, 7)),
                                live("", quote("A", 2, 3)).toBuilder()
                                        .setContinuityValue(99)
                                        .build()),
                        "reset",
                        "gap, A 2/3"),
                of(
                        "a reset in the midst of a stream opens a new phase",
                        play(opening("", quote("A", 7)), live("", quote("A", 8)), reset(quote("A", 20))),
                        "reset",
                        "LIVE",
                        "gap, A 1/20"),
                of(
                        "in the state of a reset an instrument may stand anywhere",
                        play(
                                opening("", quote("A", 7)),
                                reset(quote("A", 20)),
                                live("", quote("B", 4)).toBuilder()
                                        .setCaughtUp(true)
                                        .build()),
                        "gap, B 1/4",
                        "caught up"),
                of(
                        "after the state of a reset it may not",
                        play(
                                opening("", quote("A", 7)),
                                reset(quote("A", 20)),
                                caughtUp(),
                                live("", quote("C", 2))),
                        "hole C 1/2, not 1",
                        "gap, C 1/2"),
                of(
                        "an instrument that speaks only after a reset may have been missed",
                        play(
                                opening("", quote("A", 5, 7), quote("QUIET", 5, 1)),
                                CUT,
                                Messages.reset(""),
                                live("", quote("QUIET", 6, 1), quote("QUIET", 6, 2))),
                        "gap, QUIET 6/1",
                        "QUIET 6/2"),
                of(
                        "who had received nothing has nothing to forget",
                        play(notComplete(opening("")), CUT, opening("", quote("A", 7))),
                        "LIVE",
                        "A 1/7",
                        "caught up"),
                of(
                        "who was told that there is nothing is told to forget that",
                        play(opening(""), CUT, opening("", quote("A", 7))),
                        "reset",
                        "LIVE",
                        "gap, A 1/7",
                        "caught up"),
                of(
                        "repeats of an epoch that has ended are dropped after a resume",
                        play(
                                opening("", quote("A", 7)),
                                live("", quote("A", 2, 1), quote("A", 2, 2)),
                                CUT,
                                resumed("", quote("A", 8), quote("A", 2, 1), quote("A", 2, 3))),
                        "LIVE",
                        "A 2/3",
                        "caught up"),
                of(
                        "a resume that conflates says what it passed over",
                        play(
                                opening("", quote("A", 7)),
                                CUT,
                                resumed("", quote("A", 11)).toBuilder()
                                        .setConflated(3)
                                        .build()),
                        "LIVE",
                        "conflated 3",
                        "gap, A 1/11",
                        "caught up"),
                of(
                        "what was conflated before a cut excuses no hole after it",
                        play(
                                opening("", quote("A", 1), quote("B", 1)),
                                conflated(9, quote("A", 3)),
                                CUT,
                                resumed("", quote("B", 4))),
                        "LIVE",
                        "hole B 1/4, not 2",
                        "gap, B 1/4",
                        "caught up"),
                of(
                        "a status is no news if only counters changed",
                        play(
                                opening(""),
                                statuses(Messages.live().toBuilder()
                                        .setMessages(5)
                                        .build()))),
                of(
                        "a status is news if its state changed",
                        play(opening(""), statuses(status(SourceState.SOURCE_STATE_DOWN))),
                        "DOWN"),
                of(
                        "a status is news if its error changed",
                        play(
                                opening(""),
                                statuses(Messages.live().toBuilder()
                                        .setLastError("muddle")
                                        .build())),
                        "LIVE"),
                of(
                        "a state of a newer server is not known",
                        play(
                                opening(""),
                                statuses(Messages.live().toBuilder()
                                        .setStateValue(99)
                                        .build())),
                        "UNKNOWN"),
                of("unmatched symbols are told", play(unmatched(opening(""))), "unmatched [NOPE]", "LIVE", "caught up"),
                of(
                        "unmatched symbols are told once",
                        play(unmatched(opening("")), CUT, unmatched(resumed(""))),
                        "LIVE",
                        "caught up"));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void sequence(Case given) {
        expect(feed(fresh(), given.responses), given.last.toArray(String[]::new));
    }

    @Test
    void theSameSymbolOfTwoSourcesIsTwoInstruments() {
        Sequencer subject = fresh();
        feed(subject, opening("", quote("A", 7), ofKraken(quote("A", 1))));
        expect(feed(subject, live("", quote("A", 8), ofKraken(quote("A", 2)))), "A 1/8", "A 1/2");
    }

    @Test
    void latestPassesOverUpdatesByDesign() {
        Sequencer subject = new Sequencer(false, false, null);
        feed(subject, opening("", quote("A", 1)));
        expect(feed(subject, live("", quote("A", 9))), "gap, A 1/9");
        expect(feed(subject, CUT, resumed("", quote("A", 20))), "LIVE", "gap, A 1/20", "caught up");
    }

    @Test
    void afterASnapshotNothingIsRepeatedAndNothingIsMissed() {
        // B stands on a later page, which was served when B had gone on; the token stands at the first.
        Sequencer subject = after(snapshot("t", quote("A", 7), quote("B", 9)));
        var back = resumed("", quote("B", 8), quote("A", 8), quote("B", 9), quote("B", 10), quote("NEW", 1));
        expect(feed(subject, back), "LIVE", "A 1/8", "B 1/10", "NEW 1/1", "caught up");
        assertEquals(2, subject.repeats());
    }

    @Test
    void aHoleBetweenASnapshotAndItsStreamIsSeen() {
        expect(
                feed(after(snapshot("t", quote("A", 7))), resumed("", quote("A", 9), quote("NEW", 2))),
                "LIVE",
                "hole A 1/9, not 8",
                "gap, A 1/9",
                "hole NEW 1/2, not 1",
                "gap, NEW 1/2",
                "caught up");
    }

    @ParameterizedTest
    @EnumSource(names = {"CONTINUITY_SNAPSHOT", "CONTINUITY_RESET"})
    void aSnapshotThatCannotBeGoneOnFromIsForgotten(Continuity continuity) {
        var anew = opening("", quote("A", 3)).toBuilder().setContinuity(continuity).build();
        expect(feed(after(snapshot("t", quote("A", 5, 7))), anew), "reset", "LIVE", "gap, A 1/3", "caught up");
    }

    @Test
    void aTokenFromElsewhereThatIsNotHonouredIsAReset() {
        expect(
                feed(new Sequencer(true, true, null), opening("", quote("A", 7))),
                "reset",
                "LIVE",
                "gap, A 1/7",
                "caught up");
    }

    @Test
    void aTokenFromElsewhereMayGoOnAnywhere() {
        Sequencer subject = new Sequencer(true, true, null);
        expect(feed(subject, notComplete(resumed("", quote("A", 7)))), "LIVE", "A 1/7");
        expect(feed(subject, caughtUp(), live("", quote("B", 4))), "B 1/4");
        expect(feed(subject, live("", quote("A", 9))), "hole A 1/9, not 8", "gap, A 1/9");
    }

    static Sequencer fresh() {
        return new Sequencer(true, false, null);
    }

    static Sequencer after(Snapshot snapshot) {
        return new Sequencer(true, true, snapshot);
    }

    /** What a sequencer says to the last of some responses. */
    static List<Event> feed(Sequencer subject, SubscribeResponse... responses) {
        return feed(subject, List.of(responses));
    }

    static List<Event> feed(Sequencer subject, List<SubscribeResponse> responses) {
        List<Event> events = List.of();
        for (SubscribeResponse response : responses) {
            if (response == CUT) {
                subject.lost();
            } else {
                events = new ArrayList<>();
                subject.receive(response, events);
                if (subject.isSettling()) {
                    events.add(subject.settle());
                }
            }
        }
        return events;
    }

    static io.tickmux.v1.Quote ofKraken(io.tickmux.v1.Quote quote) {
        return quote.toBuilder().setSource("kraken").build();
    }

    static SubscribeResponse reset(io.tickmux.v1.Quote... quotes) {
        return notComplete(Messages.reset("", quotes));
    }

    private static SubscribeResponse unmatched(SubscribeResponse response) {
        return response.toBuilder().addUnmatched("NOPE").build();
    }

    private static List<SubscribeResponse> play(SubscribeResponse... responses) {
        return List.of(responses);
    }

    private static Case of(String name, List<SubscribeResponse> responses, String... last) {
        return new Case(name, responses, List.of(last));
    }
}
