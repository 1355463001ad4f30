package io.tickmux;

import static io.tickmux.Following.client;
import static io.tickmux.Following.options;
import static io.tickmux.Following.revision;
import static io.tickmux.Following.watch;
import static io.tickmux.Messages.farewell;
import static io.tickmux.Messages.live;
import static io.tickmux.Messages.opening;
import static io.tickmux.Messages.quote;
import static io.tickmux.Messages.resumed;
import static io.tickmux.ScriptedServer.await;
import static io.tickmux.ScriptedServer.call;
import static io.tickmux.ScriptedServer.cut;
import static io.tickmux.ScriptedServer.error;
import static io.tickmux.ScriptedServer.fail;
import static io.tickmux.ScriptedServer.hang;
import static io.tickmux.Summary.expect;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.InsecureServerCredentials;
import io.grpc.Status;
import io.tickmux.v1.Continuity;
import io.tickmux.v1.GetSnapshotResponse;
import io.tickmux.v1.SourceState;
import io.tickmux.v1.SubscribeResponse;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the user of a subscription sees of a scripted server. */
class StreamTest {
    @Test
    void aResumeContinuesAndDropsRepeats() throws IOException {
        try (var server = new ScriptedServer(
                call(opening("t7", quote("A", 7)), live("t8", quote("A", 8)), cut()),
                call(resumed("", quote("A", 8), quote("A", 9)), hang()))) {
            expect(
                    watch(server, revision(9)),
                    "LIVE",
                    "A 1/7",
                    "caught up",
                    "A 1/8",
                    "disconnected, 0 tries",
                    "reconnected, resumed",
                    "LIVE",
                    "A 1/9");
            assertEquals(List.of("", "t8"), server.tokens());
        }
    }

    @Test
    void aServerThatDoesNotResumeIsAskedAnew() throws IOException {
        var refusal = error(Status.UNIMPLEMENTED, "not yet", info("NOT_SERVED_YET"));
        try (var server = new ScriptedServer(
                call(opening("t"), cut()), call(fail(refusal)), call(opening("", quote("A", 9)), hang()))) {
            expect(
                    watch(server, revision(9)),
                    "LIVE",
                    "caught up",
                    "disconnected, 0 tries",
                    "disconnected, 1 tries",
                    "reconnected",
                    "reset",
                    "LIVE",
                    "gap, A 1/9");
            assertEquals(List.of("", "t", ""), server.tokens());
        }
    }

    @Test
    void aCutInTheMidstOfTheStateBeginsAnew() throws IOException {
        var half = SubscribeResponse.newBuilder()
                .setContinuity(Continuity.CONTINUITY_SNAPSHOT)
                .addSourceStatuses(live())
                .addQuotes(quote("A", 1))
                .build();
        try (var server = new ScriptedServer(call(half, cut()), call(opening("", quote("A", 2)), hang()))) {
            expect(
                    watch(server, revision(2)),
                    "LIVE",
                    "A 1/1",
                    "disconnected, 0 tries",
                    "reconnected",
                    "reset",
                    "LIVE",
                    "gap, A 1/2");
            assertEquals(List.of("", ""), server.tokens());
        }
    }

    @Test
    void goingAwayIsFollowedByAStreamAtTheTimeThatTheServerGives() throws IOException {
        Duration asked = Duration.ofMillis(300);
        var later = RetryInfo.newBuilder().setRetryDelay(ContractTypes.duration(asked)).build();
        var moved = error(Status.UNAVAILABLE, "moved", info("GOING_AWAY"), later);
        try (var server = new ScriptedServer(
                call(opening("", quote("A", 1)), farewell("last"), fail(moved)),
                call(resumed("", quote("A", 2)), hang()))) {
            List<Event> events = watch(server, revision(2));
            expectOrderlyMove(events);
            assertEquals(List.of("", "last"), server.tokens());
            assertTrue(((Reconnected) events.get(4)).outage().compareTo(asked) >= 0);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"silence", "more"})
    void aServerThatGoesAwayAndDoesNotGoIsLeft(String then) throws IOException {
        var last = then.equals("more") ? ScriptedServer.send(live("", quote("A", 9))) : hang();
        try (var server = new ScriptedServer(
                call(opening("", quote("A", 1)), farewell("last"), last, hang()),
                call(resumed("", quote("A", 2)), hang()))) {
            // Missing heartbeats would be told as Disconnected.
            expectOrderlyMove(watch(server, revision(2)));
        }
    }

