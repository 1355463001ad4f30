import datetime as dt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.alpaca_messages import (
    stamp,
)
from tests.adapters.alpaca_slot import NS_PER_S

from tickmux_adapters.alpaca.times import packed_time_ns, text_time_ns

times = st.integers(min_value=0, max_value=4_102_444_800 * NS_PER_S - 1)


@given(times)
def test_times_are_exact_to_the_nanosecond_in_both_encodings(time_ns: int) -> None:
    second, fraction = divmod(time_ns, NS_PER_S)
    whole = dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f"{fraction:09d}"
    for text in {f"{whole}.{digits}Z", f"{whole}.{digits}".rstrip("0").rstrip(".") + "Z", f"{whole}.{digits}+00:00"}:
        assert text_time_ns(text) == time_ns
    assert packed_time_ns(stamp(second, fraction)) == time_ns
    long = fraction.to_bytes(4, "big") + second.to_bytes(8, "big")
    assert packed_time_ns(msgspec.msgpack.Ext(-1, long)) == time_ns


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("2021-02-22T15:51:44.208Z", 1614009104208000000),
        ("2021-02-22T10:51:44.208-05:00", 1614009104208000000),
        ("2021-02-22T15:51:44Z", 1614009104000000000),
        ("0001-01-01T00:00:00Z", None),
        ("1969-12-31T23:59:59Z", None),
    ],
)
def test_times_in_text(text: str, time_ns: int | None) -> None:
    assert text_time_ns(text) == time_ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2021-02-22",
        "2021-02-22T15:51:44",
        "2021-02-22T15:51:44.Z",
        "2021-02-22T15:51:44.1234567890Z",
        "2021-02-22T25:51:44Z",
        "2021-02-22 15:51:44Z",
        "2021-02-22T15:51:44Z ",
        "\uff12021-02-22T15:51:44Z",
        "2100-01-01T00:00:00Z",
    ],
)
def test_no_time_in_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a time|hour must be"):
        text_time_ns(text)


@pytest.mark.parametrize(
    ("code", "data"),
    [(5, bytes(4)), (-1, b""), (-1, bytes(5)), (-1, b"\xff" * 8), (-1, b"\xff" * 4 + bytes(8)), (-1, b"\x7f" * 12)],
)
def test_no_time_in_msgpack(code: int, data: bytes) -> None:
    with pytest.raises(ValueError, match="not a time"):
        packed_time_ns(msgspec.msgpack.Ext(code, data))


def test_a_msgpack_time_before_1970_says_none() -> None:
    assert packed_time_ns(stamp(-62_135_596_800, 0)) is None
