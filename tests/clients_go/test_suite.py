"""The Go client's own suite: formatting, vet, staticcheck, and its tests under the race detector."""

import pytest
from tests.clients_go.toolchain import BUILD_S, ROOT, go, require_go, run

PACKAGES = ("./clients/go/...", "./tests/clients_go/...", "./benchmarks/go/...")

pytestmark = pytest.mark.timeout(BUILD_S + 20)


@pytest.fixture(autouse=True)
def _go() -> None:
    require_go()


def test_formatting() -> None:
    assert run("gofmt", "-l", "clients/go", "tests/clients_go", "benchmarks/go") == ""


def test_vet_and_staticcheck() -> None:
    go("vet", *PACKAGES, "./generated/go/...")
    staticcheck = ROOT / ".venv" / "go" / "staticcheck"
    if not staticcheck.exists():
        pytest.skip("staticcheck is missing: `make check` builds it")
    assert run(staticcheck, *PACKAGES) == ""


def test_the_modules_are_those_of_go_sum_and_none_is_left_over() -> None:
    go("mod", "tidy", "-diff")


def test_the_tests_of_the_client_under_the_race_detector() -> None:
    assert "ok" in go("test", "-race", "-count=1", *PACKAGES)
