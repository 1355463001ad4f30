package io.tickmux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BackoffTest {
    @Test
    void limitsDoubleUpToTheCapAndBeginAnewAfterAReset() {
        Backoff subject = longest(Duration.ofMillis(100), Duration.ofMillis(500));
        for (long millis : List.of(100L, 200L, 400L, 500L, 500L)) {
            assertEquals(Duration.ofMillis(millis), subject.next(null));
        }
        subject.reset();
        assertEquals(Duration.ofMillis(100), subject.next(null));
    }

    @Test
    void aSmallCapBoundsTheFirstWaitToo() {
        assertEquals(Duration.ofMillis(1), longest(Backoff.FIRST, Duration.ofMillis(1)).next(null));
    }

    @Test
    void waitsAreBoundedAndNeverShorterThanAsked() {
        Duration cap = Duration.ofSeconds(5);
        Random random = new Random(1);
        var longest = Duration.ofSeconds(Long.MAX_VALUE, 999_999_999);
        for (Duration asked : List.of(
                Duration.ofSeconds(Long.MIN_VALUE),
                Duration.ofNanos(-1),
                Duration.ZERO,
                Duration.ofNanos(1),
                Duration.ofSeconds(1),
                Duration.ofHours(1),
                longest)) {
            Backoff subject = new Backoff(Backoff.FIRST, cap, random::nextDouble);
            Duration least = asked.isNegative()
                    ? Duration.ZERO
                    : asked.compareTo(Backoff.RETRY_AFTER_MAX) > 0 ? Backoff.RETRY_AFTER_MAX : asked;
            for (int tries = 0; tries < 2000; tries++) {
                Duration wait = subject.next(asked);
                assertTrue(wait.compareTo(least) >= 0 && wait.compareTo(least.plus(cap)) <= 0, wait.toString());
            }
        }
    }

    /** Draws the longest wait. */
    static Backoff longest(Duration first, Duration cap) {
        return new Backoff(first, cap, () -> 1);
    }
}
