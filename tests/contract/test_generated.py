"""Where a language's generators are missing, generate.sh says so instead of looking away."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "generated"
NEEDED = {"go": "Go 1.26", "java": "a JDK 17"}


def run(*command: object, ci: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CI": ci}
    return subprocess.run([*map(str, command)], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def only_python(tmp_path: Path) -> Path:
    """An environment without the generators of the other languages."""
    for name in ("bin", "lib", "pyvenv.cfg"):
        (tmp_path / name).symlink_to(ROOT / ".venv" / name)
    return tmp_path


@pytest.mark.parametrize(("ci", "exit_code"), [("", 0), ("true", 1)])
def test_missing_generators_are_named_and_fail_where_nothing_may_be_skipped(
    only_python: Path, ci: str, exit_code: int
) -> None:
    done = run(GENERATED / "generate.sh", "--check", only_python, ci=ci)
    assert done.returncode == exit_code, done.stderr
    for language, needed in NEEDED.items():
        assert f"generated/{language} is not looked at: {needed}" in done.stderr


@pytest.mark.parametrize("language", ["python", "go", "java"])
def test_drift_is_told(tmp_path: Path, language: str) -> None:
    if language != "python" and not (ROOT / ".venv" / f".{language}").exists():
        pytest.skip(f"{NEEDED[language]} is missing: the generators of generated/{language} are not there")
    for name in ("generated", "proto"):
        shutil.copytree(ROOT / name, tmp_path / name)
    assert run(tmp_path / "generated" / "generate.sh", "--check", ROOT / ".venv").returncode == 0
    proto = tmp_path / "proto" / "tickmux" / "v1" / "quote.proto"
    proto.write_text(proto.read_text().replace("last_exchange = 21", "latest_exchange = 21"))
    done = run(tmp_path / "generated" / "generate.sh", "--check", ROOT / ".venv")
    assert done.returncode == 1
    assert f"generated/{language} differs" in done.stderr


def test_a_generator_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    if shutil.which("mvn") is None:
        pytest.skip("Maven is missing")
    fetch = shutil.copy(GENERATED / "fetch-java-generators.sh", tmp_path)
    pins = (GENERATED / "java-generators.sha256").read_text()
    (tmp_path / "java-generators.sha256").write_text("".join(f"0{line[1:]}\n" for line in pins.splitlines()))
    done = run(fetch, tmp_path / "generators")
    assert done.returncode == 1
    assert "has the SHA-256" in done.stderr
    assert list((tmp_path / "generators").iterdir()) == []
