package io.tickmux;

/** The server does not know the caller, or does not allow what was asked. */
public final class AccessDeniedException extends TickmuxException {
    private static final long serialVersionUID = 1;

    AccessDeniedException(Failure failure) {
        super(failure);
    }
}
