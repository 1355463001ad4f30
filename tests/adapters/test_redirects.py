"""A redirect is an error that names where it leads; nothing is sent there, and nothing is taken from there."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

import msgspec
import pytest
from tests.adapters.alpaca_server import KEY, SECRET, AlpacaServer
from tests.adapters.binance_server import BinanceServer
from tests.adapters.http_server import HttpServer, Reply
from tests.adapters.kraken_server import KrakenServer
from tests.adapters.recorder import Recorder, Running

from tickmux_adapters.failures import host_of, refusal
from tickmux_adapters.model import Adapter, SourceState, SystemClock
from tickmux_adapters.registry import registered


class Venue(Protocol):
    """A simulated venue that can refuse handshakes."""

    refuse_handshake: tuple[int, dict[str, str]] | None


@pytest.fixture
async def elsewhere() -> AsyncIterator[HttpServer]:
    async with HttpServer(lambda _: Reply()) as server:
        yield server


def make(name: str, sink: Recorder, **settings: Any) -> Adapter:
    kind = registered()[name]
    configured = msgspec.convert({"adapter": name, "retry_cap_s": 0.05, **settings}, kind.settings)
    return kind.create(name, configured, sink, SystemClock())


async def refused(venue: Venue, adapter: Adapter, sink: Recorder, host: str, elsewhere: HttpServer) -> None:
    async with Running(adapter):
        for status in (301, 302, 303, 307, 308):
            # By another name of the same machine, as a name that was bought would be.
            location = f"http://localhost:{elsewhere.port}/stream?token=x"
            venue.refuse_handshake = (status, {"Location": location})
            said = f"{host} answered HTTP {status}, a redirect to localhost:{elsewhere.port}, which is not followed"
            await sink.until(lambda said=said: said in sink.last_error)  # type: ignore[misc] # bound in the loop
        assert sink.state is SourceState.DOWN
        venue.refuse_handshake = None
        await sink.until_live()
    assert elsewhere.asked == []


async def test_alpacas_keys_go_nowhere_else(elsewhere: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", KEY)
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET)
    sink = Recorder()
    async with AlpacaServer() as venue:
        urls = {"websocket_url": venue.websocket_url, "rest_url": venue.rest.url, "trading_url": venue.rest.url}
        venue.refuse_handshake = (302, {"Location": elsewhere.url})
        adapter = make("alpaca", sink, symbols=["AAPL"], exchanges={"AAPL": "NASDAQ"}, **urls)
        await refused(venue, adapter, sink, host_of(venue.websocket_url), elsewhere)


async def test_binances_data_comes_from_nowhere_else(elsewhere: HttpServer) -> None:
    sink = Recorder()
    async with BinanceServer() as venue:
        venue.refuse_handshake = (302, {"Location": elsewhere.url})
        adapter = make("binance", sink, websocket_url=venue.websocket_url, rest_url=venue.rest_url, symbols=["BTCUSDT"])
        await refused(venue, adapter, sink, host_of(venue.websocket_url), elsewhere)


async def test_krakens_data_comes_from_nowhere_else(elsewhere: HttpServer) -> None:
    sink = Recorder()
    async with KrakenServer() as venue:
        venue.refuse_handshake = (302, {"Location": elsewhere.url})
        adapter = make("kraken", sink, websocket_url=venue.websocket_url, symbols=["BTCUSD"])
        await refused(venue, adapter, sink, host_of(venue.websocket_url), elsewhere)


async def test_a_redirect_to_nowhere_is_said_and_ends_no_source() -> None:
    sink = Recorder()
    async with KrakenServer() as venue:
        venue.refuse_handshake = (302, {"Location": "http://[::1"})
        async with Running(make("kraken", sink, websocket_url=venue.websocket_url, symbols=["BTCUSD"])):
            await sink.until(lambda: "a redirect to [::1, which is not followed" in sink.last_error)
            venue.refuse_handshake = (302, {})
            await sink.until(lambda: "a redirect to itself, which is not followed" in sink.last_error)
            venue.refuse_handshake = None
            await sink.until_live()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("wss://stream.example:9443/x?y=z", "stream.example:9443"),
        ("https://user:password@example/x", "example"),
        ("/only/a/path", ""),
        ("", ""),
        ("http://[::1", "[::1"),
        ("http://[::1?apikey=secret", "[::1"),
        ("//user:password@[::1#x", "[::1"),
        ("http://a]b/c", "a]b"),
        ("http://\u2100.example/x", "\u2100.example"),
        ("[", ""),
    ],
)
def test_the_host_of_whatever_a_venue_names(url: str, host: str) -> None:
    assert host_of(url) == host
    assert "secret" not in str(refusal(302, {"Location": url}, "venue"))
