"""The real server, started as a process of its own, that writes down what its log takes before anyone reads it.

Nothing of the product knows of this: the log's class is replaced before the server is put together, and so are the few
constants whose true values a run of seconds would never reach.
"""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import uvloop
from tests.robustness import mutants, wire
from tests.robustness.parent import end_with_parent
from tests.robustness.records import Appended, Entry, LifeBegun, Listed, Quoted, Stated, Writer
from tests.robustness.replacement import replace

from tickmux_server import app, node, route, streams, subscription
from tickmux_server.cli.logs import configure_logging
from tickmux_server.config import load_config
from tickmux_server.log import InstrumentEntry, LogEntry, MemoryLog, QuoteEntry, StatusEntry


class RecordedLog(MemoryLog):
    """The log in memory, which records each batch before it hands it to its readers."""

    def __init__(self, writer: Writer) -> None:
        super().__init__()
        self._writer = writer
        writer.write(LifeBegun(time.monotonic_ns(), self.identity, os.getpid()))

    def append(self, entries: Sequence[LogEntry]) -> None:
        recorded = tuple(_recorded(entry) for entry in entries)
        self._writer.write(Appended(time.monotonic_ns(), self.head + 1, recorded))
        super().append(entries)


def _recorded(entry: LogEntry) -> Entry:
    if isinstance(entry, QuoteEntry):
        source, symbol = entry.instrument
        ((_, payload),) = wire.fields(entry.frame)
        return Quoted(source, symbol, entry.epoch, entry.revision, wire.digest(payload), len(entry.frame))
    if isinstance(entry, StatusEntry):
        return Stated(entry.source, entry.channel, entry.state.name, entry.epoch, entry.change)
    assert isinstance(entry, InstrumentEntry)
    source, symbol = entry.instrument
    return Listed(source, symbol, entry.channel)


def set_limits(*, write_deadline_s: float, chunk_bytes: int) -> Callable[[], None]:
    """Shorten what is fixed in the product: how long a write may take, and how much goes into one response.

    Returns what sets them back.
    """
    undo = contextlib.ExitStack()
    undo.callback(replace(streams, "WRITE_DEADLINE_S", write_deadline_s))
    for module in (route, subscription):
        undo.callback(replace(module, "CHUNK_BYTES_MAX", chunk_bytes))
    return undo.close


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.robustness.recorded_server")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--write-deadline-s", type=float, required=True)
    parser.add_argument("--chunk-bytes", type=int, required=True)
    parser.add_argument("--mutant", choices=sorted(mutants.MUTANTS))
    options = parser.parse_args(arguments)
    config = load_config(options.config, {}, {"listen": options.listen})
    configure_logging(config.log_level, None)
    end_with_parent()
    set_limits(write_deadline_s=options.write_deadline_s, chunk_bytes=options.chunk_bytes)
    with Writer(options.record) as writer:
        replace(node, "MemoryLog", lambda: RecordedLog(writer))
        if options.mutant:
            mutants.MUTANTS[options.mutant].break_server()
        uvloop.run(app.serve(config, on_ready=_announce))


def _announce(address: str) -> None:
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
