"""Alpha Vantage: a stock, whose answer has no time of anything, and a pair, whose answer has a bid and an ask."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.adapters.conformance.rig import Listed, Told
from tests.adapters.conformance.rigs.keyed import PolledRig
from tests.adapters.conformance.rigs.simulated import amount, price


class AlphaVantageRig(PolledRig):
    """With a premium key: a free one is good for 25 requests a day."""

    adapter = simulator = "alphavantage"
    arguments = ("--premium-per-minute", "1000000")
    announced_key = "premium_key"
    symbols = (Listed("IBM", "IBM", "stock"), Listed("EURUSD", "EUR/USD", "fx"))
    unknown_symbol = "NOSUCH"
    never = frozenset({"bid_size", "ask_size"})
    # Exchange rates are those of the second, so that there is one a second.
    sample = 2
    # With HTTP 200, and with the key in the text.
    limit_fault = ("day_spent", {"echo": True})

    def never_of(self, listed: Listed) -> frozenset[str]:
        return self.never | ({"bid_price", "ask_price"} if listed.type == "stock" else {"volume"})

    def settings(self, symbols: Sequence[str], port: int | None = None) -> dict[str, Any]:
        # Nothing but the slash tells a pair from a ticker.
        names = {each.symbol: each.venue_symbol for each in self.symbols}
        return super().settings([names.get(symbol, symbol) for symbol in symbols], port)

    def read(self, text: str, listed: Listed) -> list[Told]:
        body: Mapping[str, Mapping[str, str]] = json.loads(text)
        if listed.type == "stock":
            quote = body["Global Quote"]
            return [Told(last_price=price(quote["05. price"]), volume=amount(quote["06. volume"]))]
        rate = body["Realtime Currency Exchange Rate"]
        return [
            Told(
                bid_price=price(rate["8. Bid Price"]),
                ask_price=price(rate["9. Ask Price"]),
                last_price=price(rate["5. Exchange Rate"]),
                venue_time_ns=_nanoseconds(rate["6. Last Refreshed"]),
            )
        ]

    async def stand_still(self, *, on: bool) -> None:
        await self.switch(("quiet_market", {}), on=on)


def _nanoseconds(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()) * 1_000_000_000
