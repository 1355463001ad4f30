"""The service seen with other people's tools, as the README shows it."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.processes import ServerProcess, VenueProcess
from tests.e2e.tools import SERVICE, live, quotes, read_until
from tests.e2e.watcher import Watcher

BUF = Path(sys.executable).parent / "buf"
CURL = (BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge")


async def stream(target: str, request: dict[str, object], enough: Callable[[str], bool]) -> list[Any]:
    """The whole responses of a Subscribe by `buf curl`, which is ended once its output is enough."""
    return await read_until(enough, *CURL, "-d", json.dumps(request), f"http://{target}/{SERVICE}/Subscribe")


async def test_buf_curl_lists_the_service_and_streams_quotes_in_snake_case(
    server: ServerProcess, venues: dict[str, VenueProcess]
) -> None:
    await live(server, venues)
    listing = await asyncio.create_subprocess_exec(
        *CURL, f"http://{server.target}", "--list-methods", stdout=asyncio.subprocess.PIPE
    )
    listed, _ = await asyncio.wait_for(listing.communicate(), 30)
    assert f"{SERVICE}/Subscribe" in listed.decode().splitlines()

    request: dict[str, object] = {"selection": {"symbols": ["btc-usdt", "BTCUSD"]}}
    responses = await stream(server.target, request, lambda text: text.count('"revision"') >= 10)
    streamed = quotes(responses)
    assert {(quote["source"], quote["symbol"]) for quote in streamed} == {("binance", "BTCUSDT"), ("kraken", "BTCUSD")}
    assert all({"bid_price", "ask_price", "received_at"} <= quote.keys() for quote in streamed)
    assert not any(name != name.lower() for quote in streamed for name in quote)
    assert responses[0]["caught_up"] is True


async def test_buf_curl_goes_on_with_a_token_pasted_from_an_earlier_call(
    server: ServerProcess, venues: dict[str, VenueProcess]
) -> None:
    await live(server, venues)
    selection = {"symbols": ["BTCUSDT", "BTCUSD"]}
    first = await stream(server.target, {"selection": selection}, lambda text: text.count('"revision"') >= 10)
    token = first[-1]["resume_token"]
    watcher = Watcher(server.target)
    await watcher.until(lambda: all(watcher.updates.get(name, 0) > 100 for name in venues), 30.0)
    await watcher.close()
    resume = {"selection": selection, "resume_token": token}
    second = await stream(server.target, resume, lambda text: text.count('"caught_up"') == 1 and text.endswith("\n}\n"))
    assert second[0]["continuity"] == "CONTINUITY_RESUMED"
    missed = quotes(second)
    assert len(missed) > 10
    for symbol in selection["symbols"]:
        # Across the two calls no revision is missing and none comes twice.
        revisions = [int(quote["revision"]) for quote in quotes(first) + missed if quote["symbol"] == symbol]
        assert revisions == list(range(revisions[0], revisions[0] + len(revisions)))
    assert len({quote["epoch"] for quote in quotes(first) + missed if quote["source"] == "binance"}) == 1
    bad = await asyncio.create_subprocess_exec(
        *CURL,
        *("-d", json.dumps({"resume_token": token[:-1]}), f"http://{server.target}/{SERVICE}/Subscribe"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(bad.communicate(), 30)
    assert json.loads(errors)["code"] == "invalid_argument"
