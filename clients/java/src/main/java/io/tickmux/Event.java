package io.tickmux;

/**
 * What a subscription yields: a {@link Quote}, or anything else that happens. In a {@code switch} or by
 * {@code instanceof} the compiler knows all kinds.
 */
public sealed interface Event
        permits Quote, CaughtUp, Conflated, Disconnected, GoingAway, Hole, Reconnected, Reset, SourceChanged, Unmatched {}
