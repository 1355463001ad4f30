package io.tickmux;

import java.util.OptionalDouble;

/**
 * One instrument at one source.
 *
 * @param message the protobuf message as it came
 */
public record Instrument(io.tickmux.v1.Instrument message) {
    /**
     * The name of the source.
     *
     * @return such as {@code binance}
     */
    public String source() {
        return message.getSource();
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
     * The venue's own name for it.
     *
     * @return such as {@code BTC/USD}
     */
    public String venueSymbol() {
        return message.getVenueSymbol();
    }

    /**
     * What is traded.
     *
     * @return the base currency of a pair; empty for stocks
     */
    public String base() {
        return message.getBase();
    }

    /**
     * The currency that prices are in.
     *
     * @return empty where the venue does not say
     */
    public String quote() {
        return message.getQuote();
    }

    /**
     * Whether the venue trades it.
     *
     * @return the state; {@link InstrumentState#UNSPECIFIED} for one of a newer server
     */
    public InstrumentState state() {
        return InstrumentState.of(message.getState());
    }

    /**
     * The smallest price step, in the quote currency.
     *
     * @return empty when the venue does not say
     */
    public OptionalDouble priceIncrement() {
        return message.hasPriceIncrement() ? OptionalDouble.of(message.getPriceIncrement()) : OptionalDouble.empty();
    }

    /**
     * The smallest size step, in the base currency (shares for stocks).
     *
     * @return empty when the venue does not say
     */
    public OptionalDouble sizeIncrement() {
        return message.hasSizeIncrement() ? OptionalDouble.of(message.getSizeIncrement()) : OptionalDouble.empty();
    }

    /** One line: source, symbol, the venue's name for it and whether it trades. */
    @Override
    public String toString() {
        return source() + " " + symbol() + " (" + venueSymbol() + ") " + state();
    }
}
