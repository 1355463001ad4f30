package io.tickmux;

/** The server cannot be reached or cannot serve now. Subscriptions try again by themselves. */
public final class UnavailableException extends TickmuxException {
    private static final long serialVersionUID = 1;

    UnavailableException(Failure failure) {
        super(failure);
    }
}
