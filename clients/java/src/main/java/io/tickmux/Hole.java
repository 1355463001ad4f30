package io.tickmux;

/**
 * Updates of one instrument are missing and nothing announced it: a fault of the server. Its quote follows.
 *
 * <p>Epochs and revisions are unsigned 64-bit numbers.
 *
 * @param source the source of the instrument
 * @param symbol its canonical name
 * @param epoch the chain of quotes that has the hole
 * @param expectedRevision the first one that is missing
 * @param seenRevision the one that came instead
 */
public record Hole(String source, String symbol, long epoch, long expectedRevision, long seenRevision)
        implements Event {}
