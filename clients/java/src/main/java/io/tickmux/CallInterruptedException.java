package io.tickmux;

/** The thread was interrupted while it waited: its interrupt flag is set again, and what it read from has ended. */
public final class CallInterruptedException extends TickmuxException {
    private static final long serialVersionUID = 1;

    CallInterruptedException(Failure failure) {
        super(failure);
    }
}
