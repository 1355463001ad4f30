package io.tickmux;

/** Whether a venue trades an instrument. */
public enum InstrumentState {
    /** The venue has not said. Also any state of a newer server: not known to trade. */
    UNSPECIFIED,
    /** Orders of every kind trade. */
    TRADING,
    /** Listed, but nothing trades now. */
    HALTED,
    /** The venue restricts orders. */
    RESTRICTED,
    /** No longer listed. */
    DELISTED;

    static InstrumentState of(io.tickmux.v1.InstrumentState state) {
        return switch (state) {
            case INSTRUMENT_STATE_TRADING -> TRADING;
            case INSTRUMENT_STATE_HALTED -> HALTED;
            case INSTRUMENT_STATE_RESTRICTED -> RESTRICTED;
            case INSTRUMENT_STATE_DELISTED -> DELISTED;
            case INSTRUMENT_STATE_UNSPECIFIED, UNRECOGNIZED -> UNSPECIFIED;
        };
    }
}
