"""`python -m tests.conformance`: see README.md beside this file."""

import argparse
import asyncio
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.conformance.matrix import Verdicts, play, reasons, table
from tests.conformance.programs import CLIENTS, Client, Program
from tests.conformance.scenario import Scenario
from tests.conformance.scenarios import SCENARIOS


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    scenarios = [scenario for scenario in SCENARIOS if scenario.number in (options.scenario or _numbers())]
    if options.program:
        command = shlex.split(options.program)
        if not command or shutil.which(command[0]) is None:
            parser.error(f"--program: there is no command {options.program!r}")
        clients = [Client(Path(command[0]).name, lambda _: Program(command))]
    else:
        clients = [client for client in CLIENTS if not options.client or client.name in options.client]
    verdicts: dict[str, Verdicts | None] = {}
    troubles = []
    is_whole = True
    for client in clients:
        verdicts[client.name] = None
        if client.missing:
            troubles.append(f"{client.name} was not run: {client.missing}")
            is_whole = is_whole and os.environ.get("CI") != "true"
            continue
        try:
            verdicts[client.name] = _play(client, scenarios)
        except pytest.fail.Exception as failure:
            troubles.append(f"{client.name} cannot be built: {failure}")
            is_whole = False
    failed = reasons(scenarios, verdicts)
    _say("\n".join([table(scenarios, verdicts), *troubles, failed]))
    return 0 if is_whole and not failed else 1


def _play(client: Client, scenarios: Sequence[Scenario]) -> Verdicts:
    sys.stderr.write(f"playing {len(scenarios)} scenarios to {client.name}\n")
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(play(client.build(Path(folder)), scenarios))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance",
        description="Plays numbered scenarios to client libraries, and judges what their users see.",
    )
    names = [client.name for client in CLIENTS]
    parser.add_argument("--client", action="append", choices=names, help="run this one; all if not given")
    parser.add_argument("--program", metavar="COMMAND", help="run the program of another client library instead")
    parser.add_argument(
        "--scenario",
        action="append",
        type=int,
        choices=_numbers(),
        metavar="NUMBER",
        help="play this; all if not given",
    )
    return parser


def _numbers() -> list[int]:
    return [scenario.number for scenario in SCENARIOS]


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
