"""Merging and encoding, against a naive model that protobuf itself encodes."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickmux.v1 import quote_pb2
from tickmux_adapters.model import UNCHANGED, Instrument, QuoteUpdate
from tickmux_server.chain import QuoteChain
from tickmux_server.encoding import varint
from tickmux_server.frames import payload

PRICES = ("bid_price", "bid_size", "ask_price", "ask_size", "last_price", "volume")
INSTRUMENT = Instrument(
    source="kraken", symbol="BTCUSD", type="crypto", exchange="Kraken", channel="1", is_indicative=True
)

values = st.one_of(st.just(UNCHANGED), st.none(), st.floats(allow_nan=False, min_value=0))
times = st.integers(min_value=0, max_value=4_000_000_000_000_000_000)


@st.composite
def update(draw: st.DrawFn) -> dict[str, Any]:
    return {
        **{name: draw(values) for name in PRICES},
        "venue_time_ns": draw(st.one_of(st.none(), times)),
        "halted": draw(st.sampled_from([UNCHANGED, True, False])),
        "delayed": draw(st.sampled_from([UNCHANGED, True, False])),
        "received_at_ns": draw(times),
        "waits_ns": draw(st.integers(min_value=0, max_value=10**14)),
    }


class Model:
    """The same merge, written the plain way on a protobuf message."""

    def __init__(self) -> None:
        self.quote = quote_pb2.Quote(
            symbol="BTCUSD", type="crypto", exchange="Kraken", source="kraken", channel="1", epoch=7
        )
        self.seen: dict[str, int] = {}
        self.halted = self.delayed = False

    def merge(self, fields: dict[str, Any], now_ns: int) -> quote_pb2.Quote:
        quote = self.quote
        for name in PRICES:
            if fields[name] is None:
                quote.ClearField(name)  # type: ignore[arg-type] # a name of the list above
            elif fields[name] is not UNCHANGED:
                setattr(quote, name, fields[name])
        if any(fields[name] is not UNCHANGED for name in PRICES[:4]):
            self.seen["bid_ask_age_ms"] = now_ns
        if fields["last_price"] is not UNCHANGED:
            self.seen["last_age_ms"] = now_ns
        for name, seen_ns in self.seen.items():
            setattr(quote, name, (now_ns - seen_ns) // 1_000_000)
        if fields["halted"] is not UNCHANGED:
            self.halted = fields["halted"]
        if fields["delayed"] is not UNCHANGED:
            self.delayed = fields["delayed"]
        del quote.flags[:]
        quote.flags.extend([quote_pb2.QUOTE_FLAG_INDICATIVE, quote_pb2.QUOTE_FLAG_SIMULATED])
        quote.flags.extend([quote_pb2.QUOTE_FLAG_DELAYED] * self.delayed + [quote_pb2.QUOTE_FLAG_HALTED] * self.halted)
        quote.received_at.FromNanoseconds(fields["received_at_ns"])
        quote.ClearField("timestamp")
        if fields["venue_time_ns"] is not None:
            quote.timestamp.FromNanoseconds(fields["venue_time_ns"])
        quote.revision += 1
        return quote


@given(st.lists(update(), min_size=1, max_size=8))
def test_every_revision_is_what_protobuf_would_have_encoded(updates: list[dict[str, Any]]) -> None:
    chain = QuoteChain(INSTRUMENT, [quote_pb2.QUOTE_FLAG_SIMULATED], epoch=7)
    model = Model()
    now_ns = 0
    for drawn in updates:
        fields = dict(drawn)
        now_ns += fields.pop("waits_ns")
        entry = chain.merge(QuoteUpdate(instrument=INSTRUMENT.key, received_monotonic_ns=now_ns, **fields))
        expected = model.merge(fields, now_ns)
        decoded = quote_pb2.Quote.FromString(payload(entry.frame))
        assert decoded == expected
        assert decoded.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)
        assert (entry.epoch, entry.revision) == (7, expected.revision)


def test_a_new_epoch_starts_empty() -> None:
    chain = QuoteChain(INSTRUMENT, [], epoch=7)
    known = QuoteUpdate(
        instrument=INSTRUMENT.key, received_at_ns=1, received_monotonic_ns=1, bid_price=1.0, last_price=2.0, volume=3.0
    )
    chain.merge(known)
    chain.begin(8)
    entry = chain.merge(
        QuoteUpdate(instrument=INSTRUMENT.key, received_at_ns=2, received_monotonic_ns=2, ask_price=4.0)
    )
    quote = quote_pb2.Quote.FromString(payload(entry.frame))
    assert (quote.epoch, quote.revision, quote.ask_price) == (8, 1, 4.0)
    assert not any(quote.HasField(name) for name in ("bid_price", "last_price", "volume", "last_age_ms"))


def test_an_update_that_is_older_than_what_was_seen_has_no_negative_age() -> None:
    chain = QuoteChain(INSTRUMENT, [], epoch=1)
    chain.merge(QuoteUpdate(instrument=INSTRUMENT.key, received_at_ns=9, received_monotonic_ns=10**12, last_price=5.0))
    entry = chain.merge(
        QuoteUpdate(instrument=INSTRUMENT.key, received_at_ns=8, received_monotonic_ns=1, bid_price=1.0)
    )
    quote = quote_pb2.Quote.FromString(payload(entry.frame))
    assert (quote.last_age_ms, quote.bid_ask_age_ms) == (0, 0)


@pytest.mark.parametrize("number", [-1, -16384, -(10**12)])
def test_a_negative_number_is_not_encoded_as_another(number: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        varint(number)


@given(st.decimals(min_value=0, max_value=10**12, allow_nan=False, places=3))
def test_a_price_of_up_to_15_digits_survives_exactly(price: Any) -> None:
    chain = QuoteChain(INSTRUMENT, [], epoch=1)
    update = QuoteUpdate(
        instrument=INSTRUMENT.key, received_at_ns=1, received_monotonic_ns=1, bid_price=float(str(price))
    )
    quote = quote_pb2.Quote.FromString(payload(chain.merge(update).frame))
    assert struct.pack("<d", quote.bid_price) == struct.pack("<d", float(str(price)))
    assert type(price)(repr(quote.bid_price)) == price


def test_a_price_that_stands_again_is_as_old_as_it_is() -> None:
    chain = QuoteChain(INSTRUMENT, [], epoch=1)
    second_ns = 1_000_000_000
    update = QuoteUpdate(
        instrument=INSTRUMENT.key,
        received_at_ns=9,
        received_monotonic_ns=30 * second_ns,
        last_price=5.0,
        last_seen_monotonic_ns=10 * second_ns,
    )
    assert quote_pb2.Quote.FromString(payload(chain.merge(update).frame)).last_age_ms == 20_000
    later = QuoteUpdate(
        instrument=INSTRUMENT.key, received_at_ns=9, received_monotonic_ns=31 * second_ns, bid_price=1.0
    )
    assert quote_pb2.Quote.FromString(payload(chain.merge(later).frame)).last_age_ms == 21_000
