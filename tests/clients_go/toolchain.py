"""Go and the tools of its client, which `make` builds from their pins."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD_S = 540.0
"""The first build compiles gRPC, twice where the race detector is asked for."""


def require_go() -> None:
    """Skip what cannot run here, and say what is missing."""
    if shutil.which("go") is None:
        pytest.skip("Go 1.26 or later is missing: the suite of the Go client is not run")


def go(*arguments: str | Path) -> str:
    """Run the go command at the root of the module; its output, and a failure with it unless it ended well."""
    return run("go", *arguments)


def run(*command: str | Path) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=BUILD_S, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}", pytrace=False)
    return done.stdout


def build(package: str | Path, folder: Path) -> Path:
    """A program of the module, built."""
    program = folder / "program"
    # The module may be a clone without its history.
    go("build", "-buildvcs=false", "-o", program, package)
    assert os.access(program, os.X_OK)
    return program
