package io.tickmux;

import com.google.protobuf.Timestamp;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;

/**
 * Times and durations of the contract as those of Java. What does not fit, which no sound server sends, is the farthest
 * that does: it neither ends a stream nor hides the rest of a message.
 */
final class ContractTypes {
    /** Two of them still fit the range of a clock of nanoseconds. */
    static final Duration FOREVER = Duration.ofDays(36_500);

    private ContractTypes() {}

    static Instant instant(Timestamp timestamp) {
        try {
            return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
        } catch (ArithmeticException | DateTimeException tooFar) {
            return timestamp.getSeconds() < 0 ? Instant.MIN : Instant.MAX;
        }
    }

    static Duration duration(com.google.protobuf.Duration duration) {
        try {
            return Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
        } catch (ArithmeticException tooLong) {
            return Duration.ofSeconds(duration.getSeconds() < 0 ? Long.MIN_VALUE : Long.MAX_VALUE);
        }
    }

    /** In nanoseconds, or so long that it makes no difference. */
    static long nanos(Duration duration) {
        return duration.compareTo(FOREVER) > 0 ? FOREVER.toNanos() : duration.toNanos();
    }

    static com.google.protobuf.Duration duration(Duration duration) {
        return com.google.protobuf.Duration.newBuilder()
                .setSeconds(duration.getSeconds())
                .setNanos(duration.getNano())
                .build();
    }
}
