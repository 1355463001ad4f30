package io.tickmux;

/** Whether what a source last said can be taken for the present. */
public enum SourceState {
    /** The server did not say. */
    UNSPECIFIED,
    /** The first connection is being made, or its first message is awaited. */
    CONNECTING,
    /** Messages arrive within the venue's deadline. */
    LIVE,
    /** Connected, but mute past its deadline. */
    STALE,
    /** Not connected. */
    DOWN,
    /** Healthy, but its request budget is spent. */
    THROTTLED,
    /** The venue refuses the server. */
    REJECTED,
    /** Its publisher is itself silent. Also any state of a newer server: not known to be healthy. */
    UNKNOWN;

    static SourceState of(io.tickmux.v1.SourceState state) {
        return switch (state) {
            case SOURCE_STATE_UNSPECIFIED -> UNSPECIFIED;
            case SOURCE_STATE_CONNECTING -> CONNECTING;
            case SOURCE_STATE_LIVE -> LIVE;
            case SOURCE_STATE_STALE -> STALE;
            case SOURCE_STATE_DOWN -> DOWN;
            case SOURCE_STATE_THROTTLED -> THROTTLED;
            case SOURCE_STATE_REJECTED -> REJECTED;
            case SOURCE_STATE_UNKNOWN, UNRECOGNIZED -> UNKNOWN;
        };
    }

    /** Whether a source's last word is its present one. */
    static boolean isHealthy(io.tickmux.v1.SourceState state) {
        return state == io.tickmux.v1.SourceState.SOURCE_STATE_LIVE
                || state == io.tickmux.v1.SourceState.SOURCE_STATE_THROTTLED;
    }
}
