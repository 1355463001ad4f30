package io.tickmux;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * The health of one upstream slot of a source, as the server last told.
 *
 * @param message the protobuf message as it came, with all counters and budgets
 */
public record SourceStatus(io.tickmux.v1.SourceStatus message) {
    /**
     * The name of the source.
     *
     * @return such as {@code binance}
     */
    public String source() {
        return message.getSource();
    }

    /**
     * The name of the slot within the source.
     *
     * @return such as {@code 0}
     */
    public String channel() {
        return message.getChannel();
    }

    /**
     * Whether the feed can be believed now.
     *
     * @return the state; {@link SourceState#UNKNOWN} for one of a newer server
     */
    public SourceState state() {
        return SourceState.of(message.getState());
    }

    /**
     * Whether the state is {@link SourceState#LIVE} or {@link SourceState#THROTTLED}.
     *
     * @return true if the source's last word is its present one
     */
    public boolean isHealthy() {
        return SourceState.isHealthy(message.getState());
    }

    /**
     * The slot's current chain of quotes.
     *
     * @return an unsigned 64-bit number; 0 = none has begun
     */
    public long epoch() {
        return message.getEpoch();
    }

    /**
     * When the state was entered.
     *
     * @return empty when that is not told
     */
    public Optional<Instant> since() {
        return message.hasSince() ? Optional.of(ContractTypes.instant(message.getSince())) : Optional.empty();
    }

    /**
     * When anything was last read from the venue.
     *
     * @return empty when nothing was
     */
    public Optional<Instant> lastMessageAt() {
        return message.hasLastMessageAt()
                ? Optional.of(ContractTypes.instant(message.getLastMessageAt()))
                : Optional.empty();
    }

    /**
     * What last went wrong.
     *
     * @return one line; empty when nothing has
     */
    public String lastError() {
        return message.getLastError();
    }

    /**
     * The server's receipt minus the venue's time of its latest timed message.
     *
     * @return it may be negative; empty while no message carried a time
     */
    public Optional<Duration> lag() {
        return message.hasLag() ? Optional.of(ContractTypes.duration(message.getLag())) : Optional.empty();
    }

    /** One line: source, channel, state and what last went wrong. */
    @Override
    public String toString() {
        String line = source() + "/" + channel() + " " + state();
        return lastError().isEmpty() ? line : line + ": " + lastError();
    }
}
