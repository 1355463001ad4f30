package io.tickmux;

import static io.tickmux.Following.client;
import static io.tickmux.Messages.live;
import static io.tickmux.Messages.opening;
import static io.tickmux.Messages.quote;
import static io.tickmux.Messages.resumed;
import static io.tickmux.ScriptedServer.call;
import static io.tickmux.ScriptedServer.cut;
import static io.tickmux.ScriptedServer.error;
import static io.tickmux.ScriptedServer.fail;
import static io.tickmux.ScriptedServer.hang;
import static io.tickmux.Summary.expect;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a subscriber of a publisher is signalled, and when. */
class PublisherTest {
    /** Some 100 KB, so that a window of the network holds a dozen. */
    private static final int SYMBOL_BYTES = 100_000;

    private static final int RESPONSES = 300;

    /** The windows of both sides and the buffers in between, in responses; far below what the server has. */
    private static final int AHEAD_MAX = 100;

    @Test
    void whoAsksForOneGetsOneAndTheRestOverCuts() throws Exception {
        try (var server = new ScriptedServer(
                        call(opening("t", quote("A", 1), quote("A", 2)), cut()),
                        call(resumed("", quote("A", 3)), hang()));
                var client = client(server)) {
            var subscriber = new Subscribing();
            client.publisher(Subscription.all()).subscribe(subscriber);
            subscriber.request(1);
            subscriber.awaitNext();
            subscriber.request(2);
            subscriber.awaitNext();
            subscriber.awaitNext();
            expect(subscriber.events, "LIVE", "A 1/1", "A 1/2");
            subscriber.request(Long.MAX_VALUE);
            subscriber.request(Long.MAX_VALUE);
            for (int rest = 0; rest < 6; rest++) {
                subscriber.awaitNext();
            }
            expect(
                    subscriber.events,
                    "LIVE",
                    "A 1/1",
                    "A 1/2",
                    "caught up",
                    "disconnected, 0 tries",
                    "reconnected, resumed",
                    "LIVE",
                    "A 1/3",
                    "caught up");
        }
    }

    @Test
    void aSlowSubscriberStopsTheServer() throws Exception {
        var flood = new Flood();
        try (var server = new ScriptedServer(call(flood, hang()));
                var client = client(server)) {
            var subscriber = new Subscribing();
            client.publisher(Subscription.all()).subscribe(subscriber);
            subscriber.request(2);
            subscriber.awaitNext();
            subscriber.awaitNext();
            flood.assertStopped(client);
            assertEquals(2, subscriber.events.size());
            subscriber.request(RESPONSES);
            while (!Following.revision(RESPONSES).test(subscriber.awaitNext())) {
                assertTrue(!subscriber.hasEnded());
            }
            assertEquals(RESPONSES, Summary.quotes(subscriber.events).size());
        }
    }

    @Test
    void aSlowLoopStopsTheServerToo() throws Exception {
        var flood = new Flood();
        try (var server = new ScriptedServer(call(flood, hang()));
                var client = client(server);
                var quotes = client.quotes(Subscription.all())) {
            assertTrue(quotes.poll(Following.LIMIT).isPresent());
            flood.assertStopped(client);
            for (int taken = 1; taken < RESPONSES; taken++) {
                assertEquals(taken + 1, quotes.poll(Following.LIMIT).orElseThrow().revision());
            }
        }
    }

    @Test
    void nothingIsSentBeforeSomethingIsAskedFor() throws Exception {
        try (var server = new ScriptedServer(call(opening("", quote("A", 1)), hang()));
                var client = client(server)) {
            var patient = new Subscribing();
            client.publisher(Subscription.all()).subscribe(patient);
            client.sources();
            assertEquals(0, server.requests.size());
            patient.request(1);
            patient.awaitNext();
            assertEquals(1, server.requests.size());
        }
    }

    @Test
    void eachSubscriberHasASubscriptionOfItsOwn() throws Exception {
        try (var server = new ScriptedServer(call(opening("t", quote("A", 1)), hang()));
                var client = client(server)) {
            var publisher = client.publisher(Subscription.all());
            for (int count = 0; count < 2; count++) {
                var subscriber = new Subscribing();
                publisher.subscribe(subscriber);
                subscriber.request(2);
                subscriber.awaitNext();
                expect(List.of(subscriber.awaitNext()), "A 1/1");
            }
            assertEquals(List.of("", ""), server.tokens());
        }
    }

    @Test
    void cancellingEndsTheCallWithoutASignal() throws Exception {
        try (var server = new ScriptedServer(call(opening("", quote("A", 1)), hang()));
                var client = client(server)) {
            var subscriber = new Subscribing();
            client.publisher(Subscription.all()).subscribe(subscriber);
            subscriber.request(Long.MAX_VALUE);
            Quote kept = null;
            for (Event event = subscriber.awaitNext(); !(event instanceof CaughtUp); event = subscriber.awaitNext()) {
                kept = event instanceof Quote quote ? quote : kept;
            }
            subscriber.subscription.cancel();
            subscriber.subscription.cancel();
            subscriber.request(1);
            server.awaitClosed();
            assertTrue(kept.isStale());
            awaitNoPublisherThread();
            assertTrue(!subscriber.hasEnded());
        }
    }

