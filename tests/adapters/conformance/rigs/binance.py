"""Binance: three streams an instrument, of which the book's carries no time."""

import json
from typing import Any

from tests.adapters.conformance.rig import NO_KEYS, Listed, Told
from tests.adapters.conformance.rigs.simulated import SimulatedRig, amount, price


class BinanceRig(SimulatedRig):
    """`btcusdt@bookTicker` is the canary of every connection, so that the instruments are others."""

    adapter = simulator = "binance"
    symbols = (Listed("ETHUSDT", "ETHUSDT", "crypto"), Listed("SOLUSDT", "SOLUSDT", "crypto"))
    unknown_symbol = "NOSUCHUSDT"
    not_applicable = NO_KEYS

    def read(self, text: str, listed: Listed) -> list[Told]:
        frame = json.loads(text)
        data: dict[str, Any] = frame["data"]
        match frame["stream"].partition("@")[2]:
            case "bookTicker":
                return [
                    Told(
                        bid_price=price(data["b"]),
                        bid_size=amount(data["B"]),
                        ask_price=price(data["a"]),
                        ask_size=amount(data["A"]),
                    )
                ]
            case "trade":
                return [Told(last_price=price(data["p"]), venue_time_ns=data["T"] * 1_000)]
            case "miniTicker":
                return [Told(last_price=price(data["c"]), volume=amount(data["v"]), venue_time_ns=data["E"] * 1_000)]
        raise AssertionError(f"a stream that nobody asked for: {text}")

    async def stand_still(self, *, on: bool) -> None:
        # The listing still calls them TRADING.
        halted = {"symbol": self.venue_symbols, "status": "TRADING"}
        await self.switch(("halt", halted), on=on)
