package io.tickmux;

import com.google.protobuf.Timestamp;
import java.time.Duration;
import java.time.Instant;

/** Times and durations of the contract as those of Java. */
final class ContractTypes {
    /** Two of them still fit the range of a clock of nanoseconds. */
    static final Duration FOREVER = Duration.ofDays(36_500);

    private ContractTypes() {}

    static Instant instant(Timestamp timestamp) {
        return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
    }

    static Duration duration(com.google.protobuf.Duration duration) {
        return Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
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
