"""The command line of the simulators."""

import argparse
import asyncio
import dataclasses
import json
import logging
import os
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tickmux_simulators.alpaca.venue import AlpacaVenue
from tickmux_simulators.alphavantage.venue import AlphaVantageVenue
from tickmux_simulators.binance.venue import BinanceVenue
from tickmux_simulators.coingecko.venue import CoinGeckoVenue
from tickmux_simulators.faults import Fault, FaultError
from tickmux_simulators.kraken.venue import KrakenVenue
from tickmux_simulators.listings import BINANCE_LISTINGS, KRAKEN_LISTINGS
from tickmux_simulators.market import Market
from tickmux_simulators.recording import BinanceRecording, KrakenRecording
from tickmux_simulators.server import Server
from tickmux_simulators.venue import Limits, Source, Venue

KRAKEN_LIMITS: Final = Limits(connects_max=150, connects_window_s=600.0)
PRO_LIMITS: Final = Limits(cache_s=20.0)
VENUES: Final = ("binance", "kraken", "alpaca", "coingecko", "alphavantage")
POLLED: Final = frozenset({"coingecko", "alphavantage"})

DESCRIPTION: Final = """\
A simulated venue on loopback: the venue's own WebSocket and REST protocol, driven by a seeded market or by a
recording, with a switch for everything that can go wrong. Once it listens it prints one line of JSON with its URLs;
after that, stdout stays silent and logs go to stderr. Two simulators with the same --seed see correlated prices.
CoinGecko and Alpha Vantage are polled: they have no WebSocket (websocket_url is empty), their prices follow from seed
and time alone, and the line also has a key that they take.
The line of alpaca also gives a simulated key of the basic plan; PKSIMULATEDPLUS00002 with simulated-plus-secret is one
of the plus plan. Its WebSocket paths are /v2/iex, /v2/sip, /v2/delayed_sip, /v2/test and /v1beta3/crypto/us.
"""

