package io.tickmux;

import static io.tickmux.Messages.farewell;
import static io.tickmux.Messages.live;
import static io.tickmux.Messages.notComplete;
import static io.tickmux.Messages.opening;
import static io.tickmux.Messages.quote;
import static io.tickmux.Messages.resumed;
import static io.tickmux.Messages.snapshot;
import static io.tickmux.Summary.expect;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tickmux.v1.Continuity;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a session decides: what to send, what to tell, when to try again. */
class SessionTest {
    private final RecordingLogger log = new RecordingLogger();

    /** Passes only when told. */
    private long nowNanos = 100;

    private final Session subject = session(Subscription.of("A"));

    @Test
    void theRequestSaysWhatWasAsked() {
        var asked = Subscription.of("A")
                .sources("binance")
                .exchanges("Binance")
                .types("crypto")
                .delivery(Delivery.LATEST)
                .minInterval(Duration.ofMillis(20))
                .heartbeatInterval(Duration.ofMillis(1500));
        var request = session(asked).open();
        assertEquals(List.of("A"), request.getSelection().getSymbolsList());
        assertEquals(List.of("binance"), request.getSelection().getSourcesList());
        assertEquals(List.of("Binance"), request.getSelection().getExchangesList());
        assertEquals(List.of("crypto"), request.getSelection().getTypesList());
        assertEquals(io.tickmux.v1.Delivery.DELIVERY_LATEST, request.getDelivery());
        assertEquals(Duration.ofMillis(20), ContractTypes.duration(request.getMinInterval()));
        assertEquals(Duration.ofMillis(1500), ContractTypes.duration(request.getHeartbeatInterval()));
        assertFalse(request.hasResumeToken());
        var usual = subject.open();
        assertEquals(io.tickmux.v1.Delivery.DELIVERY_ALL, usual.getDelivery());
        assertEquals(Duration.ofSeconds(5), ContractTypes.duration(usual.getHeartbeatInterval()));
        assertFalse(usual.hasMinInterval());
    }

    @Test
    void threeMissedHeartbeatsAreSilence() {
        Session slow = session(Subscription.of("A").heartbeatInterval(Duration.ofSeconds(2)));
        assertEquals(Duration.ofSeconds(6), slow.readMax());
        assertEquals("host:1 sent nothing for 6.0 s: 3 heartbeats were missed", slow.silence().message());
    }

    @Test
    void theLastTokenIsSentAndAnEmptyOneIsNot() {
        subject.open();
        subject.receive(opening("", quote("A", 1)));
        lose(subject, down());
        assertFalse(subject.open().hasResumeToken());
        subject.receive(opening("one", quote("A", 1)));
        subject.receive(live("two", quote("A", 2)));
        subject.receive(live("", quote("A", 3)));
        lose(subject, down());
        assertEquals("two", subject.open().getResumeToken());
    }

    @Test
    void aTokenDoesNotOutliveItsChain() {
        subject.open();
        subject.receive(opening("one"));
        subject.receive(notComplete(Messages.reset("")));
        lose(subject, down());
        assertFalse(subject.open().hasResumeToken());
    }

    @ParameterizedTest
    @EnumSource(names = {"CONTINUITY_UNSPECIFIED", "CONTINUITY_SNAPSHOT", "CONTINUITY_RESET"})
    void aTokenThatWasNotHonouredIsForgotten(Continuity continuity) {
        subject.open();
        subject.receive(opening("one"));
        lose(subject, down());
        subject.open();
        subject.receive(opening("", quote("A", 3)).toBuilder().setContinuity(continuity).build());
        lose(subject, down());
        assertFalse(subject.open().hasResumeToken());
    }

    @Test
    void aResumeThatIsCutBeforeItsFirstTokenGoesOnWhereItBegan() {
        subject.open();
        subject.receive(opening("one", quote("A", 1)));
        lose(subject, down());
        subject.open();
        subject.receive(notComplete(resumed("", quote("A", 2))));
        lose(subject, down());
        assertEquals("one", subject.open().getResumeToken());
        expect(
                subject.receive(notComplete(resumed("three", quote("A", 2), quote("A", 3)))),
                "reconnected, resumed",
                "LIVE",
                "A 1/3");
        lose(subject, down());
        assertEquals("three", subject.open().getResumeToken());
    }

