package io.tickmux;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The latest status of each (source, channel), which the quotes of a stream are asked about. It is written by the
 * stream alone, and read by whoever holds a quote.
 */
final class Health {
    private record Slot(String source, String channel) {}

    private final Map<Slot, io.tickmux.v1.SourceStatus> statuses = new ConcurrentHashMap<>();
    private volatile Health joined;

    /** Missed updates come in, any of which may supersede a quote that is asked about. */
    private volatile boolean isCatchingUp;

    static Health of(List<io.tickmux.v1.SourceStatus> statuses) {
        Health health = new Health();
        statuses.forEach(health::note);
        return health;
    }

    /** Keeps a status; what it returns is the one before it, or null. */
    io.tickmux.v1.SourceStatus note(io.tickmux.v1.SourceStatus status) {
        return statuses.put(new Slot(status.getSource(), status.getChannel()), status);
    }

    /** Forgets everything, so that every quote is stale. */
    void clear() {
        statuses.clear();
        isCatchingUp = false;
    }

    /** Has every quote be stale until the missed updates have come. */
    void catchUp(boolean begins) {
        isCatchingUp = begins;
    }

    /** Has other answer from now on: a stream that goes on after the snapshot that this is the health of. */
    void join(Health other) {
        joined = other;
    }

    boolean isStale(io.tickmux.v1.Quote quote) {
        Health other = joined;
        if (other != null) {
            return other.isStale(quote);
        }
        io.tickmux.v1.SourceStatus status = statuses.get(new Slot(quote.getSource(), quote.getChannel()));
        return isCatchingUp
                || status == null
                || !SourceState.isHealthy(status.getState())
                || Long.compareUnsigned(quote.getEpoch(), status.getEpoch()) < 0;
    }
}
