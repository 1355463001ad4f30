"""Alpaca: quotes, trades and daily bars of stocks, quotes and trades of coins, in two encodings."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final

from tests.adapters.conformance.rig import HOST, Amount, Listed, Told
from tests.adapters.conformance.rigs.keyed import KeyedRig
from tests.adapters.conformance.rigs.simulated import amount, nanoseconds, price

SECRET: Final = "CONFORMANCE_SECRET"
REFUSED_SECRET: Final = "CONFORMANCE_REFUSED_SECRET"


class EitherAlpacaRig(KeyedRig):
    """The venue allows one connection, and pongs alone tell a quiet market from a dead one."""

    simulator = "alpaca"
    # Spread over all that the venue lists, of which two are looked at. Bars tell the volume of stocks.
    arguments = ("--rate", "2000", "--daily-bar-interval-s", "0.5")
    lot: ClassVar[int] = 1
    """Units in one unit of a quote's size."""
    wrong_key: ClassVar[Mapping[str, Any]] = {
        **KeyedRig.wrong_key,
        "secret_variable": REFUSED_SECRET,
        "retry_cap_s": 0.05,
    }
    hurried: ClassVar[Mapping[str, Any]] = {**KeyedRig.hurried, "answer_timeout_s": 0.5}
    more_settings: ClassVar[Mapping[str, Any]] = {
        "secret_variable": SECRET,
        "encoding": "msgpack",
        "ping_interval_s": 0.2,
        # Few connections a minute are allowed, so that they must not be spent while the venue starts.
        "retry_cap_s": 0.5,
        "contended_retry_s": 0.2,
    }
    limit_fault = ("refuse_connections", {"status": 429})

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            **super().environment,
            SECRET: self.venue.announced["secret"],
            REFUSED_SECRET: f"{self.refused_key}-either",
        }

    def urls(self, port: int) -> dict[str, str]:
        return {**super().urls(port), "trading_url": f"http://{HOST}:{port}"}

    def read(self, text: str, listed: Listed) -> list[Told]:
        messages = json.loads(text, parse_float=Decimal, parse_int=Decimal)
        return [
            told
            for message in (messages if isinstance(messages, list) else [messages])
            if (told := self._told(message)) is not None
        ]

    def _told(self, message: Mapping[str, Any]) -> Told | None:
        match message["T"]:
            case "q":
                return Told(
                    bid_price=price(message["bp"]),
                    bid_size=self._size(message["bs"]),
                    ask_price=price(message["ap"]),
                    ask_size=self._size(message["as"]),
                    venue_time_ns=nanoseconds(message["t"]),
                )
            case "t":
                return Told(last_price=price(message["p"]), venue_time_ns=nanoseconds(message["t"]))
            case "d":
                # Its time is the beginning of the day, and not when anything was so.
                return Told(volume=amount(message["v"]))
        return None

    def _size(self, units: Decimal) -> Amount:
        return units * self.lot or None

    async def stand_still(self, *, on: bool) -> None:
        await self.switch(("quiet_market", {}), on=on)

    async def mute(self, *, on: bool) -> None:
        # What is connected answers no ping any more; who connects is greeted, gets pongs, and is never let in.
        await self.switch(("frozen_socket", {}), on=on)
        await self.switch(("auth_timeout", {}), on=on)


class AlpacaRig(EitherAlpacaRig):
    """Stocks of IEX, in msgpack."""

    adapter = "alpaca"
    symbols = (Listed("AAPL", "AAPL", "stock"), Listed("MSFT", "MSFT", "stock"))
    unknown_symbol = "NOSUCH"
    lot = 100


class AlpacaJsonRig(AlpacaRig):
    """Stocks of IEX, in JSON."""

    variant = "json"
    more_settings: ClassVar[Mapping[str, Any]] = {**AlpacaRig.more_settings, "encoding": "json"}


class AlpacaCryptoRig(EitherAlpacaRig):
    """Coins, in msgpack."""

    adapter = "alpaca-crypto"
    symbols = (Listed("BTCUSD", "BTC/USD", "crypto"), Listed("ETHUSD", "ETH/USD", "crypto"))
    unknown_symbol = "NOSUCHUSD"
    never = frozenset({"volume"})
