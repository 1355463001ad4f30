package io.tickmux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A subscriber that asks for what a test wants, and checks that its signals follow one another. */
class Subscribing implements Flow.Subscriber<Event> {
    /** What a subscriber is told when all went well. */
    static final Throwable COMPLETE = new Throwable("complete");

    final List<Event> events = new CopyOnWriteArrayList<>();
    private final BlockingQueue<Event> unseen = new LinkedBlockingQueue<>();
    private final CompletableFuture<Throwable> end = new CompletableFuture<>();
    private final AtomicInteger running = new AtomicInteger();
    volatile Flow.Subscription subscription;

    void request(long count) {
        subscription.request(count);
    }

    Event awaitNext() throws InterruptedException {
        Event event = unseen.poll(ScriptedServer.LIMIT_S, TimeUnit.SECONDS);
        assertNotNull(event, "nothing came");
        return event;
    }

    Throwable awaitEnd() throws Exception {
        return end.get(ScriptedServer.LIMIT_S, TimeUnit.SECONDS);
    }

    boolean hasEnded() {
        return end.isDone();
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
        subscription = given;
    }

    @Override
    public void onNext(Event event) {
        assertEquals(1, running.incrementAndGet());
        events.add(event);
        unseen.add(event);
        running.decrementAndGet();
    }

    @Override
    public void onError(Throwable failure) {
        end.complete(failure);
    }

    @Override
    public void onComplete() {
        end.complete(COMPLETE);
    }
}