    @Test
    void aResumeThatBreaksAtOnceAgainAndAgainIsTriedEverLessOften() {
        subject.open();
        subject.receive(opening("one"));
        List<Duration> waits = new ArrayList<>(List.of(lose(subject, down()).retryIn()));
        for (int tries = 0; tries < 3; tries++) {
            subject.open();
            subject.receive(resumed("one"));
            waits.add(lose(subject, down()).retryIn());
        }
        assertEquals(seconds(1, 2, 4, 8), waits);
    }

    @Test
    void tokensThatAreRefusedAgainAndAgainAreTriedEverLessOften() {
        List<Duration> waits = new ArrayList<>();
        for (int tries = 0; tries < 3; tries++) {
            subject.open();
            subject.receive(opening("one"));
            waits.add(lose(subject, down()).retryIn());
            subject.open();
            waits.add(lose(subject, failure(Failure.Kind.INVALID_REQUEST)).retryIn());
        }
        assertEquals(seconds(1, 0, 2, 0, 4, 0), waits);
    }

    @ParameterizedTest
    @EnumSource(names = {"UNIMPLEMENTED", "INVALID_REQUEST"})
    void aRefusedTokenIsDroppedAndTheStreamBeginsAnewAtOnce(Failure.Kind kind) {
        subject.open();
        subject.receive(opening("one", quote("A", 1)));
        lose(subject, down());
        subject.open();
        lose(subject, failure(kind));
        assertEquals(Duration.ZERO, subject.pause());
        assertFalse(subject.open().hasResumeToken());
        expect(
                subject.receive(opening("", quote("A", 5))),
                "reconnected",
                "reset",
                "LIVE",
                "gap, A 1/5",
                "caught up");
    }

    @Test
    void aTokenOfTheCallerThatIsInvalidIsTheCallersNews() {
        Session given = session(Subscription.of("A").resumeToken("mangled"));
        assertEquals("mangled", given.open().getResumeToken());
        var told = assertThrows(
                InvalidRequestException.class, () -> given.lost(failure(Failure.Kind.INVALID_REQUEST)));
        assertEquals("", told.resumeToken());
    }

    @Test
    void aTokenOfTheCallerThatWasGoodAndIsRefusedLaterIsAsOurOwn() {
        Session given = session(Subscription.of("A").resumeToken("good"));
        given.open();
        given.receive(resumed(""));
        lose(given, down());
        assertEquals("good", given.open().getResumeToken());
        lose(given, failure(Failure.Kind.INVALID_REQUEST));
        assertFalse(given.open().hasResumeToken());
    }

    @ParameterizedTest
    @EnumSource(names = {"INVALID_REQUEST", "ACCESS_DENIED", "UNIMPLEMENTED"})
    void whatCannotHealIsThrownAndSaysWhereTheStreamStood(Failure.Kind kind) {
        subject.open();
        var first = assertThrows(TickmuxException.class, () -> subject.lost(failure(kind)));
        assertSame(failure(kind).exception().getClass(), first.getClass());
        assertEquals("", first.resumeToken());
        subject.open();
        subject.receive(opening("one"));
        var later = assertThrows(TickmuxException.class, () -> subject.lost(failure(kind)));
        assertEquals("one", later.resumeToken());
        assertEquals("scripted", later.getMessage());
    }

    @Test
    void waitsGrowAndBeginAnewAfterAStableStream() {
        subject.open();
        assertEquals(Duration.ofSeconds(1), lose(subject, down()).retryIn());
        subject.open();
        assertEquals(Duration.ofSeconds(2), lose(subject, down()).retryIn());
        // A stream that came up and broke again at once does not calm the backoff.
        subject.open();
        subject.receive(opening(""));
        pass(Duration.ofSeconds(1));
        assertEquals(Duration.ofSeconds(4), lose(subject, down()).retryIn());
        subject.open();
        subject.receive(opening(""));
        pass(Session.STABLE_AFTER);
        assertEquals(Duration.ofSeconds(1), lose(subject, down()).retryIn());
    }

