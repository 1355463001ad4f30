import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickmux_adapters.exactness import decimal_value, is_exact


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**20, places=12))
def test_text_that_is_called_exact_survives_a_float(number: Decimal) -> None:
    text = f"{number:f}"
    if is_exact(text):
        value = decimal_value(text)
        assert Decimal(repr(value or 0.0)) == number


@given(st.from_regex(r"[0-9]{0,25}(\.[0-9]{0,25})?", fullmatch=True))
def test_exact_is_counted_in_significant_digits(text: str) -> None:
    assert is_exact(text) == (len(text.replace(".", "").strip("0")) <= 15 or len(text) <= 15)


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "1_000", " 1", "1 ", "0x10", "1e400", "x", "-inf", "1,5"])
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"decimal|convert"):
        decimal_value(text)


@pytest.mark.parametrize("text", ["", "0", "0.00000000", "0.0"])
def test_zero_and_empty_mean_none(text: str) -> None:
    assert decimal_value(text) is None


def test_an_exponent_is_a_decimal_too() -> None:
    assert decimal_value("5.1e-05") == 5.1e-05
    assert is_exact("1.234567890123e-30")
    assert not math.isnan(decimal_value("1e5") or 0.0)
