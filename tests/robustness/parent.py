"""Processes that do not outlive the one that started them."""

import os
import signal
import threading


def end_with_parent() -> None:
    """Send this process SIGTERM once its stdin is at its end, which whoever started it holds open."""
    threading.Thread(target=_await_end_of_stdin, daemon=True).start()


def _await_end_of_stdin() -> None:
    # The file descriptor itself: a buffered reader held by a daemon thread would break the interpreter's exit.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
