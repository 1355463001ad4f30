"""Real payloads, read where they lie beside the repository; a test that needs one is skipped where there is none."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

FOLDER: Final = Path(__file__).parents[3] / "shared" / "recordings"


def path_of(venue: str, name: str) -> Path:
    path = FOLDER / venue / name
    if not path.exists():
        pytest.skip(f"the recording {venue}/{name} is not here")
    return path


def frames(path: Path) -> Iterator[bytes]:
    """The JSON of every line, without the time of reception that precedes it in some formats."""
    for line in path.read_bytes().splitlines():
        start = re.search(rb"[{\[]", line)
        if start is not None and not line.startswith(b"wss:"):
            yield line[start.start() :]


def exact(text: bytes | str) -> Any:
    """JSON with every number as the decimal that was written."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def same(value: object, written: Decimal | str) -> bool:
    """Whether the shortest text of a float is the decimal that a venue wrote; None stands for zero."""
    written = Decimal(written)
    return written == 0 if value is None else isinstance(value, float) and Decimal(repr(value)) == written
