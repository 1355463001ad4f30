package io.tickmux;

import java.util.List;

/**
 * What a stream reads from: batch after batch, so that what a batch costs is shared by all that it holds. One thread at
 * a time reads, any may close.
 *
 * @param <T> what a batch holds
 */
interface Batches<T> {
    /**
     * Waits for the next batch.
     *
     * @param deadline until when, by {@link System#nanoTime}
     * @return null at the end, and after it; an empty batch if nothing came in time, or nothing that would be in one
     * @throws InterruptedException the thread was interrupted; nothing is lost
     * @throws TickmuxException why it cannot go on, once
     */
    List<T> read(long deadline) throws InterruptedException;

    /** Where a subscription goes on after all that was read, or empty; of the reader alone. */
    String resumeToken();

    /** Ends it, and wakes its reader. */
    void close();
}
