import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/** Counts the quotes of a span of time that begins once a reader is warm. */
final class Meter {
    /** The clock is looked at once in so many quotes, so that it costs next to nothing. */
    private static final int LOOK_EVERY = 1024;

    private static final OperatingSystemMXBean SYSTEM =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    private static final double NANOS = 1e9;

    private final long warmAt;
    private final long endAt;
    private long seen;
    private boolean hasBegun;
    private boolean hasEnded;
    private long begunAt;
    private long seenBefore;
    private long cpuBefore;
    private String answer;

    Meter(Request request) {
        warmAt = System.nanoTime() + (long) (request.warmUpS() * NANOS);
        endAt = warmAt + (long) (request.seconds() * NANOS);
    }

    /** Counts one quote; whether the span has ended. */
    boolean isOver() {
        seen++;
        if (seen % LOOK_EVERY == 0) {
            look(System.nanoTime());
        }
        return hasEnded;
    }

    boolean hasEnded() {
        return hasEnded;
    }

    /** What was read within the span. */
    String answer() {
        return answer;
    }

    private void look(long now) {
        if (!hasBegun) {
            if (now - warmAt >= 0) {
                hasBegun = true;
                begunAt = now;
                seenBefore = seen;
                cpuBefore = SYSTEM.getProcessCpuTime();
            }
        } else if (now - endAt >= 0) {
            hasEnded = true;
            answer = String.format(
                    Locale.ROOT,
                    "{\"quotes\": %d, \"seconds\": %f, \"cpu_s\": %f}",
                    seen - seenBefore,
                    (now - begunAt) / NANOS,
                    (SYSTEM.getProcessCpuTime() - cpuBefore) / NANOS);
        }
    }
}