    @Test
    void theServerMayAskForALongerWait() {
        subject.open();
        assertEquals(Duration.ofSeconds(31), lose(subject, asking(Duration.ofSeconds(30))).retryIn());
        assertEquals(Duration.ofSeconds(31), subject.pause());
    }

    @Test
    void reconnectedTellsTriesAndOutage() {
        subject.open();
        subject.receive(opening("one"));
        lose(subject, down());
        pass(Duration.ofSeconds(2));
        subject.open();
        lose(subject, down());
        pass(Duration.ofSeconds(3));
        subject.open();
        assertEquals(
                new Reconnected(2, Duration.ofSeconds(5), true),
                subject.receive(resumed("")).get(0));
    }

    @Test
    void disconnectedTellsACutFromATryThatFailed() {
        subject.open();
        subject.receive(opening("one"));
        for (int attempts = 0; attempts < 3; attempts++) {
            assertEquals(attempts, lose(subject, down()).attempts());
            subject.open();
        }
        subject.receive(resumed(""));
        assertEquals(0, lose(subject, down()).attempts());
    }

    @Test
    void aStreamThatEndsAsAnnouncedIsNoTroubleAndIsBackWhenTheServerSays() {
        leave();
        assertEquals(List.of(), subject.lost(asking(Duration.ofMillis(1500))));
        assertEquals(Duration.ofMillis(2500), subject.pause());
        assertEquals("last", subject.open().getResumeToken());
        assertFalse(subject.isLeaving());
        expect(subject.receive(resumed("")), "reconnected, resumed", "LIVE");
        expect(subject.rest(), "caught up");
    }

    @Test
    void aServerThatDoesNotEndTheCallThatItGaveUpIsLeft() {
        leave();
        assertEquals(Session.FAREWELL_MAX, subject.readMax());
        assertEquals(List.of(), subject.lost(subject.silence()));
        subject.open();
        assertEquals(Duration.ofSeconds(15), subject.readMax());
    }

    @Test
    void anAnnouncedEndIsTroubleOnceTheWayBackFails() {
        leave();
        subject.lost(down());
        subject.open();
        assertEquals(1, lose(subject, down()).attempts());
    }

    @Test
    void triesAreLimitedIfAskedAndAStreamRestoresThem() {
        Session limited = session(Subscription.of("A"), 1);
        limited.open();
        lose(limited, down());
        limited.open();
        limited.receive(opening(""));
        lose(limited, down());
        limited.open();
        assertThrows(UnavailableException.class, () -> limited.lost(down()));
    }

    @ParameterizedTest
    @CsvSource({"from the error, from the error", "'', one"})
    void allOrEndEndsAndSaysWhereItStood(String told, String kept) {
        Session given = session(Subscription.of("A").delivery(Delivery.ALL_OR_END));
        given.open();
        given.receive(opening("one"));
        var behind = Failure.of(Failure.Kind.UNAVAILABLE, "RESOURCE_EXHAUSTED", Failure.TOO_FAR_BEHIND, "scripted")
                .withResumeToken(told);
        assertEquals(
                kept, assertThrows(UnavailableException.class, () -> given.lost(behind)).resumeToken());
    }

    @Test
    void allOrEndComesBackToAServerThatWasFull() {
        Session given = session(Subscription.of("A").delivery(Delivery.ALL_OR_END));
        given.open();
        var full = Failure.of(Failure.Kind.UNAVAILABLE, "RESOURCE_EXHAUSTED", "TOO_MANY_STREAMS", "scripted");
        assertEquals("TOO_MANY_STREAMS", lose(given, full).reason());
    }

