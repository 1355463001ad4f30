package io.tickmux;

/** The request cannot be served as it is, however often it is sent; its violations say why. */
public final class InvalidRequestException extends TickmuxException {
    private static final long serialVersionUID = 1;

    InvalidRequestException(Failure failure) {
        super(failure);
    }
}
