package io.tickmux;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;

/**
 * What went wrong, as a value; {@link #exception} is what a user catches.
 *
 * @param retryAfter null if the server does not say
 * @param cause null if there is none
 */
record Failure(
        Kind kind,
        String message,
        String codeName,
        String reason,
        Duration retryAfter,
        List<Violation> violations,
        String resumeToken,
        Throwable cause)
        implements Serializable {
    /** The server was silent for three heartbeats. */
    static final String HEARTBEATS_MISSED = "HEARTBEATS_MISSED";

    /** The server ended a stream without an error. */
    static final String STREAM_ENDED = "STREAM_ENDED";

    /** Options do not go together, or one has an impossible value. */
    static final String INVALID_OPTION = "INVALID_OPTION";

    /** The server ends an {@link Delivery#ALL_OR_END} stream instead of conflating it. */
    static final String TOO_FAR_BEHIND = "CLIENT_TOO_FAR_BEHIND";

    enum Kind {
        INVALID_REQUEST,
        ACCESS_DENIED,
        UNIMPLEMENTED,
        UNAVAILABLE,
        CLOSED,
        INTERRUPTED
    }

    static Failure of(Kind kind, String codeName, String reason, String message) {
        return new Failure(kind, message, codeName, reason, null, List.of(), "", null);
    }

    static Failure closed(String target) {
        String message = "the client of " + target + " is closed: make calls before its close()";
        return of(Kind.CLOSED, "CANCELLED", "", message);
    }

    static Failure interrupted(String target) {
        String message = "the call to " + target + " was given up: its thread was interrupted";
        return of(Kind.INTERRUPTED, "CANCELLED", "", message);
    }

    static Failure invalidOption(String message) {
        return of(Kind.INVALID_REQUEST, "INVALID_ARGUMENT", INVALID_OPTION, message);
    }

    Failure withResumeToken(String token) {
        return new Failure(kind, message, codeName, reason, retryAfter, violations, token, cause);
    }

    TickmuxException exception() {
        return switch (kind) {
            case INVALID_REQUEST -> new InvalidRequestException(this);
            case ACCESS_DENIED -> new AccessDeniedException(this);
            case UNIMPLEMENTED -> new UnimplementedException(this);
            case UNAVAILABLE -> new UnavailableException(this);
            case CLOSED -> new ClientClosedException(this);
            case INTERRUPTED -> new CallInterruptedException(this);
        };
    }
}
