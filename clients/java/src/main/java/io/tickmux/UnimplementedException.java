package io.tickmux;

/** The server does not offer what was asked. */
public final class UnimplementedException extends TickmuxException {
    private static final long serialVersionUID = 1;

    UnimplementedException(Failure failure) {
        super(failure);
    }
}
