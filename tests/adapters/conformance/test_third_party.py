"""The suite on an adapter of somebody else's, found by its entry point alone."""

import os
import subprocess
import sys
from pathlib import Path

from tests.adapters.conformance.cases import CASES

ROOT = Path(__file__).parents[3]
FOLDER = "tests/adapters/conformance"
SUITE_S = 100.0


def install(folder: Path) -> None:
    """What pip leaves of a distribution that registers an adapter."""
    metadata = folder / "acme_tickmux-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-tickmux\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[tickmux.adapters]\nacme = tests.adapters.conformance.acme.adapter:ADAPTER\n"
    )


def suite(*arguments: str, path: str = "") -> tuple[int, str]:
    """Exit code and output of the suite as its own run of pytest."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", f"{FOLDER}/test_conformance.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SUITE_S,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def test_every_case_passes_on_an_installed_adapter(tmp_path: Path) -> None:
    install(tmp_path)
    code, output = suite("--rig", "tests.adapters.conformance.acme.rig:AcmeRig", path=str(tmp_path))
    assert code == 0, output
    for case in CASES:
        assert f"[acme-{case.__name__}] PASSED" in output
    assert "[binance-" not in output


def test_an_adapter_that_is_not_installed_is_named() -> None:
    code, output = suite("--rig", "tests.adapters.conformance.acme.rig:AcmeRig", "-k", "connects")
    assert code == 1
    assert "no adapter 'acme' is installed: register it in the entry-point group tickmux.adapters" in output


def test_a_rig_that_cannot_be_had_is_an_error_of_usage() -> None:
    for name in ("no.such.module:Rig", "json:loads", "json"):
        code, output = suite("--rig", name)
        assert code == 4, output
        assert f"--rig {name}: " in output
