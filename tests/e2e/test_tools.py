"""The service seen with other people's tools, as the README shows it."""

import asyncio
import json
import sys
from pathlib import Path

from tests.e2e.processes import ServerProcess, VenueProcess
from tests.e2e.watcher import Watcher

BUF = Path(sys.executable).parent / "buf"
SERVICE = "tickmux.v1.MarketDataService"


async def live(server: ServerProcess, venues: dict[str, VenueProcess]) -> None:
    watcher = Watcher(server.target)
    try:
        await watcher.until(lambda: all(watcher.updates.get(name, 0) > 0 for name in venues), 30.0)
    finally:
        await watcher.close()


def objects(text: str) -> list[dict[str, object]]:
    """The JSON objects that follow each other in a text."""
    decoder = json.JSONDecoder()
    found = []
    rest = text.lstrip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].lstrip()
    return found


async def test_buf_curl_lists_the_service_and_streams_quotes_in_snake_case(
    server: ServerProcess, venues: dict[str, VenueProcess]
) -> None:
    await live(server, venues)
    curl = (BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge")
    listing = await asyncio.create_subprocess_exec(
        *curl, f"http://{server.target}", "--list-methods", stdout=asyncio.subprocess.PIPE
    )
    listed, _ = await asyncio.wait_for(listing.communicate(), 30)
    assert f"{SERVICE}/Subscribe" in listed.decode().splitlines()

    request = '{"selection": {"symbols": ["btc-usdt", "BTCUSD"]}}'
    streaming = await asyncio.create_subprocess_exec(
        *curl, "-d", request, f"http://{server.target}/{SERVICE}/Subscribe", stdout=asyncio.subprocess.PIPE
    )
    assert streaming.stdout is not None
    text = ""
    async with asyncio.timeout(30):
        while text.count('"revision"') < 10:
            text += (await streaming.stdout.readline()).decode()
    streaming.terminate()
    rest, _ = await asyncio.wait_for(streaming.communicate(), 30)
    responses = objects((text + rest.decode()).rpartition("\n}")[0] + "\n}")
    quotes = [quote for response in responses for quote in response.get("quotes", [])]  # type: ignore[attr-defined] # JSON
    assert {(quote["source"], quote["symbol"]) for quote in quotes} == {("binance", "BTCUSDT"), ("kraken", "BTCUSD")}
    assert all({"bid_price", "ask_price", "received_at"} <= quote.keys() for quote in quotes)
    assert not any(name != name.lower() for quote in quotes for name in quote)
    assert responses[0]["caught_up"] is True
