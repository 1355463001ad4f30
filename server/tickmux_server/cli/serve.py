"""`tickmux serve`: settings, log, simulated venues and the table beside the server, and the end of them all."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import IO, Any, Final

from tickmux_adapters.errors import SettingsError
from tickmux_server import app, node
from tickmux_server.children import end, start_module
from tickmux_server.cli.errors import CommandError, ExitCode
from tickmux_server.cli.logs import configure_logging
from tickmux_server.cli.stdout import write_now
from tickmux_server.config import Config, ConfigError, load_config
from tickmux_server.demo import DEMO_SOURCES, simulated_venues
from tickmux_server.errors import AddressUnavailable, TickmuxError
from tickmux_server.listen import is_loopback, split_address

logger = logging.getLogger(__name__)

ANOTHER_ADDRESS: Final = "127.0.0.1:50061"
TABLE_MODULE: Final = "tickmux_server.cli"
SETTINGS_WITH_FLAGS: Final = (
    *("listen", "tls_certificate", "tls_key", "tls_client_ca", "tokens"),
    *("insecure", "log_level"),
)


def serve(options: argparse.Namespace) -> ExitCode:
    """Run the server until SIGINT or SIGTERM.

    Raises:
        CommandError: the configuration cannot be used.
        TickmuxError: the server cannot start.
    """
    try:
        config = _configuration(options)
        with_table = options.demo if options.table is None else options.table
        if with_table:
            _check_table(config)
        log_file = _log_file() if with_table and sys.stdout.isatty() and sys.stderr.isatty() else None
        configure_logging(config.log_level, log_file)
        with contextlib.ExitStack() as stack:
            stderr = stack.enter_context(log_file.open("a", encoding="utf-8")) if log_file else None
            _run(_serve(config, is_demo=options.demo, with_table=with_table, log_file=log_file, stderr=stderr))
    except (ConfigError, SettingsError) as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
    except AddressUnavailable as error:
        if not options.demo:
            raise
        raise CommandError(f"{error}, as in `make run LISTEN={ANOTHER_ADDRESS}`") from error
    except (KeyboardInterrupt, asyncio.CancelledError):
        # Ctrl-C or SIGTERM while still starting: what had been started is ended by now.
        return ExitCode.OK
    return ExitCode.OK


def _configuration(options: argparse.Namespace) -> Config:
    file = options.config or os.environ.get("TICKMUX_CONFIG")
    flags = {name: getattr(options, name) for name in SETTINGS_WITH_FLAGS if getattr(options, name) is not None}
    default_sources = DEMO_SOURCES if options.demo else None
    return load_config(Path(file) if file else None, os.environ, flags, default_sources=default_sources)


def _check_table(config: Config) -> None:
    """Refuse a table that this server would not answer: it asks as any client does, with what the environment gives.

    Raises:
        CommandError: It has no token.
    """
    if config.tokens and not any(os.environ.get(name) for name in ("TICKMUX_TOKEN", "TICKMUX_TOKEN_FILE")):
        raise CommandError(
            "the table asks this server as any client does, which takes a token: set TICKMUX_TOKEN, or start with "
            "--no-table",
            ExitCode.USAGE,
        )


def _log_file() -> Path:
    descriptor, name = tempfile.mkstemp(prefix="tickmux-", suffix=".log")
    os.close(descriptor)
    return Path(name)


def _run(work: Coroutine[Any, Any, None]) -> None:
    if sys.platform == "win32":
        asyncio.run(work)
    else:
        import uvloop  # noqa: PLC0415 - not made for Windows

        uvloop.run(work)


async def _serve(
    config: Config, *, is_demo: bool, with_table: bool, log_file: Path | None, stderr: IO[str] | None
) -> None:
    starting = asyncio.current_task()
    if starting:
        # Until the server takes the signal over.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, starting.cancel)
    async with contextlib.AsyncExitStack() as stack:
        # Before anything is started or logged, so that what is wrong is the only line.
        node.check(config)
        if is_demo:
            config = await stack.enter_async_context(simulated_venues(config, stderr))
        table = TableProcess(log_file, is_encrypted=bool(config.tls_certificate))
        stack.push_async_callback(table.stop)

        def on_ready(address: str) -> None:
            venues = "simulated venues" if is_demo else ", ".join(config.sources)
            log = f"; the server's log is {log_file}" if log_file else ""
            write_now(f"Tickmux serves {venues} on {address}; Ctrl-C ends it{log}\n")
            if with_table:
                table.start(address)

        try:
            await app.serve(config, on_ready=on_ready)
        except ExceptionGroup as group:
            # What keeps the server from starting comes out of its task group.
            ours, others = group.split(TickmuxError)
            if others or not ours:
                raise
            raise _first(ours) from group


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


class TableProcess:
    """`tickmux watch` on our stdout, in a process of its own: drawing never delays a quote."""

    def __init__(self, log_file: Path | None, *, is_encrypted: bool) -> None:
        self._note = f"server log: {log_file}" if log_file else ""
        self._is_encrypted = is_encrypted
        self._running: asyncio.Task[None] | None = None

    def start(self, address: str) -> None:
        """Show the quotes of the server at `address`. When the table ends, so does the server."""
        self._running = asyncio.create_task(self._run(_reachable(address)))

    async def stop(self) -> None:
        """End it and wait for it."""
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self, target: str) -> None:
        encryption = ("--tls",) if self._is_encrypted else ()
        process = await start_module(
            *(TABLE_MODULE, "watch", "--target", target, "--until-stdin-closes", "--note", self._note), *encryption
        )
        try:
            code = await process.wait()
            if code:
                logger.error("the table ended with %d", code)
            # Its reader has gone (`make run | head`), or it got the Ctrl-C that we get as well.
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            await end(process)


def _reachable(address: str) -> str:
    """Where this machine reaches a server that listens on `address`, which may stand for every interface."""
    host, port = split_address(address)
    return address if is_loopback(host) or host not in {"0.0.0.0", "::"} else f"127.0.0.1:{port}"  # noqa: S104
