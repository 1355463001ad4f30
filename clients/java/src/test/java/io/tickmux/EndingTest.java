package io.tickmux;

import static io.tickmux.Following.LIMIT;
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
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.tickmux.v1.GetSnapshotResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How streams and clients end: left, closed by another thread, interrupted. */
class EndingTest {
    private static final ScriptedServer.Script ONE_QUOTE = call(opening("t", quote("A", 1)), hang());

    @Test
    void leavingTheLoopEndsTheCallWhileTheClientLivesOn() throws Exception {
        try (var server = new ScriptedServer(ONE_QUOTE);
                var client = client(server)) {
            try (var events = client.subscribe(Subscription.all())) {
                assertTrue(events.iterator().hasNext());
            }
            try (var quotes = client.quotes(Subscription.all())) {
                assertTrue(quotes.iterator().hasNext());
            }
            try (var responses = client.responses(Subscription.all())) {
                assertTrue(responses.iterator().hasNext());
            }
            server.awaitClosed();
            assertEquals(0, client.connection().openStreams());
            assertEquals(List.of(), client.sources());
        }
    }

    @Test
    void nothingIsSentBeforeTheFirstRead() throws Exception {
        try (var server = new ScriptedServer(ONE_QUOTE);
                var client = client(server);
                var stream = client.subscribe(Subscription.all())) {
            assertEquals(List.of(), client.sources());
            assertEquals(0, server.requests.size());
            assertTrue(stream.poll(LIMIT).isPresent());
            assertEquals(1, server.requests.size());
        }
    }

    @Test
    void aLoopThatIsLeftCanBeGoneOnWith() throws Exception {
        try (var server = new ScriptedServer(call(opening("", quote("A", 1), quote("A", 2)), hang()));
                var client = client(server);
                var quotes = client.quotes(Subscription.all())) {
            for (Quote quote : quotes) {
                assertEquals(1, quote.revision());
                break;
            }
            for (Quote quote : quotes) {
                assertEquals(2, quote.revision());
                break;
            }
            assertEquals(1, server.requests.size());
        }
    }

