"""CoinGecko's own SDK against a simulator: prints what it received, one JSON object a line.

Arguments: base URL, a demo key or a paid one, and which of the two it is (demo or pro).
"""

import json
import sys

import coingecko_sdk


def emit(kind: str, values: object) -> None:
    """Print one result."""
    sys.stdout.write(json.dumps({"kind": kind, "values": values}) + "\n")


def ask(base_url: str, key: str, plan: str) -> None:
    """Ask in the SDK's types, and provoke two of its errors."""
    keys = {"pro_api_key": key} if plan == "pro" else {"demo_api_key": key}
    client = coingecko_sdk.Coingecko(base_url=base_url, max_retries=0, **keys)
    emit("ping", client.ping.get().to_dict(mode="json"))
    price = client.simple.price.get(
        ids="bitcoin,ethereum",
        vs_currencies="usd",
        include_24hr_vol=True,
        include_24hr_change=True,
        include_last_updated_at=True,
    )
    emit("price", {name: one.to_dict(mode="json") for name, one in price.items()})
    emit("list", [coin.to_dict(mode="json") for coin in client.coins.list.get()])
    emit(
        "markets",
        [coin.to_dict(mode="json") for coin in client.coins.markets.get(vs_currency="usd", ids="bitcoin,solana")],
    )
    emit("coin", client.coins.get_id("bitcoin").to_dict(mode="json"))
    emit("exchange tickers", client.exchanges.tickers.get("kraken").to_dict(mode="json"))
    if plan == "pro":
        emit("key", client.key.get().to_dict(mode="json"))
    stranger = coingecko_sdk.Coingecko(base_url=base_url, max_retries=0, demo_api_key="CG-nobodys")
    for asked, coin in ((client, "no-such-coin"), (stranger, "bitcoin")):
        try:
            asked.coins.get_id(coin)
        except coingecko_sdk.APIStatusError as error:
            emit("error", [type(error).__name__, error.body])


if __name__ == "__main__":
    ask(sys.argv[1], sys.argv[2], sys.argv[3])
