package io.tickmux;

/** What a stream does when updates arrive faster than they are read. */
public enum Delivery {
    /** Every update; conflates only when far behind, and says so. It is the default. */
    ALL(io.tickmux.v1.Delivery.DELIVERY_ALL),
    /** The latest quote of each instrument that changed. */
    LATEST(io.tickmux.v1.Delivery.DELIVERY_LATEST),
    /** Every update; ends with the reason {@code CLIENT_TOO_FAR_BEHIND} instead of conflating. */
    ALL_OR_END(io.tickmux.v1.Delivery.DELIVERY_ALL_OR_END);

    private final io.tickmux.v1.Delivery inContract;

    Delivery(io.tickmux.v1.Delivery inContract) {
        this.inContract = inContract;
    }

    io.tickmux.v1.Delivery inContract() {
        return inContract;
    }
}
