package io.tickmux;

import static io.tickmux.Following.client;
import static io.tickmux.Following.revision;
import static io.tickmux.Messages.live;
import static io.tickmux.Messages.notComplete;
import static io.tickmux.Messages.opening;
import static io.tickmux.Messages.quote;
import static io.tickmux.Messages.reset;
import static io.tickmux.Messages.resumed;
import static io.tickmux.ScriptedServer.call;
import static io.tickmux.ScriptedServer.cut;
import static io.tickmux.ScriptedServer.error;
import static io.tickmux.ScriptedServer.fail;
import static io.tickmux.ScriptedServer.hang;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.grpc.Status;
import io.tickmux.v1.SubscribeResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Where a stream says that it stands, for a program that goes on there after its own restart. */
class PositionTest {
    /** The updates of the server's log; the token tN stands after update N. */
    private static final long LOG_LENGTH = 24;

    /** A server that lost its history before this update begins anew there. */
    private static final long RESET_AT = 15;

    /** What a program was given, and where its stream stood when it stopped. */
    private record Life(List<Event> events, String token) {}

    @Test
    void aProgramThatStopsAtAnyEventGoesOnFromItsPositionAndMissesNothing() throws IOException {
        int whole = run(firstLife(), Subscription.all(), revision(RESET_AT + 3)).events.size();
        for (int count = 1; count <= whole; count++) {
            int last = count;
            List<Event> given = new ArrayList<>();
            Life before = run(firstLife(), Subscription.all(), event -> {
                given.add(event);
                return given.size() == last;
            });
            boolean wasComplete = before.events.subList(0, count - 1).stream().anyMatch(CaughtUp.class::isInstance);
            assertEquals(wasComplete, !before.token.isEmpty(), "a token after " + count + " events");
            if (wasComplete) {
                Subscription again = Subscription.all().resumeToken(before.token);
                Life after = run(new ScriptedServer(secondLife(before.token)), again, revision(LOG_LENGTH));
                List<Event> both = new ArrayList<>(before.events);
                both.addAll(after.events);
                assertEquals(List.of(), missing(both), "after " + count + " events, from " + before.token);
            }
        }
    }

    @Test
    void itStandsForWhatTheNextReadHasLeftBehind() throws IOException {
        List<String> seen = new ArrayList<>();
        TickStream<Event> stream;
        try (var server = new ScriptedServer(call(
                        opening("t1", quote("A", 1)),
                        live("t3", quote("A", 2), quote("A", 3)),
                        live("", quote("A", 4)),
                        live("t5", quote("A", 5)),
                        live("t6", quote("A", 6)),
                        hang()));
                var client = client(server)) {
            stream = client.subscribe(Subscription.all());
            Event event;
            do {
                event = stream.poll(Following.LIMIT).orElseThrow();
                seen.add(Summary.line(event) + " at " + stream.resumeToken());
            } while (!revision(6).test(event));
        }
        assertEquals("t5", stream.resumeToken(), "once it has ended");
        assertEquals(
                List.of(
                        "LIVE at ",
                        "A 1/1 at ",
                        "caught up at ",
                        "A 1/2 at t1",
                        "A 1/3 at t1",
                        "A 1/4 at t3",
                        "A 1/5 at t3",
                        "A 1/6 at t5"),
                seen);
    }

    @Test
    void itMovesOnWithHeartbeatsWhileAReadWaitsAndIsSeenByAnyThread() throws Exception {
        Thread reading;
        try (var server = new ScriptedServer(call(opening("t1", quote("A", 1)), live("t2"), live("t3"), hang()));
                var client = client(server);
                var stream = client.quotes(Subscription.all())) {
            reading = new Thread(() -> stream.forEach(quote -> {}));
            reading.start();
            long deadline = System.nanoTime() + Following.LIMIT.toNanos();
            while (!stream.resumeToken().equals("t3") && System.nanoTime() < deadline) {
                Thread.onSpinWait();
            }
            assertEquals("t3", stream.resumeToken());
        }
        reading.join(Following.LIMIT.toMillis());
    }

    @Test
    void aPollThatFindsNothingMovesIt() throws IOException {
        try (var server = new ScriptedServer(call(opening("t1", quote("A", 1)), hang()));
                var client = client(server);
                var stream = client.quotes(Subscription.all())) {
            stream.poll(Following.LIMIT).orElseThrow();
            assertEquals("", stream.resumeToken());
            stream.poll(Duration.ZERO);
            assertEquals("t1", stream.resumeToken());
        }
    }

    @Test
    void theMessagesOfOneCallHaveOneToo() throws IOException {
        List<String> seen = new ArrayList<>();
        try (var server = new ScriptedServer(call(
                        opening("t1", quote("A", 1)), live("", quote("A", 2)), live("t3", quote("A", 3))));
                var client = client(server);
                var stream = client.responses(Subscription.all())) {
            stream.forEach(response -> seen.add(stream.resumeToken()));
            assertEquals("t3", stream.resumeToken(), "at the end");
        }
        assertEquals(List.of("", "t1", "t1"), seen);
    }