    @Test
    void threeMissedHeartbeatsAreADeadStream() throws IOException {
        try (var server = new ScriptedServer(
                call(opening("t", quote("A", 1)), hang()), call(resumed("", quote("A", 2)), hang()))) {
            List<Event> events = watch(
                    server, revision(2), Subscription.all().heartbeatInterval(Duration.ofMillis(100)));
            expect(
                    events,
                    "LIVE",
                    "A 1/1",
                    "caught up",
                    "disconnected, 0 tries",
                    "reconnected, resumed",
                    "LIVE",
                    "A 1/2");
            assertEquals("HEARTBEATS_MISSED", ((Disconnected) events.get(3)).reason());
        }
    }

    @Test
    void aServerThatSaysNothingAtAllIsDeadToo() throws IOException {
        try (var server = new ScriptedServer(call(hang()), call(opening("", quote("A", 2)), hang()))) {
            expect(
                    watch(server, revision(2), Subscription.all().heartbeatInterval(Duration.ofMillis(100))),
                    "disconnected, 0 tries",
                    "reconnected",
                    "LIVE",
                    "A 1/2");
        }
    }

    @Test
    void aSlowConsumerIsNotTakenForADeadStream() throws Exception {
        Duration silence = Duration.ofMillis(300);
        CountDownLatch isAwake = new CountDownLatch(1);
        try (var server = new ScriptedServer(
                        call(opening("", quote("A", 1)), await(isAwake), live("", quote("A", 2)), hang()));
                var client = client(server)) {
            List<Event> events = new ArrayList<>();
            var subscription = Subscription.all().heartbeatInterval(silence.dividedBy(3));
            CountDownLatch never = new CountDownLatch(1);
            try (var stream = client.subscribe(subscription)) {
                for (Event event : stream) {
                    events.add(event);
                    if (event instanceof CaughtUp) {
                        assertFalse(never.await(2 * silence.toMillis(), TimeUnit.MILLISECONDS));
                        isAwake.countDown();
                    }
                    if (revision(2).test(event)) {
                        break;
                    }
                }
            }
            expect(events, "LIVE", "A 1/1", "caught up", "A 1/2");
        }
    }

    @Test
    void aStreamThatTheServerEndsIsOpenedAnew() throws IOException {
        try (var server = new ScriptedServer(
                call(opening("t", quote("A", 1))), call(resumed("", quote("A", 2)), hang()))) {
            List<Event> events = watch(server, revision(2));
            assertEquals("STREAM_ENDED", ((Disconnected) events.get(3)).reason());
        }
    }

    @Test
    void aStreamJoinsTheSnapshotBeforeIt() throws IOException {
        try (var server = new ScriptedServer(
                        call(
                                resumed("", quote("B", 6), quote("B", 7), quote("A", 6), quote("B", 8)),
                                cut()),
                        call(resumed("", quote("A", 6), quote("B", 9)), hang()));
                var client = client(server)) {
            server.snapshot = request -> request.getPageToken().isEmpty()
                    ? GetSnapshotResponse.newBuilder()
                            .addQuotes(quote("A", 5))
                            .addSourceStatuses(live())
                            .addUnmatched("NOPE")
                            .setNextPageToken("2")
                            .build()
                    : GetSnapshotResponse.newBuilder()
                            .addQuotes(quote("B", 7))
                            .setResumeToken("t5")
                            .build();
            Snapshot taken = client.snapshot(Selection.of("A", "B"), 1);
            assertEquals(2, taken.quotes().size());
            assertEquals(List.of("NOPE"), taken.unmatched());
            assertFalse(taken.quotes().get(1).isStale());
            expect(
                    watch(client, revision(9), Subscription.of("A", "B").after(taken)),
                    "LIVE",
                    "A 1/6",
                    "B 1/8",
                    "caught up",
                    "disconnected, 0 tries",
                    "reconnected, resumed",
                    "LIVE",
                    "B 1/9");
            assertEquals(List.of("t5", "t5"), server.tokens());
            assertTrue(taken.quotes().get(0).isStale(), "once the stream is left");
        }
    }

