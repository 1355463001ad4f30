"""The fields of the contract's Quote, each with what encodes it."""

from typing import Final

from tickmux.v1 import quote_pb2
from tickmux_server.encoding import LENGTH_DELIMITED, TimestampField, doubles, tag, unsigned, varint

NUMBER: Final = {name: field.number for name, field in quote_pb2.Quote.DESCRIPTOR.fields_by_name.items()}

last_price = doubles(NUMBER["last_price"])
volume = doubles(NUMBER["volume"])
bid_price = doubles(NUMBER["bid_price"])
bid_size = doubles(NUMBER["bid_size"])
ask_price = doubles(NUMBER["ask_price"])
ask_size = doubles(NUMBER["ask_size"])
_whole_book = doubles(NUMBER["bid_price"], NUMBER["bid_size"], NUMBER["ask_price"], NUMBER["ask_size"])
received_at = TimestampField(NUMBER["received_at"])
timestamp = TimestampField(NUMBER["timestamp"])
REVISION: Final = tag(NUMBER["revision"], 0)
BID_ASK_AGE: Final = tag(NUMBER["bid_ask_age_ms"], 0)
LAST_AGE: Final = tag(NUMBER["last_age_ms"], 0)
BID_ASK_NOW: Final = unsigned(NUMBER["bid_ask_age_ms"], 0)
LAST_NOW: Final = unsigned(NUMBER["last_age_ms"], 0)

_NS_PER_MS: Final = 1_000_000


def bid_ask_age(seen_ns: int | None, now_ns: int) -> bytes:
    """The field of the age of bid and ask; nothing when they were never seen."""
    if seen_ns == now_ns:
        return BID_ASK_NOW
    return b"" if seen_ns is None else BID_ASK_AGE + age(seen_ns, now_ns)


def last_age(seen_ns: int | None, now_ns: int) -> bytes:
    """The field of the age of the last price; nothing when it was never seen."""
    if seen_ns == now_ns:
        return LAST_NOW
    return b"" if seen_ns is None else LAST_AGE + age(seen_ns, now_ns)


def age(seen_ns: int, now_ns: int) -> bytes:
    """The value of an age field: how long before one monotonic moment another was.

    A seed is stamped when its answer came and delivered later, maybe behind a newer message: no age is negative.
    """
    age_ns = now_ns - seen_ns
    return varint(age_ns // _NS_PER_MS if age_ns > 0 else 0)


def top_of_book(
    bid_price_now: float | None, bid_size_now: float | None, ask_price_now: float | None, ask_size_now: float | None
) -> bytes:
    """Best bid and ask with their sizes, as far as they are known."""
    if (
        bid_price_now is not None
        and bid_size_now is not None
        and ask_price_now is not None
        and ask_size_now is not None
    ):
        return _whole_book(bid_price_now, bid_size_now, ask_price_now, ask_size_now)
    return b"".join(
        encode(value)
        for encode, value in (
            (bid_price, bid_price_now),
            (bid_size, bid_size_now),
            (ask_price, ask_price_now),
            (ask_size, ask_size_now),
        )
        if value is not None
    )


def flags(chosen: list[quote_pb2.QuoteFlag.ValueType]) -> bytes:
    """The field of flags, packed; nothing when there are none."""
    encoded = b"".join(varint(flag) for flag in chosen)
    return tag(NUMBER["flags"], LENGTH_DELIMITED) + varint(len(encoded)) + encoded if encoded else b""
