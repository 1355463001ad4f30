"""Kraken: one channel that carries everything, its time included."""

import json
from decimal import Decimal

from tests.adapters.conformance.rig import NO_KEYS, Listed, Told
from tests.adapters.conformance.rigs.simulated import SimulatedRig, amount, nanoseconds, price


class KrakenRig(SimulatedRig):
    """The socket brings everything, so that the handshake is what a rate limit refuses."""

    adapter = simulator = "kraken"
    symbols = (Listed("ETHUSD", "ETH/USD", "crypto"), Listed("SOLUSD", "SOL/USD", "crypto"))
    unknown_symbol = "NOSUCHUSD"
    not_applicable = NO_KEYS
    limit_fault = ("refuse_connections", {"status": 429})

    def read(self, text: str, listed: Listed) -> list[Told]:
        frame = json.loads(text, parse_float=Decimal, parse_int=Decimal)
        assert frame["channel"] == "ticker", f"a channel that nobody asked for: {text}"
        return [
            Told(
                bid_price=price(entry["bid"]),
                bid_size=amount(entry["bid_qty"]),
                ask_price=price(entry["ask"]),
                ask_size=amount(entry["ask_qty"]),
                last_price=price(entry["last"]),
                volume=amount(entry["volume"]),
                venue_time_ns=nanoseconds(entry["timestamp"]),
            )
            for entry in frame["data"]
            if entry["symbol"] == listed.venue_symbol
        ]

    async def stand_still(self, *, on: bool) -> None:
        # Orders still meet in this state, so that nothing counts as halted.
        limited = {"symbol": self.venue_symbols, "status": "limit_only"}
        await self.switch(("halt", limited), on=on)
