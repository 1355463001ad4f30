import java.time.Duration;
import java.time.Instant;
import java.util.StringJoiner;

/** Keeps how old quotes are as they reach user code, once the reader is warm and until the time is over. */
final class Stopwatch {
    private static final double NANOS = 1e9;

    private final Instant warmAt;
    private final Instant endAt;
    private final StringJoiner latenciesNs = new StringJoiner(", ", "{\"latencies_ns\": [", "]}");
    private boolean hasEnded;

    Stopwatch(Request request) {
        warmAt = Instant.now().plusNanos((long) (request.warmUpS() * NANOS));
        endAt = warmAt.plusNanos((long) (request.seconds() * NANOS));
    }

    /** Takes one quote; whether the time is over. */
    boolean isOver(Instant receivedAt) {
        Instant now = Instant.now();
        if (now.isAfter(warmAt)) {
            latenciesNs.add(Long.toString(Duration.between(receivedAt, now).toNanos()));
        }
        hasEnded = now.isAfter(endAt);
        return hasEnded;
    }

    boolean hasEnded() {
        return hasEnded;
    }

    /** What was kept. */
    String answer() {
        return latenciesNs.toString();
    }
}
