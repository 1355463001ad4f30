"""The Dockerfile, without an engine to build it: a linter, its paths, and what it promises."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", DOCKERFILE.read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(keyword, rest.strip()) for keyword, rest in (line.split(None, 1) for line in lines)]


def stage_of(instructions: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The instructions of the last stage."""
    starts = [index for index, (keyword, _) in enumerate(instructions) if keyword == "FROM"]
    return instructions[starts[-1] :]


def test_the_linter_finds_nothing() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    result = subprocess.run([linter, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


def test_every_path_that_it_copies_exists_and_is_tracked(instructions: list[tuple[str, str]]) -> None:
    copied = [
        source
        for keyword, rest in instructions
        if keyword == "COPY" and not rest.startswith("--from=")
        for source in rest.split()[:-1]
    ]
    assert copied
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = listed.stdout.splitlines()
    assert [path for path in copied if not any((name + "/").startswith(path + "/") for name in tracked)] == []


def test_what_it_copies_is_not_ignored(instructions: list[tuple[str, str]]) -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for keyword, rest in instructions
        if keyword == "COPY" and not rest.startswith("--from=")
        for source in rest.split()[:-1]
    }
    assert copied == kept


def test_it_is_pinned_multi_stage_slim_and_not_root(instructions: list[tuple[str, str]]) -> None:
    bases = [rest.split()[0] for keyword, rest in instructions if keyword == "FROM"]
    assert len(bases) == 2
    assert all(re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", base) for base in bases)
    last = stage_of(instructions)
    assert [rest for keyword, rest in last if keyword == "USER"] == ["10001"]
    assert not any(keyword == "RUN" and "pip" in rest for keyword, rest in last)


def test_it_runs_the_command_and_asks_it_for_health(instructions: list[tuple[str, str]]) -> None:
    last = dict(stage_of(instructions))
    assert json.loads(last["ENTRYPOINT"]) == ["tickmux"]
    assert json.loads(last["HEALTHCHECK"].partition("CMD ")[2]) == ["tickmux", "health"]
    assert json.loads(last["CMD"])[0] == "serve"


def test_the_wheel_that_it_installs_holds_every_package(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for package in ("tickmux_adapters", "tickmux_client", "tickmux_server", "tickmux_simulators", "tickmux/v1"):
        assert any(name.startswith(f"{package}/") for name in names), package
    assert "tickmux_client/py.typed" in names
