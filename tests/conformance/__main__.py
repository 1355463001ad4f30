"""`python -m tests.conformance`: see README.md beside this file."""

import argparse
import asyncio
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.conformance.matrix import Verdicts, play, reasons, table
from tests.conformance.programs import CLIENTS, BuildError, Client, Program
from tests.conformance.scenarios import SCENARIOS


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance",
        description="Plays numbered scenarios to client libraries, and judges what their users see.",
    )
    parser.add_argument(
        "--client",
        action="append",
        choices=[client.name for client in CLIENTS],
        help="run this one; all if not given",
    )
    parser.add_argument("--program", metavar="COMMAND", help="run a program of another client library instead")
    parser.add_argument(
        "--scenario", action="append", type=int, metavar="NUMBER", help="play this one; all if not given"
    )
    options = parser.parse_args(arguments)
    scenarios = [
        scenario for scenario in SCENARIOS if scenario.number in (options.scenario or range(len(SCENARIOS) + 1))
    ]
    if not scenarios:
        parser.error(f"there are the scenarios 1 to {len(SCENARIOS)}")
    if options.program:
        command = shlex.split(options.program)
        clients = [Client(Path(command[0]).name, lambda _: Program(command))]
    else:
        clients = [client for client in CLIENTS if not options.client or client.name in options.client]
    verdicts: dict[str, Verdicts | None] = {}
    not_run = []
    for client in clients:
        verdicts[client.name] = None
        if client.missing:
            not_run.append(f"{client.name} was not run: {client.missing}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                program = client.build(Path(folder))
            except BuildError as error:
                not_run.append(f"{client.name} was not run: {error}")
                continue
            verdicts[client.name] = asyncio.run(play(program, scenarios))
    _say(table(scenarios, verdicts))
    has_failed = any(failures for of_client in verdicts.values() for failures in (of_client or {}).values())
    if has_failed:
        _say("\n" + reasons(scenarios, verdicts))
    for reason in not_run:
        _say(f"\n{reason}\n")
    return 1 if has_failed or (not_run and os.environ.get("CI") == "true") else 0


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
