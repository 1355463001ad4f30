"""A JDK, Maven, the jar of the Java client, and programs that are compiled against it."""

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from tests.clients_go.toolchain import ROOT, run

CLIENT = ROOT / "clients" / "java"
PROGRAMS = Path(__file__).parent
CONFORMANCE = ROOT / "tests" / "conformance" / "java"
BUILD_S = 540.0
"""Maven compiles the client and its generated code, tests it and writes its documentation."""

_FETCHED = ROOT / ".venv" / ".java"
_BUILT = CLIENT / "target"
_SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Start with two thirds of the work; many programs start at once."""


def missing() -> str:
    """What is missing here to build the Java client; empty if nothing is."""
    if shutil.which("javac") is None or shutil.which("mvn") is None:
        return "a JDK 17 or later or Maven is missing: the suite of the Java client is not run"
    if not _FETCHED.exists():
        return "what the Java client is built from is missing: `make check` fetches it"
    return ""


def require_java() -> None:
    """Skip what cannot run here, and say what is missing."""
    if reason := missing():
        pytest.skip(reason)


def mvn(*arguments: str) -> str:
    """Run Maven on the client, without network; its output, and a failure with it unless it ended well."""
    with _alone():
        return run("mvn", "--batch-mode", "--quiet", "--offline", "-f", CLIENT, *arguments)


@cache
def class_path() -> str:
    """The jar of the client, built once, and all that it needs."""
    # Its tests and its documentation are for test_suite.
    mvn("package", "-Dmaven.test.skip=true", "-Dmaven.javadoc.skip=true")
    return os.pathsep.join([str(_BUILT / "tickmux-client.jar"), (_BUILT / "class-path").read_text()])


def program(main: str, sources: Sequence[Path], folder: Path) -> list[str]:
    """The command that runs a class of some sources, which are compiled into a folder against the client's jar."""
    run("javac", "-Xlint:all", "-Werror", "-d", folder, "-cp", class_path(), *sources)
    return ["java", *_SHORT_LIVED, "-cp", os.pathsep.join([str(folder), class_path()]), main]


def conformance_command(folder: Path) -> list[str]:
    """The command of the conformance kit's program, built in a folder."""
    return program("Conformance", sorted(CONFORMANCE.glob("*.java")), folder)


@contextmanager
def _alone() -> Iterator[None]:
    """Two builds in one folder would read what the other has half written."""
    _BUILT.mkdir(exist_ok=True)
    with (_BUILT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
