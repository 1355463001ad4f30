package io.tickmux;

import java.time.Duration;

/**
 * The stream is gone, or a try to get it back failed. Every quote is stale. The client tries again by itself.
 *
 * @param problem what went wrong, in one line
 * @param reason machine-readable, such as {@code HEARTBEATS_MISSED}; empty if none was given
 * @param retryIn the time until the next try
 * @param attempts how many tries in a row have failed since the stream was cut; 0 = it has just been cut
 */
public record Disconnected(String problem, String reason, Duration retryIn, int attempts) implements Event {}
