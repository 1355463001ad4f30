"""Decimal text of venues to floats, with an eye on what a float can hold."""

import math
from typing import Final

from tickmux_adapters.secrets import redact

EXACT_DIGITS_MAX: Final = 15
"""Every decimal of up to this many significant digits survives a double: the shortest text that parses to the double
is the same decimal."""
SURELY_EXACT_CHARS_MAX: Final = EXACT_DIGITS_MAX
"""Text of up to this length cannot have more digits than a double holds exactly."""


def decimal_value(text: str) -> float | None:
    """The number that a venue wrote, or None for an empty text and for zero, which venues write for "none".

    Raises:
        ValueError: the text is not a plain, finite, non-negative decimal.
    """
    if not text:
        return None
    # float() alone would also take nan, inf, 1_000 and surrounding blanks.
    if "_" in text or text != text.strip():
        raise ValueError(f"not a decimal: {redact(text)[:40]!r}")
    value = float(text)
    if not 0.0 <= value < math.inf:
        raise ValueError(f"not a finite, non-negative decimal: {redact(text)[:40]!r}")
    return value or None


def is_exact(text: str) -> bool:
    """Whether a double holds the decimal exactly, in that its shortest text is the same decimal."""
    if len(text) <= SURELY_EXACT_CHARS_MAX:
        return True
    mantissa = text.lower().partition("e")[0].lstrip("+-")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).strip("0")
    return len(digits) <= EXACT_DIGITS_MAX
