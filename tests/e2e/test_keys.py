"""Keys that are missing, and one key for two servers, in processes of their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.e2e.processes import ServerProcess, VenueProcess, free_port
from tests.e2e.watcher import Watcher

LIVE_S = 30.0
KEYED = """
[sources.alpaca]
adapter = "alpaca"

[sources.alpaca-crypto]
adapter = "alpaca-crypto"

[sources.alphavantage]
adapter = "alphavantage"

[sources.coingecko]
adapter = "coingecko"
plan = "pro"
"""
NO_KEYS = dict.fromkeys(("APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "ALPHAVANTAGE_API_KEY", "COINGECKO_API_KEY"), "")


@pytest.fixture
async def kraken() -> AsyncIterator[VenueProcess]:
    venue = VenueProcess("kraken", free_port())
    await venue.start()
    yield venue
    await venue.stop()


async def test_sources_without_their_keys_say_what_to_set_and_the_others_run(
    kraken: VenueProcess, tmp_path: Path
) -> None:
    server = ServerProcess(tmp_path, {"kraken": kraken}, more_sections=KEYED, variables=NO_KEYS)
    await server.start()
    watcher = Watcher(server.target)
    keyed = {
        "alpaca": "APCA_API_KEY_ID",
        "alpaca-crypto": "APCA_API_KEY_ID",
        "alphavantage": "ALPHAVANTAGE_API_KEY",
        "coingecko": "COINGECKO_API_KEY",
    }
    try:
        await watcher.until(lambda: all(watcher.state(name) == "REJECTED" for name in keyed), LIVE_S)
        errors = {status.source: status.last_error for status in watcher.statuses}
        for name, variable in keyed.items():
            assert f"set {variable}, or {variable}_FILE to a file that holds it" in errors[name]
        await watcher.until(lambda: watcher.state("kraken") == "LIVE" and watcher.updates.get("kraken", 0) > 20, LIVE_S)
        assert watcher.holes == []
        assert not any("Traceback" in line for line in server.log)
    finally:
        await watcher.close()
        await server.stop()


async def test_the_second_server_with_one_alpaca_key_says_so_and_takes_over_when_the_first_ends(tmp_path: Path) -> None:
    venue = VenueProcess("alpaca", free_port())
    ready = await venue.start()
    section = f"""
[sources.alpaca]
adapter = "alpaca"
symbols = ["AAPL", "IBM"]
websocket_url = "{venue.websocket_url}"
rest_url = "{venue.rest_url}"
trading_url = "{venue.rest_url}"
retry_cap_s = 0.2
contended_retry_s = 0.2
"""
    variables = {"APCA_API_KEY_ID": ready["key"], "APCA_API_SECRET_KEY": ready["secret"]}
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    first, second = (ServerProcess(folder, {}, more_sections=section, variables=variables) for folder in folders)
    try:
        await first.start()
        watching_first = Watcher(first.target)
        await watching_first.until(lambda: watching_first.updates.get("alpaca", 0) > 20, LIVE_S)
        await second.start()
        watching_second = Watcher(second.target)
        await watching_second.until(lambda: watching_second.state("alpaca") == "DOWN", LIVE_S)
        assert "another connection uses this key" in watching_second.statuses[-1].last_error
        before = watching_first.updates["alpaca"]
        await watching_first.until(lambda: watching_first.updates["alpaca"] > before + 20, LIVE_S)
        assert watching_first.state("alpaca") == "LIVE"
        await watching_first.close()
        await first.stop()
        await watching_second.until(lambda: watching_second.state("alpaca") == "LIVE", LIVE_S)
        await watching_second.until(lambda: watching_second.updates.get("alpaca", 0) > 20, LIVE_S)
        assert watching_second.holes == []
        await watching_second.close()
        assert not any(ready["key"] in line or ready["secret"] in line for line in [*first.log, *second.log])
    finally:
        await first.stop()
        await second.stop()
        await venue.stop()
