package io.tickmux;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What went wrong, in one line that says what to do or what happened, with its parts as methods. Its class is the kind
 * of trouble.
 */
public abstract sealed class TickmuxException extends RuntimeException
        permits AccessDeniedException,
                CallInterruptedException,
                ClientClosedException,
                InvalidRequestException,
                UnavailableException,
                UnimplementedException {
    private static final long serialVersionUID = 1;

    /** Its parts. */
    private final Failure failure;

    TickmuxException(Failure failure) {
        super(failure.message(), failure.cause());
        this.failure = failure;
    }

    /**
     * The name of the gRPC status of the failed call.
     *
     * @return such as {@code INVALID_ARGUMENT}
     */
    public String codeName() {
        return failure.codeName();
    }

    /**
     * The machine-readable reason: {@code UNKNOWN_SOURCE} and the like from the server; of the client itself
     * {@code HEARTBEATS_MISSED} when the server was silent for three heartbeats, {@code STREAM_ENDED} when it ended a
     * stream without an error, {@code INVALID_OPTION} when options do not go together.
     *
     * @return empty if none was given
     */
    public String reason() {
        return failure.reason();
    }

    /**
     * How long the server asks to wait before the next try.
     *
     * @return empty if it does not say
     */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(failure.retryAfter());
    }

    /**
     * What is wrong with the request.
     *
     * @return in the order of the server; empty if it named no field
     */
    public List<Violation> violations() {
        return failure.violations();
    }

    /**
     * Where a subscription that this error ended can go on, once its cause is gone; hand it to
     * {@link Subscription#resumeToken}.
     *
     * @return empty if nowhere
     */
    public String resumeToken() {
        return failure.resumeToken();
    }
}