    @Test
    void aSubscriberMayCancelAndAskWhileItIsSignalled() throws Exception {
        try (var server = new ScriptedServer(call(opening("", quote("A", 1), quote("A", 2)), hang()));
                var client = client(server)) {
            var subscriber = new Subscribing() {
                @Override
                public void onSubscribe(Flow.Subscription given) {
                    super.onSubscribe(given);
                    given.request(1);
                }

                @Override
                public void onNext(Event event) {
                    if (event instanceof Quote) {
                        subscription.cancel();
                    } else {
                        subscription.request(5);
                    }
                    super.onNext(event);
                }
            };
            client.publisher(Subscription.all()).subscribe(subscriber);
            server.awaitClosed();
            awaitNoPublisherThread();
            expect(subscriber.events, "LIVE", "A 1/1");
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE})
    void askingForNothingIsAnError(long count) throws Exception {
        try (var server = new ScriptedServer(call(opening("", quote("A", 1)), hang()));
                var client = client(server)) {
            var idle = new Subscribing();
            client.publisher(Subscription.all()).subscribe(idle);
            idle.request(count);
            assertInstanceOf(IllegalArgumentException.class, idle.awaitEnd());
            var reading = new Subscribing();
            client.publisher(Subscription.all()).subscribe(reading);
            reading.request(Long.MAX_VALUE);
            reading.awaitNext();
            reading.request(count);
            assertInstanceOf(IllegalArgumentException.class, reading.awaitEnd());
            server.awaitClosed();
        }
    }

    @Test
    void whatCannotHealIsTheErrorAndClosingTheClientTheEnd() throws Exception {
        try (var server = new ScriptedServer(
                call(opening("", quote("A", 1)), fail(error(Status.UNAUTHENTICATED, "revoked"))),
                call(opening("", quote("A", 1)), hang()))) {
            var client = client(server);
            var refused = new Subscribing();
            client.publisher(Subscription.all()).subscribe(refused);
            refused.request(Long.MAX_VALUE);
            assertInstanceOf(AccessDeniedException.class, refused.awaitEnd());
            var reading = new Subscribing();
            client.publisher(Subscription.all()).subscribe(reading);
            reading.request(Long.MAX_VALUE);
            reading.awaitNext();
            var idle = new Subscribing();
            client.publisher(Subscription.all()).subscribe(idle);
            client.close();
            assertSame(Subscribing.COMPLETE, reading.awaitEnd());
            assertSame(Subscribing.COMPLETE, idle.awaitEnd());
        }
    }

    @Test
    void aSubscriberThatThrowsHasLeft() throws Exception {
        try (var server = new ScriptedServer(call(opening("", quote("A", 1)), hang()));
                var client = client(server)) {
            var thrown = new CompletableFuture<Throwable>();
            var subscriber = new Subscribing() {
                @Override
                public void onNext(Event event) {
                    Thread.currentThread().setUncaughtExceptionHandler((thread, failure) -> thrown.complete(failure));
                    throw new IllegalStateException("muddled");
                }
            };
            client.publisher(Subscription.all()).subscribe(subscriber);
            subscriber.request(9);
            assertEquals(
                    "muddled",
                    thrown.get(ScriptedServer.LIMIT_S, TimeUnit.SECONDS).getMessage());
            server.awaitClosed();
            assertTrue(!subscriber.hasEnded());
        }
    }

    @Test
    void aSubscriberIsToldOfWhatNobodyExpected() throws Exception {
        var muddled = new IllegalStateException("an interceptor of the program");
        try (var server = new ScriptedServer()) {
            var builder = Following.options(server);
            RawAccess.customise(builder, channel -> channel.intercept(new ClientInterceptor() {
                @Override
                public <Q, A> ClientCall<Q, A> interceptCall(
                        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
                    throw muddled;
                }
            }));
            try (var client = builder.connect()) {
                var subscriber = new Subscribing();
                client.publisher(Subscription.all()).subscribe(subscriber);
                subscriber.request(1);
                assertSame(muddled, subscriber.awaitEnd());
                assertEquals(0, client.connection().openStreams());
            }
        }
    }

    @Test
    void nobodyIsNoSubscriber() throws IOException {
        try (var server = new ScriptedServer();
                var client = client(server)) {
            var publisher = client.publisher(Subscription.all());
            assertThrows(NullPointerException.class, () -> publisher.subscribe(null));
        }
    }

    private static void awaitNoPublisherThread() throws InterruptedException {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("tickmux-publisher")) {
                thread.join(Following.LIMIT.toMillis());
            }
        }
    }

    /** Sends large responses as fast as the client takes them. */
    private static final class Flood implements ScriptedServer.Step {
        private final AtomicInteger sent = new AtomicInteger();

        @Override
        public void play(ScriptedServer.Call call) throws InterruptedException {
            String symbol = "A".repeat(SYMBOL_BYTES);
            while (sent.get() < RESPONSES) {
                if (call.stream().isReady()) {
                    call.stream().onNext(live("", quote(symbol, sent.incrementAndGet())));
                } else {
                    call.turnsReady().acquire();
                }
            }
        }

        /** A server that nothing stops would have sent all by the time that so many calls were answered beside it. */
        void assertStopped(TickmuxClient client) {
            for (int calls = 0; calls < 200; calls++) {
                client.sources();
            }
            int ahead = sent.get();
            assertTrue(ahead > 2 && ahead < AHEAD_MAX, "the server has sent " + ahead);
        }
    }
}
