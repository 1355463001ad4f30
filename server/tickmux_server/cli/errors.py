"""How a command ends."""

import enum

from tickmux_server.errors import TickmuxError


class ExitCode(enum.IntEnum):
    """Exit codes of every command; `tickmux --help` lists them."""

    OK = 0
    FAILED = 1
    """The server cannot be reached, refused the request, or is not serving."""
    USAGE = 2
    """The command line or the configuration cannot be used."""
    UNMATCHED = 3
    """A symbol that was named matches nothing; what did match was printed."""
    INTERRUPTED = 130
    """Ctrl-C, in a command that would have ended by itself."""


class CommandError(TickmuxError):
    """The command cannot do what was asked; the text is one line that says what to do next."""

    def __init__(self, problem: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        self.exit_code = exit_code
        super().__init__(problem)
