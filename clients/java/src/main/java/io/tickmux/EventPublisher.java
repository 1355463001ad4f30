package io.tickmux;

import java.util.Iterator;
import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/** Hands each subscriber a stream of its own, no faster than it asks for. */
final class EventPublisher implements Flow.Publisher<Event> {
    private static final AtomicLong THREADS = new AtomicLong();

    private final Function<Runnable, TickStream<Event>> streams;

    /**
     * Begins.
     *
     * @param streams gives each subscriber its stream, which calls back once it is closed, or throws a
     *     {@link TickmuxException}
     */
    EventPublisher(Function<Runnable, TickStream<Event>> streams) {
        this.streams = streams;
    }

    @Override
    public void subscribe(Flow.Subscriber<? super Event> subscriber) {
        Objects.requireNonNull(subscriber, "subscriber");
        Delivering delivering;
        try {
            delivering = new Delivering(subscriber, streams);
        } catch (TickmuxException failure) {
            subscriber.onSubscribe(new Refused());
            subscriber.onError(failure);
            return;
        }
        subscriber.onSubscribe(delivering);
        delivering.start();
    }

    /** What a subscriber that gets nothing but an error is given first. */
    private static final class Refused implements Flow.Subscription {
        @Override
        public void request(long count) {}

        @Override
        public void cancel() {}
    }

    /** Signals one subscriber, from a thread of its own, so that its signals follow one another. */
    private static final class Delivering implements Flow.Subscription {
        private final Flow.Subscriber<? super Event> subscriber;
        private final TickStream<Event> stream;

        /** How many events were asked for and not yet taken over by the thread. */
        private long demand;

        /** What the subscriber is told at the end; null if the client was closed. */
        private Throwable failure;

        private boolean isCancelled;

        Delivering(Flow.Subscriber<? super Event> subscriber, Function<Runnable, TickStream<Event>> streams) {
            this.subscriber = subscriber;
            stream = streams.apply(this::wake);
        }

        void start() {
            stream.enter();
            Thread thread = new Thread(this::run, "tickmux-publisher-" + THREADS.incrementAndGet());
            thread.setDaemon(true);
            thread.start();
        }

        @Override
        public synchronized void request(long count) {
            if (count <= 0) {
                fail(new IllegalArgumentException("request a positive number of events, not " + count));
                stream.close();
            } else {
                demand = demand + count < 0 ? Long.MAX_VALUE : demand + count;
                notifyAll();
            }
        }

        @Override
        public synchronized void cancel() {
            isCancelled = true;
            stream.close();
        }

        private synchronized void wake() {
            notifyAll();
        }

        private void run() {
            try {
                deliver();
                finish();
            } finally {
                // A subscriber that throws, which it must not, has left; the thread's handler is told of it.
                stream.close();
            }
        }

        private void deliver() {
            Iterator<Event> events = stream.iterator();
            while (true) {
                long left = takeDemand();
                if (left == 0) {
                    return;
                }
                for (; left > 0; left--) {
                    if (!hasNext(events)) {
                        return;
                    }
                    subscriber.onNext(events.next());
                }
            }
        }

        /** Waits until events were asked for; 0 once the stream is closed. */
        private synchronized long takeDemand() {
            while (demand == 0 && !stream.isClosed()) {
                try {
                    wait();
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                    fail(stream.interruption());
                    stream.close();
                }
            }
            long taken = demand;
            demand = 0;
            return taken;
        }

        private boolean hasNext(Iterator<Event> events) {
            try {
                return events.hasNext();
            } catch (RuntimeException | Error failed) {
                // Those of the program's own interceptors, too: a subscriber that is told nothing waits for ever.
                fail(failed);
                return false;
            }
        }

        private synchronized void fail(Throwable why) {
            if (failure == null) {
                failure = why;
            }
        }

        private void finish() {
            Throwable why;
            synchronized (this) {
                if (isCancelled) {
                    return;
                }
                why = failure;
            }
            if (why == null) {
                subscriber.onComplete();
            } else {
                subscriber.onError(why);
            }
        }
    }
}
