import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.recordings import path_of
from tests.golden.files import FOLDER, KEPT_MAX, expected_path, read, rendered
from tests.golden.payloads.comparison import differences
from tests.golden.payloads.readers import READERS
from tests.golden.produce import PRODUCERS

REPOSITORY = Path(__file__).parents[2]
GOLDEN = [(venue, name) for venue, producers in PRODUCERS.items() for name in producers]

golden = pytest.mark.parametrize(("venue", "name"), GOLDEN)


def produced(venue: str, name: str) -> list[dict[str, Any]]:
    return PRODUCERS[venue][name](path_of(venue, name))


@golden
def test_the_adapter_makes_the_golden_lines_of_a_recording(venue: str, name: str) -> None:
    assert rendered(venue, name, produced(venue, name)) == expected_path(venue, name).read_text(encoding="utf-8"), (
        "the adapter's output changed: if it is meant to, `make golden` and read the difference"
    )


@golden
def test_every_line_that_only_a_digest_stands_for_is_what_the_payload_says(venue: str, name: str) -> None:
    # As it was written and not as it was made, so that nothing but text is compared.
    lines = [json.loads(json.dumps(line)) for line in produced(venue, name)]
    assert differences(lines, READERS[venue][name](path_of(venue, name))) == []


def test_every_registered_adapter_has_its_golden_quotes() -> None:
    points = importlib.metadata.entry_points(group="tickmux.adapters")
    ours = {point.module.split(".")[1] for point in points if point.module.startswith("tickmux_adapters.")}
    assert ours == PRODUCERS.keys()


def test_every_reader_has_a_producer_and_the_other_way_round() -> None:
    for venue, producers in PRODUCERS.items():
        assert producers.keys() == READERS[venue].keys()


def test_nothing_else_is_kept_and_little_at_all() -> None:
    kept = set(FOLDER.rglob("*.jsonl"))
    assert kept == {expected_path(venue, name) for venue, name in GOLDEN}
    assert sum(path.stat().st_size for path in kept) < 200_000


def test_of_a_long_list_both_ends_are_kept_and_the_digest_is_over_all(tmp_path: Path) -> None:
    lines = [{"message": number, "quote": "BTCUSD"} for number in range(KEPT_MAX + 20)]
    path = tmp_path / "long.jsonl"
    path.write_text(rendered("venue", "long", lines), encoding="utf-8")
    file = read(path)
    half = KEPT_MAX // 2
    assert (file.count, file.first, file.last) == (len(lines), lines[:half], lines[-half:])
    middle = KEPT_MAX // 2 + 5
    other = [*lines[:middle], {"message": middle, "quote": "BTCUSDT"}, *lines[middle + 1 :]]
    path.write_text(rendered("venue", "long", other), encoding="utf-8")
    changed = read(path)
    assert (changed.first, changed.last) == (file.first, file.last)
    assert changed.sha256 != file.sha256


def test_a_golden_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl"
    text = rendered("venue", "cut", [{"message": 1}, {"message": 2}])
    path.write_text("".join(text.splitlines(keepends=True)[:-1]), encoding="utf-8")
    with pytest.raises(ValueError, match="is cut"):
        read(path)


@pytest.mark.parametrize(
    ("ci", "code", "verdict"), [("true", 1, "with CI=true nothing may be skipped"), ("", 0, "skipped")]
)
def test_missing_recordings_fail_in_ci_and_are_named_elsewhere(
    tmp_path: Path, ci: str, code: int, verdict: str
) -> None:
    # A clone with no recordings beside it.
    clone = tmp_path / "clone"
    shutil.copytree(REPOSITORY / "tests" / "golden", clone / "tests" / "golden")
    (clone / "tests" / "adapters").mkdir()
    for name in ("conftest.py", "adapters/recordings.py"):
        shutil.copy(REPOSITORY / "tests" / name, clone / "tests" / name)
    shutil.copy(REPOSITORY / "pyproject.toml", clone)
    wanted = "test_the_adapter_makes or test_every_number or test_every_recording_is_in_the_table"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/golden", "-k", wanted],
        cwd=clone,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == code, run.stdout + run.stderr
    assert verdict in run.stdout
    assert " passed" not in run.stdout
    assert "is not here" in run.stdout
