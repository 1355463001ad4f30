"""Clients of other languages against the real hub and gRPC server: TLS, tokens, and streams that end by their age."""

import asyncio
from pathlib import Path

import pytest
from tests.client.real_server import running
from tests.followers.follower import REACHED_S, Follower, assert_every_revision_once_or_told, following
from tests.followers.languages import BUILD_S, LANGUAGES, follow
from tests.server.access.certificates import Authority
from tests.server.access.guarded import Keys, guarded
from tests.server.feed import NodeFeed

SYMBOLS = ("BTCUSDT", "ETHUSDT")

pytestmark = pytest.mark.timeout(BUILD_S + 60)


@pytest.fixture(params=LANGUAGES)
async def command(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    return await follow(request.param, tmp_path)


async def test_the_age_of_a_stream_is_no_trouble(command: list[str]) -> None:
    async with running(stream_age_s=0.5) as node, following(command, node.address) as follower:
        feed = NodeFeed(node)
        revision = 0
        async with asyncio.timeout(REACHED_S):
            while follower.count("Reconnected") < 3:
                revision += 1
                feed.bids("binance", dict.fromkeys(SYMBOLS, float(revision)))
                await asyncio.sleep(0.01)
        await follower.until(
            lambda: all(follower.reached.get(("binance", symbol), (0, 0))[1] == revision for symbol in SYMBOLS)
        )
    assert_every_revision_once_or_told(follower.events)
    assert follower.count("GoingAway") >= 3
    assert all(event["resumed"] for event in follower.all("Reconnected"))
    assert follower.count("Disconnected") == follower.count("Reset") == follower.count("Hole") == 0
    assert not any(event.get("gap") for event in follower.all("Quote"))


async def test_a_token_and_an_authority_open_a_server(command: list[str], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.sign("server")
    keys = Keys(tmp_path)
    token = keys.add("desk")
    authority_alone = {"FOLLOW_CA": str(authority.certificate)}
    async with guarded(keys, tls_certificate=str(pair.certificate), tls_key=str(pair.key)) as node:
        NodeFeed(node).bids("kraken", {"BTCUSD": 1.0})
        async with following(command, node.address, {**authority_alone, "FOLLOW_TOKEN": token}) as follower:
            await follower.until(lambda: ("kraken", "BTCUSD") in follower.reached)
        for variables in (authority_alone, {**authority_alone, "FOLLOW_TOKEN": token[:-1] + "?"}):
            refused = Follower(command)
            try:
                await refused.follow(node.address, variables)
                assert await refused.exit_code() == 1
                assert any("UNAUTHENTICATED" in line for line in refused.log)
                assert token not in "".join(refused.log)
            finally:
                await refused.stop()
