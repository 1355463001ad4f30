package io.tickmux;

/**
 * What a subscription yields: a {@link Quote}, or anything else that happens. In a {@code switch} or by
 * {@code instanceof} the compiler knows all kinds.
 */
public sealed interface Event
        permits CaughtUp,
                Conflated,
                Disconnected,
                GoingAway,
                Hole,
                Quote,
                Reconnected,
                Reset,
                SourceChanged,
                Unmatched {}
