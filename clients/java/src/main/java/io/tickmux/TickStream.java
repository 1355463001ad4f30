package io.tickmux;

import java.time.Duration;
import java.util.Iterator;
import java.util.Optional;

/**
 * What a call streams, to be read by one thread at a time. It waits for more until it ends.
 *
 * @param <T> what it yields
 */
public final class TickStream<T> implements Iterable<T>, AutoCloseable {
    TickStream() {}

    /**
     * What is yet to come. All iterators of a stream go on where it stands.
     *
     * @return an iterator whose {@code hasNext} waits
     */
    @Override
    public Iterator<T> iterator() {
        throw new UnsupportedOperationException();
    }

    /**
     * Waits for the next one, but not for ever.
     *
     * @param patience how long to wait
     * @return empty if none came, or the stream has ended
     */
    public Optional<T> poll(Duration patience) {
        throw new UnsupportedOperationException();
    }

    /** Ends it. */
    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
