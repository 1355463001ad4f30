"""binance-connector against a simulator: prints the messages that it received, one a line.

Arguments: REST URL, WebSocket URL, least number of messages; a miniTicker is waited for.
"""

import json
import sys
import threading
from typing import Any

from binance.spot import Spot
from binance.websocket.spot.websocket_stream import SpotWebsocketStreamClient


def emit(kind: str, text: str) -> None:
    """Print one result."""
    sys.stdout.write(json.dumps({"kind": kind, "text": text}) + "\n")


def receive(rest_url: str, websocket_url: str, count: int) -> None:
    """Ask REST, then subscribe to combined streams in microseconds."""
    spot = Spot(base_url=rest_url)
    emit("time", json.dumps(spot.time()))
    emit("exchange info", json.dumps(spot.exchange_info(symbols=["BTCUSDT", "ETHUSDT"])))
    emit("depth", json.dumps(spot.depth("BTCUSDT", limit=5)))
    is_enough = threading.Event()
    received: list[str] = []

    def on_message(_socket: Any, message: str) -> None:
        emit("message", message)
        received.append(message)
        if len(received) >= count and any("24hrMiniTicker" in one for one in received):
            is_enough.set()

    client = SpotWebsocketStreamClient(
        stream_url=websocket_url, on_message=on_message, is_combined=True, time_unit="microsecond"
    )
    client.book_ticker(symbol="btcusdt", id=1)
    client.trade(symbol="btcusdt", id=2)
    client.mini_ticker(symbol="ethusdt", id=3)
    is_enough.wait(30)
    client.stop()


if __name__ == "__main__":
    receive(sys.argv[1], sys.argv[2], int(sys.argv[3]))