EXAMPLES: Final = """\
examples:
  python -m tickmux_simulators binance --port 40001
  python -m tickmux_simulators kraken --port 40002 --seed 7 --rate 1000
  python -m tickmux_simulators alpaca --port 40003 --daily-bar-interval-s 5
  python -m tickmux_simulators binance --fault data_mute:symbol=BTCUSDT --fault rest_429:retry_after_s=30

  python -m tickmux_simulators coingecko --port 40004 --cache-s 1
  curl 'localhost:40004/api/v3/simple/price?ids=bitcoin&vs_currencies=usd'
  python -m tickmux_simulators alphavantage --port 40005 --fault burst_limit:count=3
  curl 'localhost:40005/query?function=GLOBAL_QUOTE&symbol=IBM&apikey=demo'

  # while it runs
  curl localhost:40001/_control                                      the switches, their state, the counters
  curl localhost:40001/_control -d '{"fault": "data_mute"}'          no data from now on
  curl localhost:40001/_control -d '{"fault": "data_mute", "on": false}'
  curl localhost:40001/_control -d '{"fault": "duplicate", "once": true, "symbol": "BTCUSDT"}'
  curl 'localhost:40001/_control/sent?symbol=BTCUSDT&limit=5'        the newest frames sent, exact text
  curl 'localhost:40004/_control/sent?symbol=bitcoin'                the same of a polled venue: the newest bodies
  curl localhost:40003/_control -d '{"fault": "halt", "symbol": "AAPL"}'
  curl 'localhost:40003/_control/sent?symbol=AAPL'                   alpaca: the messages, as its frames mix symbols

keys of polled venues:
  coingecko:    the announced one on the root for demo keys, another on that for paid ones (--pro); either is refused
                on the other root, with 10010 and 10011; none is needed on the root for demo keys.
  alphavantage: any of 16 capital letters and digits: PREM… is a premium key, DELA… one that is entitled to delayed
                data alone, all others are free; `demo` is good for IBM only.

recordings (--recording):
  binance: lines `<unix seconds>: <combined frame>`, the first line being the URL; frames are sent verbatim to who
           subscribes to their stream. REST knows the recorded symbols, but has no depth for them.
  kraken:  lines `<unix seconds><TAB><book frame>` of protocol v2; books are rebuilt and sent at any depth, with
           tickers that follow from them.
"""


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    result = argparse.ArgumentParser(
        prog="python -m tickmux_simulators",
        description=DESCRIPTION,
        epilog=f"{EXAMPLES}\n{_fault_list()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("venue", choices=VENUES)
    result.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    result.add_argument("--port", type=int, default=0, help="0 takes a free one, which the first line names")
    result.add_argument("--seed", type=int, default=1, help="of the market (default: %(default)s)")
    result.add_argument(
        "--rate",
        type=float,
        default=200.0,
        help="changes of books and trades a second over all symbols, averaged over calm and busy times "
        "(default: %(default)g; 0: the market stands still)",
    )
    result.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[:KEY=VALUE,…]",
        help="switch a fault on from the start; may be given several times",
    )
    result.add_argument("--recording", metavar="FILE", help="play this instead of the seeded market")
    result.add_argument("--once", action="store_true", help="play the recording once instead of in a loop")
    result.add_argument("--speed", type=float, default=1.0, help="of the recording (default: %(default)g)")
    result.add_argument("--pro", action="store_true", help="coingecko: play the root for paid keys")
    result.add_argument(
        "--until-stdin-closes", action="store_true", help="exit once stdin is at its end, so as not to outlive a parent"
    )
    limits = result.add_argument_group("limits and intervals of the venue, for tests that cannot wait")
    for field in dataclasses.fields(Limits):
        limits.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=type(field.default),
            metavar="N",
            help=_limit_help(field.name),
        )
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a simulator until it is told to stop; the exit code."""
    options = parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        venue = make_venue(options)
        for text in options.fault:
            switch_from_text(venue, text)
        asyncio.run(run(options, venue))
    except (FaultError, ValueError, OSError) as error:
        sys.stderr.write(f"tickmux_simulators: {error}\n")
        return 2
    return 0


def make_venue(options: argparse.Namespace) -> Venue:
    """The venue that the options describe. Raises OSError or ValueError for a recording that cannot be read."""
    given = {field.name: getattr(options, field.name) for field in dataclasses.fields(Limits)}
    usual = KRAKEN_LIMITS if options.venue == "kraken" else PRO_LIMITS if options.pro else Limits()
    limits = dataclasses.replace(usual, **{name: value for name, value in given.items() if value is not None})
    if options.pro and options.venue != "coingecko":
        raise ValueError("--pro is for coingecko only")
    if options.venue in POLLED:
        return _polled(options, limits)
    if options.venue == "alpaca":
        if options.recording is not None:
            raise ValueError("alpaca plays no recordings")
        return AlpacaVenue(limits, seed=options.seed, rate=options.rate, start_ns=time.time_ns())
    source = _source(options)
    if options.venue == "kraken":
        return KrakenVenue(source, limits, seed=options.seed)
    return BinanceVenue(source, limits)


def _polled(options: argparse.Namespace, limits: Limits) -> Venue:
    if options.recording is not None:
        raise ValueError(f"{options.venue} plays no recordings")
    if options.venue == "coingecko":
        return CoinGeckoVenue(limits, seed=options.seed, is_pro=options.pro)
    return AlphaVantageVenue(limits, seed=options.seed)


def _source(options: argparse.Namespace) -> Source:
    start_ns = time.time_ns()
    if options.recording is None:
        listings = KRAKEN_LISTINGS if options.venue == "kraken" else BINANCE_LISTINGS
        return Market(options.venue, listings, seed=options.seed, rate=options.rate, start_ns=start_ns)
    if options.speed <= 0:
        raise ValueError("--speed must be above 0")
    play = KrakenRecording if options.venue == "kraken" else BinanceRecording
    return play(Path(options.recording), start_ns=start_ns, speed=options.speed, is_once=options.once)


def switch_from_text(venue: Venue, text: str) -> None:
    """Switch a fault on as `NAME` or `NAME:KEY=VALUE,…` says. Raises FaultError."""
    name, _, rest = text.partition(":")
    parameters: dict[str, Any] = {}
    for item in filter(None, rest.split(",")):
        key, equals, value = item.partition("=")
        if not equals:
            raise FaultError(f"fault {name}: {item!r} must be KEY=VALUE")
        parameters[key] = value
    venue.board.switch(name, parameters)


async def run(options: argparse.Namespace, venue: Venue) -> None:
    """Serve until SIGTERM, SIGINT, or the end of stdin if that was asked for."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.until_stdin_closes:
        threading.Thread(target=_await_end_of_stdin, args=(loop, stop), daemon=True).start()

    def announce(port: int) -> None:
        address = f"{options.host}:{port}"
        line = {
            "venue": venue.name,
            "pid": os.getpid(),
            "port": port,
            "websocket_url": f"ws://{address}{venue.websocket_path}" if venue.has_websocket else "",
            "rest_url": f"http://{address}{venue.rest_path}",
            "control_url": f"http://{address}/_control",
            **venue.announced_extras,
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    await Server(venue, rate=options.rate).serve(options.host, options.port, stop, on_listening=announce)


def _await_end_of_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # The file descriptor itself: a buffered reader held by a daemon thread would break the interpreter's exit.
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop.set)


def _limit_help(name: str) -> str:
    kraken, other = getattr(KRAKEN_LIMITS, name), getattr(Limits(), name)
    default = f"{other:g}" if isinstance(other, float) else f"{other}"
    return f"(default: {default})" if kraken == other else f"(default: {default}; kraken {kraken:g})"


def _fault_list() -> str:
    lines = ["faults (by --fault, or at run time through /_control; every one also takes count=N):"]
    for fault in Fault:
        venues = "" if len(fault.venues) == len(VENUES) else f" ({', '.join(sorted(fault.venues))} only)"
        lines.append(f"  {fault.value}{venues}")
        lines.extend(textwrap.wrap(fault.explanation, 110, initial_indent="      ", subsequent_indent="      "))
        if fault.parameters:
            lines.append("      " + ", ".join(f"{key}={value!r}" for key, value in fault.parameters.items()))
    return "\n".join(lines)