    @Test
    void aStreamThatEndsRatherThanConflatesSaysWhereItStood() throws IOException {
        var told = info("CLIENT_TOO_FAR_BEHIND").toBuilder().putMetadata("resume_token", "t9").build();
        var behind = error(Status.RESOURCE_EXHAUSTED, "too far behind", told);
        try (var server = new ScriptedServer(call(opening("t1", quote("A", 1)), fail(behind)))) {
            var ended = assertThrows(
                    UnavailableException.class,
                    () -> watch(server, event -> false, Subscription.all().delivery(Delivery.ALL_OR_END)));
            assertEquals("CLIENT_TOO_FAR_BEHIND", ended.reason());
            assertEquals("RESOURCE_EXHAUSTED", ended.codeName());
            assertEquals("t9", ended.resumeToken());
            assertEquals(1, server.requests.size());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "UNAUTHENTICATED, io.tickmux.AccessDeniedException",
        "PERMISSION_DENIED, io.tickmux.AccessDeniedException",
        "UNIMPLEMENTED, io.tickmux.UnimplementedException",
        "FAILED_PRECONDITION, io.tickmux.InvalidRequestException",
        "INVALID_ARGUMENT, io.tickmux.InvalidRequestException",
        "NOT_FOUND, io.tickmux.InvalidRequestException",
        "OUT_OF_RANGE, io.tickmux.InvalidRequestException",
    })
    void whatCannotHealEndsTheLoopAtOnce(Status.Code code, Class<? extends TickmuxException> kind)
            throws IOException {
        try (var server = new ScriptedServer(call(fail(error(code.toStatus(), "no"))));
                var client = client(server);
                var stream = client.subscribe(Subscription.all())) {
            var events = stream.iterator();
            var failure = assertThrows(kind, events::hasNext);
            assertEquals(code.name(), failure.codeName());
            assertFalse(events.hasNext(), "an error comes once");
            assertTrue(stream.isClosed());
            assertEquals(1, server.requests.size());
        }
    }

    @Test
    void anUnreachableServerIsToldAndIsTheErrorIfTriesAreLimited() throws IOException {
        String target = unusedTarget();
        List<Event> events = new ArrayList<>();
        try (var client = TickmuxClient.builder(target)
                .backoffCap(Duration.ofMillis(10))
                .reconnectsMax(1)
                .connect()) {
            var failure = assertThrows(
                    UnavailableException.class, () -> watch(client, event -> false, Subscription.all(), events));
            expect(events, "disconnected, 0 tries");
            assertEquals("UNAVAILABLE from " + target + ": Connection refused", failure.getMessage());
        }
    }

    @Test
    void aServerThatComesUpIsFoundAtThePaceOfOurBackoff() throws IOException {
        String target = unusedTarget();
        int port = Integer.parseInt(target.substring(target.indexOf(':') + 1));
        try (var client = TickmuxClient.builder(target)
                        .backoffCap(Duration.ofMillis(10))
                        .connect();
                var stream = client.subscribe(Subscription.all())) {
            // The channel itself would wait for minutes by now.
            for (int tries = 0; tries < 30; tries++) {
                var event = stream.poll(Following.LIMIT).orElseThrow();
                assertInstanceOf(Disconnected.class, event);
            }
            assertThrows(UnavailableException.class, client::sources);
            try (var server = new ScriptedServer(
                    port, InsecureServerCredentials.create(), call(opening("", quote("A", 1)), hang()))) {
                assertEquals(List.of(), firstAnswer(client));
                List<Event> events = new ArrayList<>();
                do {
                    events.add(stream.poll(Following.LIMIT).orElseThrow());
                } while (!revision(1).test(events.get(events.size() - 1)));
                assertEquals(1, server.requests.size());
            }
        }
    }

    @Test
    void quotesOnlyWithGapsAndStaleness() throws IOException {
        var restart = live("", quote("A", 2, 1)).toBuilder()
                .addSourceStatuses(Messages.status(SourceState.SOURCE_STATE_LIVE, 2))
                .build();
        try (var server = new ScriptedServer(
                        call(opening("", quote("A", 7), quote("QUIET", 3)), restart, hang()));
                var client = client(server)) {
            List<Quote> kept = new ArrayList<>();
            try (var quotes = client.quotes(Subscription.all())) {
                for (Quote quote : quotes) {
                    kept.add(quote);
                    if (quote.epoch() == 2) {
                        break;
                    }
                }
                assertEquals(List.of(true, true, false), kept.stream().map(Quote::isStale).toList());
            }
            assertFalse(kept.get(0).gapBefore());
            assertTrue(kept.get(2).gapBefore());
            assertTrue(kept.get(2).isStale(), "once the stream is left");
        }
    }

