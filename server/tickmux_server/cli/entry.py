"""Where the command starts and ends: one clear line for each error, never a traceback.

Whatever only the [server] extra installs is imported by the command that needs it, so that a base install can say so.
"""

import argparse
import importlib.metadata
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

from tickmux_server.cli import stdout
from tickmux_server.cli.arguments import parse
from tickmux_server.cli.errors import CommandError, ExitCode
from tickmux_server.errors import TickmuxError

SERVER_EXTRA: Final = frozenset({"aiohttp", "grpc_health", "grpc_reflection", "msgspec", "rich", "uvloop"})
"""Modules that the [server] extra brings."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parse(arguments, importlib.metadata.version("tickmux"))
    # grpc's core logs every refused connection to stderr, where our own one line stands.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    if sys.stdout is None:
        # Started with stdout closed: nobody wants to read what is printed.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - it is stdout until the process ends
    for stream in (sys.stdout, sys.stderr):
        # A venue's words may hold what an old terminal's encoding does not.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _command(options.command)(options)
    except BrokenPipeError:
        # The reader has what it wanted.
        stdout.abandon()
        return ExitCode.OK
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in SERVER_EXTRA:
            raise
        return _fail(options.command, "this needs more than the client: pip install 'tickmux[server]'", ExitCode.FAILED)
    except TickmuxError as error:
        return _fail(
            options.command, str(error), error.exit_code if isinstance(error, CommandError) else ExitCode.FAILED
        )
    except OSError as error:
        return _fail(options.command, str(error), ExitCode.FAILED)
    return code


def _command(name: str) -> Callable[[argparse.Namespace], ExitCode]:
    if name == "serve":
        from tickmux_server.cli.serve import serve  # noqa: PLC0415 - the server's dependencies

        return serve
    if name == "watch":
        from tickmux_server.cli.watch import watch  # noqa: PLC0415

        return watch
    if name == "token":
        from tickmux_server.cli.tokens import token  # noqa: PLC0415

        return token
    from tickmux_server.cli import queries  # noqa: PLC0415

    return {
        "snapshot": queries.snapshot,
        "sources": queries.sources,
        "instruments": queries.instruments,
        "health": queries.health,
    }[name]


def _fail(command: str, problem: str, code: ExitCode) -> ExitCode:
    print(f"tickmux {command}: {' '.join(problem.split())}", file=sys.stderr)  # noqa: T201
    return code
