package io.tickmux;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * One revision of what is known of one instrument at one source. It is read-only, reads its message lazily, and may be
 * kept and read from any thread.
 *
 * <p>Prices are in the quote currency, sizes in the base currency (shares for stocks). What is not known is empty,
 * never a bare zero.
 */
public final class Quote implements Event {
    private final io.tickmux.v1.Quote message;
    private final Health health;
    private final boolean gapBefore;

    Quote(io.tickmux.v1.Quote message, Health health, boolean gapBefore) {
        this.message = message;
        this.health = health;
        this.gapBefore = gapBefore;
    }

    /**
     * The protobuf message as it came.
     *
     * @return all of its fields, those of a newer server included
     */
    public io.tickmux.v1.Quote message() {
        return message;
    }

    /**
     * The canonical name.
     *
     * @return such as {@code BTCUSDT}
     */
    public String symbol() {
        return message.getSymbol();
    }

    /**
     * The asset class.
     *
     * @return {@code crypto}, {@code stock} or {@code fx}
     */
    public String type() {
        return message.getType();
    }

    /**
     * The listing exchange.
     *
     * @return empty where none is known
     */
    public String exchange() {
        return message.getExchange();
    }

    /**
     * The name of the server's source that the quote comes from.
     *
     * @return such as {@code binance}
     */
    public String source() {
        return message.getSource();
    }

    /**
     * The source's upstream slot that carries the instrument.
     *
     * @return such as {@code 0}
     */
    public String channel() {
        return message.getChannel();
    }

    /**
     * The exchange of the leg whose bid this is, in a quote of the source {@code consolidated}.
     *
     * @return empty in quotes of other sources
     */
    public String bidExchange() {
        return message.getBidExchange();
    }

    /**
     * The exchange of the leg whose ask this is, in a quote of the source {@code consolidated}.
     *
     * @return empty in quotes of other sources
     */
    public String askExchange() {
        return message.getAskExchange();
    }

    /**
     * The exchange of the leg whose last price this is, in a quote of the source {@code consolidated}.
     *
     * @return empty in quotes of other sources
     */
    public String lastExchange() {
        return message.getLastExchange();
    }

    /**
     * The best bid.
     *
     * @return in the quote currency; empty if it is not known
     */
    public OptionalDouble bidPrice() {
        return message.hasBidPrice() ? OptionalDouble.of(message.getBidPrice()) : OptionalDouble.empty();
    }

    /**
     * The size at the best bid.
     *
     * @return in the base currency; empty if it is not known
     */
    public OptionalDouble bidSize() {
        return message.hasBidSize() ? OptionalDouble.of(message.getBidSize()) : OptionalDouble.empty();
    }

    /**
     * The best ask.
     *
     * @return in the quote currency; empty if it is not known
     */
    public OptionalDouble askPrice() {
        return message.hasAskPrice() ? OptionalDouble.of(message.getAskPrice()) : OptionalDouble.empty();
    }

    /**
     * The size at the best ask.
     *
     * @return in the base currency; empty if it is not known
     */
    public OptionalDouble askSize() {
        return message.hasAskSize() ? OptionalDouble.of(message.getAskSize()) : OptionalDouble.empty();
    }

    /**
     * The price of the latest trade.
     *
     * @return in the quote currency; empty if it is not known
     */
    public OptionalDouble lastPrice() {
        return message.hasLastPrice() ? OptionalDouble.of(message.getLastPrice()) : OptionalDouble.empty();
    }

    /**
     * The volume as the source counts it: rolling 24 h in base units for crypto, the session's shares for stocks.
     *
     * @return empty if it is not known
     */
    public OptionalDouble volume() {
        return message.hasVolume() ? OptionalDouble.of(message.getVolume()) : OptionalDouble.empty();
    }

    /**
     * The venue's own time of this revision.
     *
     * @return to the nanosecond; empty when the venue gave none
     */
    public Optional<Instant> timestamp() {
        return message.hasTimestamp() ? Optional.of(ContractTypes.instant(message.getTimestamp())) : Optional.empty();
    }

    /**
     * When the server read it from the venue.
     *
     * @return to the nanosecond
     */
    public Optional<Instant> receivedAt() {
        return message.hasReceivedAt()
                ? Optional.of(ContractTypes.instant(message.getReceivedAt()))
                : Optional.empty();
    }

    /**
     * The number of the unbroken chain of quotes that it belongs to.
     *
     * @return an unsigned 64-bit number
     */
    public long epoch() {
        return message.getEpoch();
    }

    /**
     * The position in the epoch, from 1, without holes.
     *
     * @return an unsigned 64-bit number
     */
    public long revision() {
        return message.getRevision();
    }

    /**
     * How much older than {@link #receivedAt} bid and ask are.
     *
     * @return to the millisecond; empty = never seen in this epoch
     */
    public Optional<Duration> bidAskAge() {
        return message.hasBidAskAgeMs() ? Optional.of(Duration.ofMillis(message.getBidAskAgeMs())) : Optional.empty();
    }

    /**
     * How much older than {@link #receivedAt} the last price is.
     *
     * @return to the millisecond; empty = never seen in this epoch
     */
    public Optional<Duration> lastAge() {
        return message.hasLastAgeMs() ? Optional.of(Duration.ofMillis(message.getLastAgeMs())) : Optional.empty();
    }

    /**
     * What to weigh before acting on the quote.
     *
     * @return those that this version knows; flags of a newer server are found in {@link #message} only
     */
    public Set<QuoteFlag> flags() {
        return QuoteFlag.of(message.getFlagsList());
    }

    /**
     * Whether updates of this instrument since the previous quote were, or may have been, missed.
     *
     * @return true if so
     */
    public boolean gapBefore() {
        return gapBefore;
    }

    /**
     * Whether the quote cannot be taken for the present, as far as is known at the moment of asking.
     *
     * <p>True when its source's channel is not {@link SourceState#LIVE} or {@link SourceState#THROTTLED} or has begun a
     * later epoch, and when nothing is known of the channel, as while the stream is cut and after it was left. Also
     * while a stream that goes on catches up, until {@link CaughtUp}: what comes next may supersede it. A quote
     * that is kept therefore turns stale when its source does, and back when the source recovers without a hole;
     * {@link QuoteFlag#STALE} only tells how it was served. A quiet instrument of a live source is not stale. In a
     * snapshot the answer is that of the moment at which it was served; from when a stream goes on after the snapshot,
     * it is the stream's.
     *
     * @return true if it is stale
     */
    public boolean isStale() {
        return health.isStale(message);
    }

    /** One line: source, symbol, the prices that are known, when it was received, and whether it is stale. */
    @Override
    public String toString() {
        StringBuilder line = new StringBuilder(source()).append(' ').append(symbol());
        append(line, "bid", bidPrice());
        append(line, "ask", askPrice());
        append(line, "last", lastPrice());
        receivedAt().ifPresent(received -> line.append(" received=").append(received));
        return line.append(isStale() ? " stale" : " live").toString();
    }

    private static void append(StringBuilder line, String name, OptionalDouble price) {
        price.ifPresent(value -> line.append(' ').append(name).append('=').append(plain(value)));
    }

    private static String plain(double value) {
        String text = Double.toString(value);
        if (!Double.isFinite(value)) {
            return text;
        }
        String digits = new java.math.BigDecimal(text).toPlainString();
        return digits.endsWith(".0") ? digits.substring(0, digits.length() - 2) : digits;
    }
}