    @Test
    void aStreamAfterASnapshotSendsItsToken() {
        Session given = session(Subscription.of("A").after(snapshot("t", quote("A", 5))));
        assertEquals("t", given.open().getResumeToken());
        expect(given.receive(resumed("", quote("A", 4), quote("A", 5), quote("A", 6))), "LIVE", "A 1/6");
        assertTrue(given.hasRest());
        expect(given.rest(), "caught up");
        assertFalse(given.hasRest());
    }

    @Test
    void aStreamAfterASnapshotWithoutATokenSaysThatItDidNotJoin() {
        Session given = session(Subscription.of("A").after(snapshot("", quote("A", 5))));
        assertFalse(given.open().hasResumeToken());
        expect(given.receive(opening("", quote("A", 7))), "reset", "LIVE", "gap, A 1/7", "caught up");
    }

    @Test
    void theLogTellsOfCutsAndReturns() {
        subject.open();
        subject.receive(opening("one"));
        lose(subject, down());
        subject.open();
        lose(subject, down());
        pass(Duration.ofMillis(1500));
        subject.open();
        subject.receive(resumed(""));
        subject.receive(farewell("last"));
        subject.lost(down());
        assertEquals(
                List.of(
                        "WARNING scripted; trying again in 1.0 s",
                        "DEBUG scripted; trying again in 2.0 s",
                        "INFO host:1 is back after 1.5 s",
                        "INFO host:1 has ended the stream as announced; connecting anew in 4.0 s"),
                log.records);
    }

    @Test
    void optionsThatDoNotGoTogether() {
        refused(
                "heartbeatInterval must be positive, not PT0S",
                () -> Subscription.all().heartbeatInterval(Duration.ZERO));
        refused(
                "minInterval must be positive, not PT-1S",
                () -> Subscription.all().minInterval(Duration.ofSeconds(-1)));
        refused(
                "heartbeatInterval must be at most 36500 days, not " + Duration.ofSeconds(Long.MAX_VALUE),
                () -> Subscription.all().heartbeatInterval(Duration.ofSeconds(Long.MAX_VALUE)));
        String twoPlaces = "give after or resumeToken, not both: a snapshot has its own token";
        refused(twoPlaces, () -> Subscription.all().after(snapshot("t")).resumeToken("u"));
        refused(twoPlaces, () -> Subscription.all().resumeToken("u").after(snapshot("t")));
    }

    private static void refused(String text, org.junit.jupiter.api.function.Executable making) {
        var refusal = assertThrows(InvalidRequestException.class, making);
        assertEquals(text, refusal.getMessage());
        assertEquals("INVALID_OPTION", refusal.reason());
    }

    private void leave() {
        subject.open();
        subject.receive(opening("one"));
        assertFalse(subject.isLeaving());
        expect(subject.receive(farewell("last")), "going away");
        assertTrue(subject.isLeaving());
    }

    private void pass(Duration duration) {
        nowNanos += duration.toNanos();
    }

    private Session session(Subscription subscription) {
        return session(subscription, Session.UNLIMITED);
    }

    private Session session(Subscription subscription, int reconnectsMax) {
        Backoff backoff = BackoffTest.longest(Duration.ofSeconds(1), Duration.ofSeconds(8));
        var terms = new Session.Terms("host:1", reconnectsMax, log, backoff, () -> nowNanos);
        return new Session(subscription.request(), subscription.after(), terms);
    }

    private static Failure failure(Failure.Kind kind) {
        return Failure.of(kind, "UNKNOWN", "", "scripted");
    }

    private static Failure down() {
        return failure(Failure.Kind.UNAVAILABLE);
    }

    private static Failure asking(Duration retryAfter) {
        return new Failure(Failure.Kind.UNAVAILABLE, "scripted", "UNAVAILABLE", "", retryAfter, List.of(), "", null);
    }

    /** Ends the call in a way that may heal: what the user is told. */
    private static Disconnected lose(Session session, Failure why) {
        List<Event> events = session.lost(why);
        assertEquals(1, events.size());
        return (Disconnected) events.get(0);
    }

    private static List<Duration> seconds(long... counts) {
        return java.util.Arrays.stream(counts).mapToObj(Duration::ofSeconds).toList();
    }
}
