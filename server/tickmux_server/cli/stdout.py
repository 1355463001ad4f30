"""What a command prints on stdout: written at once, and one clear line when that fails."""

import os
import sys

from tickmux_server.cli.errors import CommandError


class StdoutFailed(CommandError):
    """Stdout takes nothing: a full disk, most often."""

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"stdout cannot be written: {error.strerror or error}; make room where it goes, or send it elsewhere"
        )


def write_now(text: str) -> None:
    """Write, and push it through at once.

    Raises:
        BrokenPipeError: The reader has gone.
        StdoutFailed: It cannot be written for any other reason.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon()
        raise StdoutFailed(error) from error


def abandon() -> None:
    """Keep Python from complaining once more when it flushes stdout on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
