"""The page about the adapters names every setting that a source may have."""

import re
from pathlib import Path

import pytest

from tickmux_adapters.registry import SourceSettings, registered

PAGE = (Path(__file__).parents[2] / "adapters" / "README.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Settings of a source")[2].partition("\n## ")[0]
OURS = {name: kind for name, kind in registered().items() if kind.settings.__module__.startswith("tickmux_adapters.")}


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_named(name: str) -> None:
    settings = set(OURS[name].settings.__struct_fields__)
    assert settings - set(re.findall(r"`(\w+)`", SECTION)) == set()


def test_no_setting_is_named_that_does_not_exist() -> None:
    known = {field for kind in OURS.values() for field in kind.settings.__struct_fields__}
    rows = [line for line in SECTION.splitlines() if line.startswith("|")]
    told = {setting for row in rows for setting in re.findall(r"`(\w+)`", row.split("|")[2])}
    assert told - known == set()
    assert set(SourceSettings.__struct_fields__) <= known
