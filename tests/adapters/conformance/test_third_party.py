"""The suite on an adapter of somebody else's, found by its entry point alone."""

import asyncio
import os
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


async def suite(*arguments: str, path: str = "") -> tuple[int, str]:
    """Exit code and output of the suite as its own run of pytest."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", f"{FOLDER}/test_conformance.py"),
        *arguments,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SUITE_S):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_every_case_passes_on_an_installed_adapter(tmp_path: Path) -> None:
    install(tmp_path)
    code, output = await suite("--rig", "tests.adapters.conformance.acme.rig:AcmeRig", path=str(tmp_path))
    assert code == 0, output
    for case in CASES:
        assert f"[acme-{case.__name__}] PASSED" in output
    assert "[binance-" not in output


async def test_an_adapter_that_is_not_installed_is_named() -> None:
    code, output = await suite("--rig", "tests.adapters.conformance.acme.rig:AcmeRig", "-k", "connects")
    assert code == 1
    assert "no adapter 'acme' is installed: register it in the entry-point group tickmux.adapters" in output


async def test_a_rig_that_cannot_be_had_is_an_error_of_usage() -> None:
    for name in ("no.such.module:Rig", "json:loads", "json"):
        code, output = await suite("--rig", name)
        assert code == 4, output
        assert f"--rig {name}: " in output