    @Test
    void aPollThatFindsNothingInTimeIsEmptyAndTheStreamGoesOn() throws Exception {
        CountDownLatch isPolled = new CountDownLatch(1);
        try (var server = new ScriptedServer(
                        call(
                                opening("", quote("A", 1)),
                                ScriptedServer.await(isPolled),
                                live("", quote("A", 2)),
                                hang()));
                var client = client(server);
                var quotes = client.quotes(Subscription.all())) {
            assertEquals(1, quotes.poll(LIMIT).orElseThrow().revision());
            assertTrue(quotes.poll(Duration.ZERO).isEmpty());
            assertTrue(quotes.poll(Duration.ofMillis(20)).isEmpty());
            assertTrue(quotes.poll(Duration.ofSeconds(-1)).isEmpty());
            assertTrue(quotes.poll(Duration.ofSeconds(Long.MIN_VALUE)).isEmpty());
            assertFalse(quotes.isClosed());
            isPolled.countDown();
            assertEquals(2, quotes.poll(LIMIT).orElseThrow().revision());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void closingFromAnotherThreadEndsALoopThatWaits(boolean closesClient) throws Exception {
        try (var server = new ScriptedServer(ONE_QUOTE);
                var client = client(server);
                var stream = client.subscribe(Subscription.all())) {
            CountDownLatch isCaughtUp = new CountDownLatch(1);
            FutureTask<List<Event>> reading = inThread(() -> {
                List<Event> events = new ArrayList<>();
                for (Event event : stream) {
                    events.add(event);
                    if (event instanceof CaughtUp) {
                        isCaughtUp.countDown();
                    }
                }
                return events;
            });
            assertTrue(isCaughtUp.await(LIMIT.toSeconds(), TimeUnit.SECONDS));
            (closesClient ? client : stream).close();
            List<Event> events = reading.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            Summary.expect(events, "LIVE", "A 1/1", "caught up");
            assertTrue(Summary.quotes(events).get(0).isStale());
            assertTrue(stream.isClosed());
            assertThrows(NoSuchElementException.class, stream.iterator()::next);
            server.awaitClosed();
        }
    }

    @Test
    void closingEndsAPause() throws Exception {
        try (var server = new ScriptedServer(call(fail(inAnHour())));
                var client = client(server);
                var stream = client.subscribe(Subscription.all())) {
            var events = stream.iterator();
            assertInstanceOf(Disconnected.class, events.next());
            FutureTask<Boolean> reading = inThread(events::hasNext);
            stream.close();
            assertFalse(reading.get(LIMIT.toSeconds(), TimeUnit.SECONDS));
        }
    }

    @Test
    void aClosedClientRefusesCallsAndWhatWasBegunBeforeJustStops() throws Exception {
        try (var server = new ScriptedServer(ONE_QUOTE)) {
            var client = client(server);
            var begun = client.subscribe(Subscription.all());
            var publisher = client.publisher(Subscription.all());
            assertFalse(begun.isClosed());
            client.close();
            client.close();
            assertTrue(begun.isClosed());
            assertFalse(begun.iterator().hasNext());
            var refusal = assertThrows(ClientClosedException.class, () -> client.subscribe(Subscription.all()));
            assertEquals(
                    "the client of " + server.target() + " is closed: make calls before its close()",
                    refusal.getMessage());
            assertThrows(ClientClosedException.class, () -> client.quotes(Subscription.all()));
            assertThrows(ClientClosedException.class, () -> client.responses(Subscription.all()));
            assertThrows(ClientClosedException.class, () -> client.publisher(Subscription.all()));
            assertThrows(ClientClosedException.class, () -> client.snapshot(Selection.all()));
            assertThrows(ClientClosedException.class, () -> client.instruments(Selection.all()));
            assertThrows(ClientClosedException.class, client::sources);
            var subscriber = new Subscribing();
            publisher.subscribe(subscriber);
            assertInstanceOf(ClientClosedException.class, subscriber.awaitEnd());
            assertEquals(0, server.requests.size());
        }
    }

    @Test
    void closingEndsARequestUnderWay() throws Exception {
        try (var server = new ScriptedServer()) {
            CountDownLatch isAsked = new CountDownLatch(1);
            server.snapshot = request -> {
                isAsked.countDown();
                new CountDownLatch(1).await();
                return GetSnapshotResponse.getDefaultInstance();
            };
            var client = client(server);
            FutureTask<Snapshot> asking = inThread(() -> client.snapshot(Selection.all()));
            assertTrue(isAsked.await(LIMIT.toSeconds(), TimeUnit.SECONDS));
            client.close();
            var failure = assertThrows(
                    ExecutionException.class, () -> asking.get(LIMIT.toSeconds(), TimeUnit.SECONDS));
            assertInstanceOf(ClientClosedException.class, failure.getCause());
        }
    }

    @Test
    void anInterruptedLoopEndsAndKeepsTheFlag() throws Exception {
        try (var server = new ScriptedServer(ONE_QUOTE);
                var client = client(server);
                var stream = client.subscribe(Subscription.all())) {
            CountDownLatch isCaughtUp = new CountDownLatch(1);
            FutureTask<Boolean> reading = new FutureTask<>(() -> {
                assertThrows(CallInterruptedException.class, () -> {
                    for (Event event : stream) {
                        if (event instanceof CaughtUp) {
                            isCaughtUp.countDown();
                        }
                    }
                });
                return Thread.currentThread().isInterrupted();
            });
            Thread thread = new Thread(reading);
            thread.start();
            assertTrue(isCaughtUp.await(LIMIT.toSeconds(), TimeUnit.SECONDS));
            thread.interrupt();
            assertTrue(reading.get(LIMIT.toSeconds(), TimeUnit.SECONDS));
            assertTrue(stream.isClosed());
            server.awaitClosed();
        }
    }

    @Test
    void anInterruptedRequestIsGivenUpAndKeepsTheFlag() throws Exception {
        try (var server = new ScriptedServer();
                var client = client(server)) {
            CountDownLatch isAsked = new CountDownLatch(1);
            server.snapshot = request -> {
                isAsked.countDown();
                new CountDownLatch(1).await();
                return GetSnapshotResponse.getDefaultInstance();
            };
            FutureTask<Boolean> asking = new FutureTask<>(() -> {
                assertThrows(CallInterruptedException.class, () -> client.snapshot(Selection.all()));
                return Thread.currentThread().isInterrupted();
            });
            Thread thread = new Thread(asking);
            thread.start();
            assertTrue(isAsked.await(LIMIT.toSeconds(), TimeUnit.SECONDS));
            thread.interrupt();
            assertTrue(asking.get(LIMIT.toSeconds(), TimeUnit.SECONDS));
        }
    }

    @Test
    void aClosedClientLeavesNoThreadBehind() throws Exception {
        try (var server = new ScriptedServer(ONE_QUOTE)) {
            try (var client = client(server);
                    var stream = client.subscribe(Subscription.all())) {
                assertTrue(stream.poll(LIMIT).isPresent());
                var reading = new Subscribing();
                client.publisher(Subscription.all()).subscribe(reading);
                reading.request(1);
                reading.awaitNext();
                client.publisher(Subscription.all()).subscribe(new Subscribing());
            }
        }
        // Those of gRPC, which all of its channels share, end a second after the last channel.
        long deadline = System.nanoTime() + LIMIT.toNanos();
        for (Thread thread : ours()) {
            thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime())));
        }
        assertEquals(List.of(), ours());
    }

    @Test
    void aKeptQuoteIsAskedFromAnyThread() throws Exception {
        try (var server = new ScriptedServer(
                        call(opening("t", quote("A", 1)), cut()),
                        call(resumed("", quote("A", 2)), Messages.reset("", quote("A", 9)), hang()));
                var client = client(server);
                var quotes = client.quotes(Subscription.all())) {
            CountDownLatch isLeft = new CountDownLatch(1);
            List<FutureTask<Boolean>> asking = new ArrayList<>();
            for (Quote quote : quotes) {
                asking.add(inThread(() -> {
                    while (isLeft.getCount() > 0) {
                        quote.isStale();
                    }
                    return quote.isStale();
                }));
                if (quote.revision() == 9) {
                    break;
                }
            }
            quotes.close();
            isLeft.countDown();
            for (FutureTask<Boolean> task : asking) {
                assertTrue(task.get(LIMIT.toSeconds(), TimeUnit.SECONDS));
            }
            assertEquals(3, asking.size());
        }
    }

    private static List<Thread> ours() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("grpc-") || thread.getName().startsWith("tickmux-"))
                .toList();
    }

    private static <T> FutureTask<T> inThread(java.util.concurrent.Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        Thread thread = new Thread(task, "test");
        thread.setDaemon(true);
        thread.start();
        return task;
    }

    private static io.grpc.StatusRuntimeException inAnHour() {
        var later = RetryInfo.newBuilder().setRetryDelay(ContractTypes.duration(Duration.ofHours(1)));
        return error(Status.UNAVAILABLE, "later", later.build());
    }
}
