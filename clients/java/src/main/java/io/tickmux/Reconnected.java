package io.tickmux;

import java.time.Duration;

/**
 * The stream is back.
 *
 * @param attempts how many tries it took
 * @param outage the time without a stream
 * @param resumed true: every missed update follows; false: a {@link Reset} follows, unless nothing had been received
 *     before
 */
public record Reconnected(int attempts, Duration outage, boolean resumed) implements Event {}
