"""The service driven by grpcurl, as the README shows it: without a .proto file, by reflection alone."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from tests.clients_go.toolchain import ROOT, require_go
from tests.e2e.processes import ServerProcess, VenueProcess
from tests.e2e.tools import LIMIT_S, SERVICE, live, objects, quotes, read_until

GRPCURL = ROOT / ".venv" / "go" / "grpcurl"
SELECTION = {"symbols": ["BTCUSDT", "BTCUSD"]}


@pytest.fixture(autouse=True)
async def _live(server: ServerProcess, venues: dict[str, VenueProcess]) -> None:
    require_go()
    if not GRPCURL.exists():
        pytest.skip("grpcurl is missing: `make check` builds it")
    await live(server, venues)


def grpcurl(*arguments: str, exit_code: int = 0) -> str:
    command = [str(GRPCURL), "-plaintext", "-max-time", str(LIMIT_S), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=2 * LIMIT_S, check=False)
    assert done.returncode == exit_code, done.stderr
    return done.stdout + done.stderr


async def stream(target: str, request: dict[str, object], enough: Callable[[str], bool]) -> list[Any]:
    method = f"{SERVICE}/Subscribe"
    return await read_until(enough, GRPCURL, "-plaintext", "-d", json.dumps(request), target, method)


def test_it_lists_and_describes(server: ServerProcess) -> None:
    assert SERVICE in grpcurl(server.target, "list").splitlines()
    assert f"{SERVICE}.Subscribe" in grpcurl(server.target, "list", SERVICE).splitlines()
    described = grpcurl(server.target, "describe", "tickmux.v1.Quote")
    assert 'optional double last_price = 4 [json_name = "last_price"];' in described


def test_it_asks_for_a_snapshot(server: ServerProcess) -> None:
    request = json.dumps({"selection": SELECTION})
    (answer,) = objects(grpcurl("-d", request, server.target, f"{SERVICE}/GetSnapshot"))
    found = quotes([answer])
    assert [(quote["source"], quote["symbol"]) for quote in found] == [("binance", "BTCUSDT"), ("kraken", "BTCUSD")]
    assert all({"bid_price", "ask_price", "received_at"} <= quote.keys() for quote in found)
    assert answer["resume_token"]


async def test_it_streams_and_goes_on_with_a_token_pasted_from_an_earlier_call(server: ServerProcess) -> None:
    first = await stream(server.target, {"selection": SELECTION}, lambda text: text.count('"revision"') >= 10)
    assert first[0]["continuity"] == "CONTINUITY_SNAPSHOT"
    token = first[-1]["resume_token"]
    resume = {"selection": SELECTION, "resume_token": token}
    second = await stream(server.target, resume, lambda text: text.count('"revision"') >= 20)
    assert second[0]["continuity"] == "CONTINUITY_RESUMED"
    for symbol in SELECTION["symbols"]:
        # Across the two calls no revision is missing and none comes twice.
        revisions = [int(quote["revision"]) for quote in quotes(first) + quotes(second) if quote["symbol"] == symbol]
        assert revisions == list(range(revisions[0], revisions[0] + len(revisions)))


def test_it_shows_what_is_wrong_with_a_request(server: ServerProcess) -> None:
    request = json.dumps({"selection": {"sources": ["binanec"]}})
    # grpcurl ends with 64 + the code.
    told = grpcurl("-d", request, server.target, f"{SERVICE}/GetSnapshot", exit_code=64 + 3)
    assert "did you mean" in told
    assert "google.rpc.BadRequest" in told
