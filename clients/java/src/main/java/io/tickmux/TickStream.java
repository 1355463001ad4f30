package io.tickmux;

import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * What a subscription yields, to be read in a loop by one thread at a time.
 *
 * <p>Nothing is sent before the first read. A read waits until there is something, for ever if need be; while nothing
 * is read, no more than a few responses are taken from the server, which then sees a slow reader. {@link #close}, from
 * any thread, ends the loop and the call; a stream that is only forgotten keeps its call until its client is closed.
 *
 * <p>A thread that is interrupted while it waits gets a {@link CallInterruptedException}, with its interrupt flag set,
 * and the stream has ended.
 *
 * @param <T> what it yields
 */
public final class TickStream<T> implements Iterable<T>, AutoCloseable {
    private final Connection connection;
    private final Batches<?> batches;
    private final Class<T> wanted;
    private final Runnable whenClosed;
    private final Cursor cursor = new Cursor();
    private volatile boolean isClosed;
    private volatile String position;

    /**
     * Begins.
     *
     * @param wanted what to yield of the batches; the rest is passed over
     * @param whenClosed called whenever it is closed, by the thread that does it
     */
    TickStream(Connection connection, Batches<?> batches, Class<T> wanted, Runnable whenClosed) {
        this.connection = connection;
        this.batches = batches;
        this.wanted = wanted;
        this.whenClosed = whenClosed;
        position = batches.resumeToken();
    }

    /**
     * What is yet to come. There is one position: every iterator of a stream goes on where the others left it.
     *
     * @return an iterator that waits; its {@code hasNext} is false once the stream or the client is closed, and throws
     *     a {@link TickmuxException} that trying again cannot heal, or a {@link CallInterruptedException}, once
     */
    @Override
    public Iterator<T> iterator() {
        return cursor;
    }

    /**
     * Waits for the next one, but not for ever.
     *
     * @param patience how long to wait at most; zero looks without waiting
     * @return empty if none came in time, or the stream has ended
     * @throws TickmuxException for what trying again cannot heal, or if the thread is interrupted
     */
    public Optional<T> poll(Duration patience) {
        long deadline = System.nanoTime() + (patience.isNegative() ? 0 : ContractTypes.nanos(patience));
        return cursor.advance(deadline) ? Optional.of(cursor.take()) : Optional.empty();
    }

    /**
     * Whether it has ended, so that nothing more will come.
     *
     * @return true after {@link #close}, the end of the client, or an error
     */
    public boolean isClosed() {
        // A stream that was never read is not known to the client that closes.
        return isClosed || connection.isClosing();
    }

    /**
     * Where another subscription to the same selection, with the same delivery, can go on: after the restart of a
     * program that has stored it. May be asked by any thread, also once the stream has ended.
     *
     * <p>It stands for the responses of the server all of whose events were read, and left behind by the next read;
     * never for the event at hand. Who goes on from it misses nothing, and sees again what came since. It moves on with
     * the server's heartbeats, too, while a read waits, so store it from time to time: a server goes on only from a
     * token that its history still reaches. Where it does not, the subscription begins with {@link Reset}.
     *
     * @return for {@link Subscription#resumeToken}; empty if there is nowhere to go on
     */
    public String resumeToken() {
        return position;
    }

    /** Ends the loop, its call, and the freshness of its quotes: from now on each of them is stale. From any thread. */
    @Override
    public void close() {
        isClosed = true;
        connection.leave(this);
        batches.close();
        whenClosed.run();
    }

    TickmuxException interruption() {
        return Failure.interrupted(connection.target()).exception();
    }

    /** Has it closed when the client is, before its first read already. */
    void enter() {
        connection.enter(this);
    }

    /** Where the reader stands; all of it is the reader's. */
    private final class Cursor implements Iterator<T> {
        private List<?> batch = List.of();
        private int index;
        private T next;
        private boolean hasEntered;

        @Override
        public boolean hasNext() {
            return next != null || advance(System.nanoTime() + ContractTypes.FOREVER.toNanos());
        }

        @Override
        public T next() {
            // What hasNext has promised is kept, though another thread may have closed the stream since.
            if (!hasNext()) {
                throw new NoSuchElementException("the stream has ended");
            }
            return take();
        }

        private T take() {
            T taken = next;
            next = null;
            return taken;
        }

        private boolean advance(long deadline) {
            while (next == null && !isClosed) {
                if (index < batch.size()) {
                    Object item = batch.get(index++);
                    if (wanted.isInstance(item)) {
                        next = wanted.cast(item);
                    }
                } else {
                    refill(deadline);
                    if (batch.isEmpty() && System.nanoTime() - deadline >= 0) {
                        break;
                    }
                }
            }
            return next != null;
        }

        private void refill(long deadline) {
            if (!hasEntered) {
                hasEntered = true;
                enter();
            }
            position = batches.resumeToken();
            index = 0;
            batch = List.of();
            boolean hasFailed = true;
            try {
                List<?> read = batches.read(deadline);
                hasFailed = read == null;
                if (read != null) {
                    batch = read;
                }
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                throw interruption();
            } finally {
                if (hasFailed) {
                    close();
                }
            }
        }
    }
}
