"""The Java client's own suite: compiler warnings, documentation, and its tests."""

import pytest
from tests.clients_java.toolchain import BUILD_S, mvn, require_java

pytestmark = pytest.mark.timeout(BUILD_S + 20)


def test_it_builds_without_a_warning_and_passes_its_tests() -> None:
    require_java()
    mvn("verify")
