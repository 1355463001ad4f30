"""Which adapters the suite runs on: all of ours, or the one that `--rig` names."""

import importlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.adapters.conformance.cases import CASES
from tests.adapters.conformance.rig import VenueRig
from tests.adapters.conformance.rigs.ours import OURS


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rig", metavar="MODULE:CLASS", help="run the conformance suite of adapters on this VenueRig instead of ours"
    )


def chosen(config: pytest.Config) -> tuple[type[VenueRig], ...]:
    """The rigs to run the suite on."""
    # When the whole repository is tested, this file is read too late for its option.
    name = config.getoption("--rig", default=None)
    return OURS if name is None else (_load(name),)


def _load(name: str) -> type[VenueRig]:
    module, _, attribute = name.partition(":")
    try:
        rig = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise pytest.UsageError(f"--rig {name}: give an importable MODULE:CLASS: {error}") from error
    if not (isinstance(rig, type) and issubclass(rig, VenueRig)):
        raise pytest.UsageError(f"--rig {name}: is no subclass of VenueRig")
    return rig


def _name(rig: type[VenueRig]) -> str:
    return f"{rig.adapter}-{rig.variant}" if rig.variant else rig.adapter


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if {"rig", "case"} <= set(metafunc.fixturenames):
        # Only the rig is of the module: were the case so too, pytest would mix the rigs, and start each many times.
        metafunc.parametrize("rig", chosen(metafunc.config), indirect=True, scope="module", ids=_name)
        metafunc.parametrize("case", CASES, ids=lambda case: case.__name__)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if not _is_not_applicable(item)]


def _is_not_applicable(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    parameters: dict[str, Any] = {} if callspec is None else callspec.params
    return {"rig", "case"} <= parameters.keys() and parameters["case"].__name__ in parameters["rig"].not_applicable


@pytest.fixture(scope="session")
def rigs(request: pytest.FixtureRequest) -> tuple[type[VenueRig], ...]:
    return chosen(request.config)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[VenueRig]:
    """One venue, started once for all its cases."""
    running: VenueRig = request.param()
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = [f"{_name(rig)}: {case}: {reason}" for rig in chosen(config) for case, reason in rig.not_applicable.items()]
    if lines:
        terminalreporter.section("conformance cases that do not apply")
        for line in lines:
            terminalreporter.write_line(line)
