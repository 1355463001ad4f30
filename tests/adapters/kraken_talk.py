"""One connection to Kraken without a socket or a clock of its own: a test says what the venue says, and when."""

import json
from collections.abc import Iterable
from typing import Any

from tests.adapters.clock import ManualClock
from tests.adapters.kraken_server import pair, ticker
from tests.adapters.recorder import Recorder

from tickmux_adapters.conversation import Heard
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.kraken.feed import KrakenFeed
from tickmux_adapters.model import Moment

SNAPSHOT_TIMEOUT_S = 5.0
QUIET_PROBE_S = 30.0


class Talk:
    """A feed and the conversation of its connection, with what it said and what it delivered."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.clock = ManualClock()
        self.sink = Recorder()
        self.health = ChannelHealth(source="kraken", channel="0", sink=self.sink, clock=self.clock)
        self.feed = KrakenFeed(
            [name.replace("/", "") for name in names],
            sink=self.sink,
            health=self.health,
            clock=self.clock,
            snapshot_timeout_s=SNAPSHOT_TIMEOUT_S,
            quiet_probe_s=QUIET_PROBE_S,
        )
        self.connect()

    def connect(self) -> None:
        """A new connection without overlap."""
        self.conversation = self.feed.converse()
        self.said = [json.loads(text) for text in self.conversation.opening()]
        self.begin_chain()

    def begin_chain(self) -> None:
        self.sink.begin_chain("kraken", "0")
        self.feed.begin_chain(Moment(self.clock.now_ns, self.clock.now_ns))

    def hear(self, text: str) -> Heard:
        return self.conversation.feed(text.encode(), self.clock.now_ns, self.clock.now_ns)

    def hear_message(self, **message: Any) -> Heard:
        return self.hear(json.dumps(message))

    def wait(self, seconds: float = 0.0) -> list[tuple[str, list[str]]]:
        """Let time pass; what is then said of tickers, as (method, symbols)."""
        self.clock.forward(seconds)
        said = [json.loads(text) for text in self.conversation.due(self.clock.now_ns)]
        self.said += said
        return [(each["method"], each["params"]["symbol"]) for each in said if each["params"]["channel"] == "ticker"]

    def listing(self, statuses: dict[str, str] | None = None, *, kind: str = "snapshot") -> None:
        pairs = statuses if statuses is not None else dict.fromkeys(self.names, "online")
        listed = ",".join(pair(name, status) for name, status in pairs.items())
        self.hear(f'{{"channel":"instrument","type":"{kind}","data":{{"assets":[],"pairs":[{listed}]}}}}')

    def system(self, state: str) -> None:
        self.hear(f'{{"channel":"status","type":"update","data":[{{"version":"2.0.10","system":"{state}"}}]}}')

    def answer(self, names: Iterable[str], *, method: str = "subscribe") -> None:
        for name in names:
            self.hear_message(method=method, success=True, result={"channel": "ticker", "symbol": name})

    def refuse(self, name: str, error: str = "Currency pair not supported") -> None:
        self.hear_message(method="subscribe", success=False, symbol=name, error=error)

    def quote(self, name: str, bid: float, second: int, *, kind: str = "update") -> Heard:
        time = f"2026-08-12T19:{second // 60:02d}:{second % 60:02d}.066592Z"
        return self.hear(ticker(name, f"{bid:.1f}", f"{bid + 1:.1f}", time, kind=kind))

    def open(self) -> None:
        """Everything listed, answered and quoted once, with the venue's time 0."""
        self.listing()
        self.wait()
        self.answer(self.names)
        for name in self.names:
            self.quote(name, 10.0, 0, kind="snapshot")

    def bids(self, name: str) -> list[Any]:
        """What each update that carries a bid says of it."""
        quotes = self.sink.of(name.replace("/", ""))
        return [quote.bid_price for quote in quotes if quote.bid_price is None or isinstance(quote.bid_price, float)]