    @Test
    void rawResponsesOfOneCall() throws IOException {
        try (var server = new ScriptedServer(
                        call(opening("", quote("A", 7)), live("", quote("A", 9)), cut()), call(opening("")));
                var client = client(server)) {
            List<Long> revisions = new ArrayList<>();
            try (var responses = client.responses(Subscription.of("A"))) {
                assertThrows(UnavailableException.class, () -> {
                    for (SubscribeResponse response : responses) {
                        revisions.add(response.getQuotes(0).getRevision());
                    }
                });
            }
            assertEquals(List.of(7L, 9L), revisions);
            assertEquals(1, server.requests.size());
            try (var responses = client.responses(Subscription.of("A"))) {
                assertTrue(responses.iterator().next().getCaughtUp());
                assertFalse(responses.iterator().hasNext(), "an end without an error is no error");
            }
        }
    }

    @Test
    void aMessageOverFourMebibytesIsAccepted() throws IOException {
        var large = SubscribeResponse.newBuilder().setContinuity(Continuity.CONTINUITY_SNAPSHOT);
        for (int count = 0; count < 60_000; count++) {
            large.addQuotes(quote("A".repeat(100), 1));
        }
        assertTrue(large.build().getSerializedSize() > 4 << 20);
        try (var server = new ScriptedServer(call(large.build(), hang()));
                var client = options(server).reconnectsMax(0).connect()) {
            expect(watch(client, event -> true, Subscription.all()), "A".repeat(100) + " 1/1");
        }
    }

    @Test
    void fieldsAndValuesOfALaterVersionDoNoHarm() throws IOException {
        var text = UnknownFieldSet.Field.newBuilder()
                .addLengthDelimited(ByteString.copyFromUtf8("later"))
                .build();
        var unknown = UnknownFieldSet.newBuilder().addField(1000, text).build();
        var flagged = quote("A", 7).toBuilder().addFlagsValue(99).setUnknownFields(unknown);
        var later = opening("", flagged.build()).toBuilder().setUnknownFields(unknown).build();
        var state = Messages.live().toBuilder().setStateValue(99).build();
        try (var server = new ScriptedServer(
                call(later, Messages.statuses(state), live("", quote("A", 8)), hang()))) {
            List<Event> events = watch(server, revision(8));
            expect(events, "LIVE", "A 1/7", "caught up", "UNKNOWN", "A 1/8");
            assertEquals(
                    List.of(99), Summary.quotes(events).get(0).message().getFlagsValueList());
        }
    }

    @Test
    void theCallAfterAFarewellHasAllTheTimeThatTheFirstOneHad() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        long later = Session.FAREWELL_MAX.toMillis() + 100;
        ScriptedServer.Step slowly = call -> never.await(later, TimeUnit.MILLISECONDS);
        try (var server = new ScriptedServer(
                call(opening("", quote("A", 1)), farewell("last"), cut()),
                call(slowly, resumed("", quote("A", 2)), hang()))) {
            expectOrderlyMove(watch(server, revision(2)));
        }
    }

    private static void expectOrderlyMove(List<Event> events) {
        expect(events, "LIVE", "A 1/1", "caught up", "going away", "reconnected, resumed", "LIVE", "A 1/2");
    }

    static ErrorInfo info(String reason) {
        return ErrorInfo.newBuilder().setReason(reason).setDomain("tickmux").build();
    }

    /** Asks a few times: gRPC fails a call just before its channel says so, and one made in between fails with it. */
    private static List<SourceStatus> firstAnswer(TickmuxClient client) {
        for (int tries = 0; tries < 10; tries++) {
            try {
                return client.sources();
            } catch (UnavailableException failure) {
                Thread.onSpinWait();
            }
        }
        return client.sources();
    }

    static String unusedTarget() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return "127.0.0.1:" + socket.getLocalPort();
        }
    }
}
