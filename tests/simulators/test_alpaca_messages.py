"""The simulated Alpaca's data over real sockets: each kind of message, in both encodings, beside the recorded ones."""

import datetime as dt
import itertools
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests.simulators.alpaca import (
    CRYPTO,
    IEX,
    SIP,
    TEST,
    TRANSCRIPTS,
    Stamped,
    Talk,
    authenticated,
    nanoseconds,
    silence,
)
from tests.simulators.process import Simulator, simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

COIN_KINDS = {"t": "trades", "q": "quotes", "b": "bars", "o": "orderbooks"}
STOCK_KINDS = {"t": "trades", "q": "quotes", "b": "bars", "l": "lulds", "s": "statuses", "i": "imbalances"}
OPTIONAL = frozenset({"r"})
"""Keys that not every message of a kind carries."""
both_encodings = pytest.mark.parametrize("is_binary", [False, True], ids=["json", "msgpack"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Simulator]:
    arguments = ("--minute-bar-s", "1", "--daily-bar-interval-s", "0.2", "--price-band-interval-s", "0.2")
    async with simulator("alpaca", "--rate", "1500", *arguments) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def venue(running: Simulator) -> AsyncIterator[Simulator]:
    yield running
    await running.all_faults_off()


def recorded() -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Recorded messages by market (stocks or crypto) and type."""
    if not TRANSCRIPTS.exists():
        pytest.skip("the recorded transcripts are not here")
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in TRANSCRIPTS.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry["dir"] == "<":
            market = "crypto" if "crypto" in entry["session"] else "stocks"
            for message in json.loads(entry["raw"]):
                found.setdefault((market, message["T"]), []).append(message)
    return found


def shape(value: Any) -> Any:
    """What kind of value it is: whole numbers are numbers, and lists are what is in them."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return shape_of_list(value) if isinstance(value, list) else type(value).__name__
    return "number"


def shape_of_list(value: list[Any]) -> Any:
    return [
        {key: shape(inner) for key, inner in one.items()} if isinstance(one, dict) else shape(one) for one in value
    ][:1]


async def collected(venue: Simulator, market: str, *, is_binary: bool) -> dict[str, dict[str, Any]]:
    """A message of each kind that the simulator sends."""
    path, kinds, symbol = (CRYPTO, COIN_KINDS, "BTC/USD") if market == "crypto" else (SIP, STOCK_KINDS, "AAPL")
    async with authenticated(venue, path, is_binary=is_binary) as one:
        await one.subscribe(**{channel: [symbol] for channel in kinds.values()})
        found = {kind: await one.next(kind) for kind in kinds if kind not in {"s", "i"}}
        if market == "stocks":
            await venue.switch("correction", symbol=symbol)
            found["c"] = await one.next("c")
            await venue.switch("cancel", symbol=symbol)
            found["x"] = await one.next("x")
            await venue.switch("halt", symbol=symbol)
            found["s"] = await one.next("s")
            found["i"] = await one.next("i")
    return found


@both_encodings
@pytest.mark.parametrize("market", ["stocks", "crypto"])
async def test_keys_and_kinds_of_values_are_the_recorded_ones(
    venue: Simulator,
    market: str,
    is_binary: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    theirs = {kind: messages for (where, kind), messages in recorded().items() if where == market}
    ours = await collected(venue, market, is_binary=is_binary)
    assert set(ours) == {kind for kind in theirs if len(kind) == 1}
    for kind, message in ours.items():
        keys = [set(one) for one in theirs[kind]]
        assert set(message) - OPTIONAL in [one - OPTIONAL for one in keys], kind
        shapes: dict[str, list[Any]] = {}
        for one in theirs[kind]:
            for key, value in one.items():
                shapes.setdefault(key, []).append(shape(value))
        for key, value in message.items():
            if key == "t" and is_binary:
                assert isinstance(value, dt.datetime)
            elif value not in ([], ""):
                assert shape(value) in shapes[key], (kind, key, value)


async def test_the_key_order_of_quotes_and_trades_is_the_recorded_one(venue: Simulator) -> None:
    ours = await collected(venue, "stocks", is_binary=False)
    theirs = recorded()
    for kind in "tqbcx":
        assert any(list(ours[kind]) == list(one) for one in theirs["stocks", kind]), kind


async def test_numbers_and_times_are_written_as_short_as_they_can_be(venue: Simulator) -> None:
    lengths = set()
    async with authenticated(venue, SIP) as one:
        await one.subscribe(quotes=["*"], trades=["*"])
        for _ in range(300):
            text = await one.raw.text()
            for number in re.findall(r'"(?:bp|ap|p)":([0-9.]+)', text):
                assert not re.search(r"\.$|\.\d*0$", number), number
            for stamp in re.findall(r'"t":"([^"]+)"', text):
                match = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?Z", stamp)
                assert match, stamp
                assert not (match[1] or "1").endswith("0")
                lengths.add(len(match[1] or ""))
    assert len(lengths) > 1, "trailing zeros are cut off"


async def test_frames_mix_symbols_and_kinds(venue: Simulator) -> None:
    async with authenticated(venue, SIP) as one:
        await one.subscribe(quotes=["*"], trades=["*"])
        while True:
            frame = await one.frame()
            if len({message["T"] for message in frame}) > 1 and len({message["S"] for message in frame}) > 1:
                return


async def test_the_asterisk_is_everything_and_once(venue: Simulator) -> None:
    async with authenticated(venue, SIP) as one:
        await one.subscribe(trades=["AAPL", "*"])
        seen: list[tuple[str, int]] = []
        while len(seen) < 200 or len({symbol for symbol, _ in seen}) < 8:
            trade = await one.next("t")
            seen.append((trade["S"], trade["i"]))
    assert len(set(seen)) == len(seen)


async def test_stock_quotes_count_lots_and_trades_count_shares(venue: Simulator) -> None:
    odd = 0
    async with authenticated(venue, IEX) as one:
        await one.subscribe(trades=["SPY", "IBM"], quotes=["SPY"])
        for _ in range(50):
            quote = await one.next("q", "SPY")
            assert 1 <= quote["bs"] < 10_000
            assert quote["bp"] < quote["ap"]
            assert (quote["bx"], quote["ax"], quote["z"]) == ("V", "V", "B")
        for _ in range(8):
            trade = await one.next("t", "IBM")
            assert isinstance(trade["s"], int)
            assert trade["z"] == "A"
            assert trade["c"] == ([" ", "I"] if trade["s"] < 100 else [" "])
            odd += trade["s"] < 100
    assert odd


@both_encodings
async def test_coins_have_a_taker_and_ids_near_2_to_the_62(
    venue: Simulator,
    is_binary: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async with authenticated(venue, CRYPTO, is_binary=is_binary) as one:
        await one.subscribe(trades=["BTC/USD"])
        trades = [await one.next("t") for _ in range(20)]
    assert {trade["tks"] for trade in trades} == {"B", "S"}
    assert all(2**62 < trade["i"] < 2**62 + 10**13 for trade in trades)
    assert all(trade["i"] + 1 == later["i"] for trade, later in itertools.pairwise(trades))


async def test_an_order_book_comes_whole_and_then_in_changes(venue: Simulator) -> None:
    async with authenticated(venue, CRYPTO) as one:
        await one.subscribe(orderbooks=["ETH/USD"], quotes=["ETH/USD"])
        whole = await one.next("o")
        assert whole["r"] is True
        sides = [{level["p"]: level["s"] for level in whole[side]} for side in "ba"]
        assert all(len(side) > 500 for side in sides)
        quote: dict[str, Any] | None = None
        removed = compared = 0
        while removed < 20 or compared < 20:
            message = await first_of(one, {"o", "q"})
            if message["T"] == "q":
                quote = message
                continue
            assert "r" not in message
            for side, name in zip(sides, "ba", strict=True):
                for level in message[name]:
                    removed += not level["s"]
                    if level["s"]:
                        side[level["p"]] = level["s"]
                    else:
                        del side[level["p"]]
            bid, ask = max(sides[0]), min(sides[1])
            assert bid < ask
            if quote is not None:
                # A quote comes just before the change of the book that it follows from.
                assert [quote[key] for key in ("bp", "bs", "ap", "as")] == [bid, sides[0][bid], ask, sides[1][ask]]
                compared += 1
                quote = None


async def test_minute_bars_sum_the_trades_up_and_coins_have_one_without_trades() -> None:
    trades: list[dict[str, Any]] = []
    async with simulator("alpaca", "--rate", "300", "--minute-bar-s", "1") as slow, authenticated(slow, SIP) as one:
        await one.subscribe(trades=["SPY"], bars=["SPY"])
        for _ in range(2):
            # The minute of the first bar began before the subscription; it may come behind a trade of the next one.
            while (message := await first_of(one, {"t", "b"}))["T"] == "t":
                trades.append(message)
        begin = message["t"][:19]
        inside = [trade for trade in trades if trade["t"][:19] == begin]
        assert inside, "a busy stock trades within a second"
        prices = [trade["p"] for trade in inside]
        assert [message[key] for key in "ohlc"] == [prices[0], max(prices), min(prices), prices[-1]]
        assert (message["v"], message["n"]) == (sum(trade["s"] for trade in inside), len(inside))
        assert min(prices) <= message["vw"] <= max(prices)
    async with simulator("alpaca", "--rate", "0", "--minute-bar-s", "1") as still, authenticated(still, CRYPTO) as one:
        await one.subscribe(bars=["BTC/USD"])
        await one.next("b")  # may have the trades of the opening
        bar = await one.next("b")
        assert (bar["v"], bar["n"], bar["vw"]) == (0, 0, 0)
        assert bar["o"] == bar["h"] == bar["l"] == bar["c"] > 1000


async def first_of(one: Talk, kinds: set[str]) -> Any:
    """The next message of any of some types, in order."""
    while True:
        left = one._left
        while left:
            message = left.pop(0)
            if message["T"] in kinds:
                return message
        one._left = await one.frame()


async def test_daily_bars_carry_the_volume_of_the_day_and_grow(venue: Simulator) -> None:
    async with authenticated(venue, IEX) as one:
        await one.subscribe(dailyBars=["AAPL"])
        bars = [await one.next("d") for _ in range(4)]
    volumes = [bar["v"] for bar in bars]
    assert volumes == sorted(set(volumes))
    assert all(isinstance(volume, int) for volume in volumes)
    assert volumes[0] > 10_000
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT05:00:00Z", bar["t"]) for bar in bars)


async def test_daily_bars_come_seldom_by_default() -> None:
    async with simulator("alpaca", "--rate", "500") as usual, authenticated(usual, IEX) as one:
        await one.subscribe(dailyBars=["*"], trades=["SPY"])
        for _ in range(30):
            assert (await first_of(one, {"t", "d"}))["T"] == "t"


async def test_the_delayed_feed_has_times_of_a_quarter_of_an_hour_ago(venue: Simulator) -> None:
    async with authenticated(venue, SIP) as now, authenticated(venue, "/v2/delayed_sip") as then:
        for one in (now, then):
            await one.subscribe(trades=["SPY"])
        stamps = {}
        for _ in range(3):
            trade = await now.next("t")
            stamps[trade["i"]] = trade["t"]
        while (late := await then.next("t"))["i"] not in stamps:
            pass
    ages = dt.datetime.fromisoformat(stamps[late["i"]]) - dt.datetime.fromisoformat(late["t"])
    assert ages == dt.timedelta(minutes=15)


async def test_the_test_feed_moves_whatever_the_market_does() -> None:
    async with (
        simulator("alpaca", "--rate", "0", "--fault", "quiet_market") as still,
        authenticated(still, TEST) as one,
        authenticated(still, SIP) as other,
    ):
        await one.subscribe(quotes=["FAKEPACA"], trades=["*"])
        await other.subscribe(quotes=["*"], trades=["FAKEPACA"])
        for _ in range(3):
            assert (await one.next("q"))["S"] == "FAKEPACA"
        await silence(other)


async def test_msgpack_has_the_same_values_with_nanoseconds(venue: Simulator) -> None:
    async with authenticated(venue, SIP, is_binary=True) as one:
        await one.subscribe(trades=["*"])
        stamps: list[int] = []
        trades: list[dict[str, Any]] = []
        while len(trades) < 30:
            payload = await one.payload()
            trades += msgspec.msgpack.decode(payload)
            stamps += [nanoseconds(item.t) for item in msgspec.msgpack.decode(payload, type=list[Stamped])]
    assert any(stamp % 1000 for stamp in stamps)
    sent = {(trade["S"], trade["i"]): trade for trade in map(json.loads, await sent_messages(venue, trades))}
    for trade, stamp in zip(trades, stamps, strict=True):
        theirs = sent[trade["S"], trade["i"]]
        assert {**trade, "t": ""} == {**theirs, "t": ""}
        second = dt.datetime.fromisoformat(theirs["t"][:19] + "+00:00")
        fraction = theirs["t"][20:-1].ljust(9, "0") if "." in theirs["t"] else "0"
        assert stamp == int(second.timestamp()) * 1_000_000_000 + int(fraction)


async def sent_messages(venue: Simulator, trades: list[dict[str, Any]]) -> list[str]:
    return [
        text
        for symbol in {trade["S"] for trade in trades}
        for text in await venue.sent(symbol)
        if text.startswith('{"T":"t"')
    ]


async def test_what_was_sent_can_be_asked_for_message_by_message(venue: Simulator) -> None:
    async with authenticated(venue, CRYPTO) as one:
        await one.subscribe(quotes=["SOL/USD"])
        texts = [text for _ in range(10) for text in re.findall(r"\{.*?\}", await one.raw.text())]
    sent = await venue.sent("SOL/USD")
    assert set(texts) <= set(sent)
