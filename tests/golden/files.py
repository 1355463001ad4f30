"""Where golden lines are kept, and how. No line of a payload is in them.

A file is a header and then one JSON object a line. Of a long list the first and the last lines are kept; the header's
digest is over all of them.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "expected"
RECORDINGS: Final = Path(__file__).parents[3] / "shared" / "recordings"
"""Beside the repository, as they are not ours to copy."""
KEPT_MAX: Final = 100
"""Longer lists keep this many lines, half of them from either end."""


@dataclass(frozen=True)
class Golden:
    """The golden lines of one recording."""

    count: int
    """How many lines there are in all."""
    sha256: str
    """Digest over all lines, each with its line feed."""
    first: list[dict[str, Any]]
    """All lines, or those at the beginning of a long list."""
    last: list[dict[str, Any]]
    """Those at the end of a long list."""


def expected_path(venue: str, name: str) -> Path:
    """Where the golden lines of a recording are."""
    return FOLDER / venue / f"{name}.jsonl"


def rendered(venue: str, name: str, lines: list[dict[str, Any]]) -> str:
    """The golden file of some lines."""
    texts = [_text(line) for line in lines]
    digest = hashlib.sha256("".join(f"{text}\n" for text in texts).encode()).hexdigest()
    header = _text({"recording": f"{venue}/{name}", "lines": len(lines), "sha256": digest})
    if len(texts) > KEPT_MAX:
        half = KEPT_MAX // 2
        texts = [*texts[:half], _text({"left_out": len(texts) - 2 * half}), *texts[-half:]]
    return "".join(f"{text}\n" for text in (header, *texts))


def read(path: Path) -> Golden:
    """Read a golden file.

    Raises:
        ValueError: what is kept does not add up to what its header says.
    """
    header, *lines = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    gap = next((index for index, line in enumerate(lines) if "left_out" in line), None)
    first, last = (lines, []) if gap is None else (lines[:gap], lines[gap + 1 :])
    left_out = 0 if gap is None else lines[gap]["left_out"]
    if len(first) + left_out + len(last) != header["lines"]:
        raise ValueError(f"{path} is cut: write it anew with `make golden`")
    return Golden(header["lines"], header["sha256"], first, last)


def _text(line: dict[str, Any]) -> str:
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False)
