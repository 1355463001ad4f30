package io.tickmux;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/**
 * How long to wait before the next try: each wait is drawn evenly between 0 and a doubling limit, so that clients which
 * one event has cut off together do not return together.
 */
final class Backoff {
    static final Duration FIRST = Duration.ofMillis(100);
    static final Duration RETRY_AFTER_MAX = Duration.ofMinutes(5);
    private static final int DOUBLINGS_MAX = 32;
    private static final double NANOS_PER_SECOND = 1e9;

    private final double firstNanos;
    private final double capNanos;
    private final DoubleSupplier uniform;
    private int doublings;

    /**
     * Begins.
     *
     * @param uniform draws from [0, 1)
     */
    Backoff(Duration first, Duration cap, DoubleSupplier uniform) {
        capNanos = nanos(cap);
        firstNanos = Math.min(nanos(first), capNanos);
        this.uniform = uniform;
    }

    /**
     * How long to wait now. What the server asked for is the least, spread upwards, and bounded to 5 minutes.
     *
     * @param retryAfter null if the server does not say
     */
    Duration next(Duration retryAfter) {
        double limitNanos = Math.min(capNanos, firstNanos * (1L << doublings));
        doublings = Math.min(doublings + 1, DOUBLINGS_MAX);
        return asked(retryAfter).plusNanos((long) (uniform.getAsDouble() * limitNanos));
    }

    /** Begins anew: the connection has proved stable. */
    void reset() {
        doublings = 0;
    }

    private static Duration asked(Duration retryAfter) {
        if (retryAfter == null || retryAfter.isNegative()) {
            return Duration.ZERO;
        }
        return retryAfter.compareTo(RETRY_AFTER_MAX) > 0 ? RETRY_AFTER_MAX : retryAfter;
    }

    /** As a double, where 32 doublings of any duration fit. */
    private static double nanos(Duration duration) {
        return duration.getSeconds() * NANOS_PER_SECOND + duration.getNano();
    }
}
