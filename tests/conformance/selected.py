"""What a session of pytest asks for, so that its runs can be made at once before the first of its tests."""

from typing import Any

import pytest


def parameters(session: pytest.Session, test: str) -> list[dict[str, Any]]:
    """The parameters of each selected case of a test."""
    cases = [item for item in session.items if isinstance(item, pytest.Function)]
    return [case.callspec.params for case in cases if case.originalname == test]