    @Test
    void itBeginsWhereTheSubscriptionDoes() throws IOException {
        try (var server = new ScriptedServer(call(hang()));
                var client = client(server)) {
            for (Subscription begun : List.of(
                    Subscription.all().resumeToken("start"),
                    Subscription.all().after(Messages.snapshot("start", quote("A", 1))))) {
                try (var stream = client.subscribe(begun)) {
                    assertEquals("start", stream.resumeToken());
                }
            }
        }
    }

    @Test
    void aTokenThatTheServerRefusesIsGivenUpOnceTheLossHasBeenTold() throws IOException {
        try (var server = new ScriptedServer(
                        call(opening("one", quote("A", 1)), cut()),
                        call(fail(error(Status.INVALID_ARGUMENT, "of another version"))),
                        call(opening("", quote("A", 5)), hang()));
                var client = client(server);
                var stream = client.subscribe(Subscription.all())) {
            Event event;
            do {
                event = stream.poll(Following.LIMIT).orElseThrow();
            } while (!(event instanceof Reset));
            assertEquals("one", stream.resumeToken());
            do {
                event = stream.poll(Following.LIMIT).orElseThrow();
            } while (!(event instanceof CaughtUp));
            stream.poll(Duration.ZERO);
            assertEquals("", stream.resumeToken());
        }
    }

    @Test
    void anErrorInTheMidstOfANewStateLeavesTheTokenByWhichTheLossIsTold() throws IOException {
        try (var server = new ScriptedServer(call(
                        opening("one", quote("A", 1)),
                        notComplete(reset("", quote("A", 9))),
                        fail(error(Status.UNAUTHENTICATED, "revoked"))));
                var client = client(server);
                var stream = client.subscribe(Subscription.all())) {
            var ended = assertThrows(AccessDeniedException.class, () -> stream.forEach(event -> {}));
            assertEquals("one", ended.resumeToken());
            assertEquals("one", stream.resumeToken());
        }
    }

    /** Reads up to an event, and closes the server. */
    private static Life run(ScriptedServer server, Subscription subscription, Predicate<Event> isLast) {
        List<Event> events = new ArrayList<>();
        try (server;
                var client = client(server);
                var stream = client.subscribe(subscription)) {
            do {
                events.add(stream.poll(Following.LIMIT).orElseThrow());
            } while (!isLast.test(events.get(events.size() - 1)));
            return new Life(events, stream.resumeToken());
        }
    }

    /** A state in two responses, batches with a token and without, a resume that repeats, a reset in two responses. */
    private static ScriptedServer firstLife() throws IOException {
        return new ScriptedServer(
                call(
                        notComplete(opening("", quote("A", 1))),
                        completing(2),
                        live("t5", updates(3, 5)),
                        live("", updates(6, 6)),
                        live("t8", updates(7, 8)),
                        cut()),
                call(
                        notComplete(resumed("", updates(8, 9))),
                        live("t10", updates(10, 10)),
                        live("t12", updates(11, 12)),
                        notComplete(reset("", updates(RESET_AT, RESET_AT))),
                        completing(RESET_AT + 1),
                        live("t18", updates(RESET_AT + 2, RESET_AT + 3)),
                        hang()));
    }

    /** What a server that has its history from the reset on answers to the program that has started anew. */
    private static ScriptedServer.Script secondLife(String token) {
        long reached = Long.parseLong(token.substring(1));
        return reached < RESET_AT
                ? call(reset("", updates(LOG_LENGTH, LOG_LENGTH)), hang())
                : call(resumed("", updates(reached + 1, LOG_LENGTH)), hang());
    }

    /** The end of a state, with an update and the token that stands after it. */
    private static SubscribeResponse completing(long revision) {
        return live("t" + revision, updates(revision, revision)).toBuilder().setCaughtUp(true).build();
    }

    private static io.tickmux.v1.Quote[] updates(long first, long last) {
        return LongStream.rangeClosed(first, last)
                .mapToObj(revision -> quote("A", revision))
                .toArray(io.tickmux.v1.Quote[]::new);
    }

    /** The updates that were lost without a Reset before the next one. */
    private static List<Long> missing(List<Event> events) {
        List<Long> lost = new ArrayList<>();
        long seen = 0;
        boolean isTold = false;
        for (Event event : events) {
            isTold |= event instanceof Reset;
            if (event instanceof Quote quote) {
                for (long next = seen + 1; next < quote.revision() && !isTold; next++) {
                    lost.add(next);
                }
                seen = Math.max(seen, quote.revision());
                isTold = false;
            }
        }
        return lost;
    }
}
