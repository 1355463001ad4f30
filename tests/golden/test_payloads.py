"""The independent check: json and Decimal say what a golden line is to hold, and none of our code is asked.

Nothing in here, and nothing that it imports of the tests, may import `tickmux_*`; the last tests see to it.
"""

import ast
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.golden.files import RECORDINGS, Golden, expected_path, read
from tests.golden.payloads.comparison import Line, differences, same
from tests.golden.payloads.entries import Entry, Listed, Quoted, Reason, Silent
from tests.golden.payloads.readers import READERS
from tests.golden.table import README, Row, manifest, rows

FOLDER = Path(__file__).parent
ROWS = rows()
READ = [row for row in ROWS if row.is_read]


def named(rows: list[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=[f"{row.venue}/{row.name}" for row in rows])


def recording(*parts: str) -> Path:
    path = RECORDINGS.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the recording {'/'.join(parts)} is not here")
    return path


def said(row: Row) -> list[Entry]:
    return list(READERS[row.venue][row.name](recording(row.venue, row.name)))


def ends(file: Golden, entries: list[Entry]) -> list[Entry]:
    """What the lines say that a golden file keeps."""
    loud = [entry for entry in entries if not isinstance(entry, Silent)]
    return [*loud[: len(file.first)], *loud[len(loud) - len(file.last) :]]


@named([row for row in READ if expected_path(row.venue, row.name).exists()])
def test_every_number_and_time_of_a_golden_line_is_what_the_payload_says(row: Row) -> None:
    entries = said(row)
    file = read(expected_path(row.venue, row.name))
    assert file.count == row.lines
    assert differences([*file.first, *file.last], ends(file, entries)) == []


@named(READ)
def test_whatever_bears_a_quote_gives_a_line_or_is_counted_under_its_reason(row: Row) -> None:
    entries = said(row)
    silent = Counter(str(entry.reason) for entry in entries if isinstance(entry, Silent))
    assert len(entries) - silent.total() == row.lines
    assert silent == row.silent
    messages = manifest(recording("MANIFEST.tsv"))[row.venue, row.name]
    assert len({entry.message for entry in entries}) == messages


def test_every_recording_is_in_the_table() -> None:
    table = [(row.venue, row.name) for row in ROWS]
    assert sorted(table) == sorted(manifest(recording("MANIFEST.tsv")))


def test_every_row_that_gives_lines_has_a_reader_and_the_others_say_why_not() -> None:
    readers = {(venue, name) for venue, named in READERS.items() for name in named}
    assert {(row.venue, row.name) for row in READ} == readers
    assert [row.name for row in ROWS if not row.is_read and not row.note] == []


def test_every_reason_is_explained() -> None:
    text = README.read_text(encoding="utf-8")
    assert [reason for reason in Reason if f"\n| {reason} | " not in text] == []
    assert {reason for row in ROWS for reason in row.silent} <= set(Reason)


QUOTED = Quoted(
    message=3,
    symbol="BTCUSD",
    numbers={"bid_price": Decimal("100.10"), "bid_size": None, "last_price": Decimal("1e-8")},
    time_ns=1_700_000_000_000_000_001,
    marks={"halted": True},
)
LISTED = Listed(message=1, symbol="BTCUSD", texts={"exchange": "Kraken"}, numbers={"price_increment": Decimal("0.10")})
RIGHT: Line = {
    "message": 3,
    "quote": "BTCUSD",
    "type": "crypto",
    "bid_price": "100.1",
    "bid_size": None,
    "last_price": "1e-08",
    "venue_time_ns": 1_700_000_000_000_000_001,
    "halted": True,
}
RIGHT_LISTED: Line = {"message": 1, "instrument": "BTCUSD", "exchange": "Kraken", "price_increment": "0.1"}


def test_right_lines_differ_in_nothing() -> None:
    assert differences([RIGHT, RIGHT_LISTED], [Silent(message=2, reason=Reason.CONTROL), LISTED, QUOTED]) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"bid_price": "100.10000000000001"},
        {"bid_price": None},
        {"bid_price": 100.1},
        {"bid_size": "0.0"},
        {"ask_price": "100.2"},
        {"ask_price": None},
        {"venue_time_ns": 1_700_000_000_000_000_000},
        {"halted": False},
        {"delayed": True},
        {"type": "stock"},
        {"quote": "BTCUSDT"},
        {"message": 4},
    ],
    ids=str,
)
def test_a_line_that_is_wrong_in_anything_is_found(wrong: dict[str, Any]) -> None:
    assert differences([{**RIGHT, **wrong}], [QUOTED]) != []


@pytest.mark.parametrize("name", sorted(RIGHT.keys() - {"message", "quote"}))
def test_a_line_that_lacks_anything_is_found(name: str) -> None:
    assert differences([{key: value for key, value in RIGHT.items() if key != name}], [QUOTED]) != []


def test_a_line_too_few_too_many_or_out_of_turn_is_found() -> None:
    later = replace(QUOTED, numbers={**QUOTED.numbers, "bid_price": Decimal(101)})
    right_later = {**RIGHT, "bid_price": "101.0"}
    assert differences([RIGHT, right_later], [QUOTED, later]) == []
    assert differences([RIGHT], [QUOTED, later]) != []
    assert differences([RIGHT, right_later, right_later], [QUOTED, later]) != []
    assert differences([right_later, RIGHT], [QUOTED, later]) != []
    assert differences([{**RIGHT_LISTED, "price_increment": "0.01"}], [LISTED]) != []
    assert differences([{**RIGHT_LISTED, "exchange": "Binance"}], [LISTED]) != []


def test_a_decimal_that_no_double_holds_is_compared_as_the_nearest_double() -> None:
    assert same(repr(float("1542226908349.840612")), Decimal("1542226908349.840612"))
    assert not same(repr(1542226908349.8411), Decimal("1542226908349.840612"))


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def checking_files() -> list[Path]:
    return [FOLDER / "test_payloads.py", FOLDER / "files.py", FOLDER / "table.py", *(FOLDER / "payloads").rglob("*.py")]


@pytest.mark.parametrize("path", checking_files(), ids=lambda path: path.name)
def test_the_check_imports_the_standard_library_and_itself_alone(path: Path) -> None:
    allowed = ("tests.golden.files.", "tests.golden.table.", "tests.golden.payloads.")
    foreign = {
        name
        for name in imports_of(path)
        if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith(allowed) and name != "pytest"
    }
    assert foreign == set()


def test_the_check_loads_nothing_of_tickmux() -> None:
    program = (
        "import sys, tests.golden.table, tests.golden.files\n"
        "import tests.golden.payloads.readers, tests.golden.payloads.comparison\n"
        "print(*(name for name in sys.modules if name.startswith('tickmux')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=FOLDER.parents[1], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stdout) == (0, "\n"), run.stderr
