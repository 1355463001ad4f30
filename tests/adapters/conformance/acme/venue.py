"""The Acme exchange, which does not exist: HTTP alone, keys, prices in decimal text. Runs as a process of its own.

    GET /v1/listing              {"listing":[{"code":"ACME-USD","base":"ACME","quote":"USD"}]}
    GET /v1/quotes?codes=A,B     {"quotes":[{"code":"ACME-USD","bid":"0.0123","ask":"0.0125","last":"0.0124",
                                             "volume":"12.5","time_us":1790446152679123}]}

Every request carries the header X-Acme-Key; another key is answered 401, and who asks too often 429 with Retry-After.
A bid of 0 means that there is none, and `time_us` is null where the exchange does not know it. The market moves with
every request for quotes. `/_control` throws the switches (see SWITCHES), `/_control/sent` shows what was told.

Prints its port once it listens; ends when its stdin does.
"""

import http.server
import json
import os
import random
import sys
import threading
import time
import urllib.parse
from collections import deque
from decimal import Decimal
from typing import Any

KEY = "acme-key-7f3a"
SWITCHES = {"mute": False, "limit": False, "still": False, "garbage": ""}
LISTING = [
    {"code": "ACME-USD", "base": "ACME", "quote": "USD"},
    {"code": "ANVIL-USD", "base": "ANVIL", "quote": "USD"},
]
SENT_KEPT = 2_000


class Exchange:
    """The market, the switches, and what was told."""

    def __init__(self) -> None:
        self.switches: dict[str, Any] = dict(SWITCHES)
        self.changed = threading.Condition()
        self.contacts = 0
        self.sent: deque[dict[str, Any]] = deque(maxlen=SENT_KEPT)
        self._entries: dict[str, dict[str, Any]] = {}
        self._random = random.Random(1)
        self._number = 0

    def answer(self, path: str, query: str, key: str) -> tuple[int, str, dict[str, str]]:
        """Status, body and headers of the answer to a request, which may have to wait for it."""
        with self.changed:
            self.contacts += 1
            self.changed.wait_for(lambda: not self.switches["mute"])
            if self.switches["limit"]:
                return 429, '{"error":"too many requests"}', {"Retry-After": "600"}
            if key != KEY:
                return 401, json.dumps({"error": f"the key {key} is not known"}), {}
            if path == "/v1/listing":
                return 200, json.dumps({"listing": LISTING}), {}
            if path == "/v1/quotes":
                codes = urllib.parse.parse_qs(query).get("codes", [""])[0].split(",")
                return 200, self._quotes(codes), {}
            return 404, '{"error":"no such path"}', {}

    def _quotes(self, codes: list[str]) -> str:
        entries = [self._entry(each["code"]) for each in LISTING if each["code"] in codes]
        body = json.dumps({"quotes": entries})
        match self.switches["garbage"]:
            case "page":
                return "<html><body>We are back in a minute</body></html>"
            case "half":
                return body[: len(body) // 2]
            case "objects":
                return json.dumps({"quotes": [{**entry, "last": {"unexpected": True}} for entry in entries]})
        self.sent.extend(entries)
        return body

    def _entry(self, code: str) -> dict[str, Any]:
        if self.switches["still"] and code in self._entries:
            return self._entries[code]
        self._number += 1
        last = Decimal(self._random.randrange(10_000_000_000, 10_009_999_999)).scaleb(-16)
        spread = Decimal(self._random.randrange(1, 99)).scaleb(-14)
        self._entries[code] = {
            "code": code,
            "bid": "0" if self._number % 3 == 0 else format(last - spread, "f"),
            "ask": format(last + spread, "f"),
            "last": format(last, "f"),
            # More digits than a double holds, now and then.
            "volume": f"{self._number}.{self._random.randrange(10**17):017d}" if self._number % 5 == 0 else "12.5",
            "time_us": None if self._number % 2 else time.time_ns() // 1_000,
        }
        return self._entries[code]

    def control(self, body: bytes) -> str:
        """Throw switches, if there is a body; the state after that."""
        with self.changed:
            for name, value in json.loads(body or b"{}").items():
                if name not in SWITCHES:
                    raise KeyError(name)
                self.switches[name] = value
            self.changed.notify_all()
            return json.dumps({"contacts": self.contacts, "switches": self.switches})


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # header and body in one segment
    exchange = Exchange()

    def do_GET(self) -> None:
        """Answer a request of a client, or of whoever watches."""
        path, _, query = self.path.partition("?")
        if path == "/_control/sent":
            self._send(200, json.dumps(list(self.exchange.sent)), {})
        elif path == "/_control":
            self._send(200, self.exchange.control(b""), {})
        else:
            self._send(*self.exchange.answer(path, query, self.headers.get("X-Acme-Key", "")))

    def do_POST(self) -> None:
        """Throw switches."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._send(200, self.exchange.control(body), {})

    def _send(self, status: int, body: str, headers: dict[str, str]) -> None:
        data = body.encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data)), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""


def main(port: int) -> None:
    """Serve until stdin ends."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        while os.read(0, 4096):
            pass
        server.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
