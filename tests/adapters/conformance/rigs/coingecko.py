"""CoinGecko: one price of a coin, and the second that it is from."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from tests.adapters.conformance.rig import Listed, Told
from tests.adapters.conformance.rigs.keyed import PolledRig
from tests.adapters.conformance.rigs.simulated import price


class CoinGeckoRig(PolledRig):
    """The root for demo keys, with a cache that hardly keeps anything."""

    adapter = simulator = "coingecko"
    arguments = ("--cache-s", "0.02", "--demo-per-minute", "1000000")
    symbols = (Listed("BTCUSD", "bitcoin", "crypto"), Listed("ETHUSD", "ethereum", "crypto"))
    unknown_symbol = "NOSUCHUSD"
    never = frozenset({"bid_price", "bid_size", "ask_price", "ask_size", "volume"})
    more_settings: ClassVar[Mapping[str, Any]] = {
        **PolledRig.more_settings,
        "plan": "demo",
        "requests_per_day": 1_000_000,
    }

    def read(self, text: str, listed: Listed) -> list[Told]:
        coin = json.loads(text, parse_float=Decimal, parse_int=Decimal)[listed.venue_symbol]
        return [Told(last_price=price(coin["usd"]), venue_time_ns=int(coin["last_updated_at"]) * 1_000_000_000)]

    async def stand_still(self, *, on: bool) -> None:
        await self.switch(("cache_frozen", {}), on=on)
