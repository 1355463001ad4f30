"""The programs that take part, one a client library: how they are built and started, and what they need."""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.clients_go.toolchain import build
from tests.clients_java.toolchain import conformance_command

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Program:
    """A command that speaks the protocol of README.md: it is given the target and the options."""

    command: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Client:
    """A client library that takes part."""

    name: str
    build: Callable[[Path], Program]
    """Makes the program, with a folder for what is built; pytest's failure says what the compiler said."""
    needs: Sequence[str] = ()
    """Commands that must be on the path."""

    @property
    def missing(self) -> str:
        """Why it cannot be run here; empty if it can."""
        absent = [command for command in self.needs if shutil.which(command) is None]
        return f"{' and '.join(absent)} missing" if absent else ""


def python(*arguments: str) -> Program:
    """A module of the repository, run by this interpreter."""
    return Program((sys.executable, "-m", *arguments), {"PYTHONPATH": str(ROOT)})


CLIENTS: Final = (
    Client("python", lambda _: python("tests.conformance.python.asyncio_program")),
    Client("python (sync)", lambda _: python("tests.conformance.python.sync_program")),
    Client("go", lambda folder: Program([str(build("./clients/go/internal/conformance", folder))]), needs=["go"]),
    Client("java", lambda folder: Program(conformance_command(folder)), needs=["javac", "mvn"]),
)
