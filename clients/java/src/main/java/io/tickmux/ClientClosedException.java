package io.tickmux;

/** The client was used after its end. */
public final class ClientClosedException extends TickmuxException {
    private static final long serialVersionUID = 1;

    ClientClosedException(Failure failure) {
        super(failure);
    }
}
