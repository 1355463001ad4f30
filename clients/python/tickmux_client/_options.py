"""What a caller may choose, in one place for both flavours of the client."""

from collections.abc import Iterable, Mapping
from os import PathLike
from types import NoneType
from typing import Final, TypedDict

import grpc
from google.protobuf.duration_pb2 import Duration

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux_client import _arguments
from tickmux_client._answers import Snapshot
from tickmux_client._arguments import Names
from tickmux_client._model import NS_PER_S, Delivery

Metadata = tuple[tuple[str, str | bytes], ...]
"""What is sent with a call; bytes under names that end in `-bin`."""

ChannelOption = tuple[str, int | str]
"""A gRPC channel option, such as `("grpc.primary_user_agent", "desk-7")`."""

BACKOFF_CAP_S: Final = 5.0
TIMEOUT_S: Final = 10.0
RECEIVE_BYTES_MAX: Final = 16 * 1024 * 1024
CHANNEL_BACKOFF_FIRST_MS: Final = 100
CHANNEL_BACKOFF_CAP_MS: Final = 1_000
CONNECT_TIMEOUT_MS: Final = 5_000
PAGE_SIZE_MAX: Final = 10_000

_SECONDS: Final = frozenset({"timeout_s", "backoff_cap_s"})
_FLAGS: Final = frozenset({"tls", "token_in_clear_text", "own_connection"})
_FILES: Final = frozenset({"tls_ca", "tls_certificate", "tls_key"})


class SelectionOptions(TypedDict, total=False):
    """Narrows a selection. Values of one option are alternatives, options narrow each other, case does not matter."""

    sources: Names
    """Names of the server's sources, such as `binance`."""
    exchanges: Names
    """Listing exchanges."""
    types: Names
    """Asset classes: `crypto`, `stock` or `fx`."""


class SubscribeOptions(SelectionOptions, total=False):
    """How to stream."""

    delivery: Delivery
    """What to do when updates arrive faster than they are read; Delivery.ALL if not given."""
    heartbeat_interval_s: float
    """Pace of the server's heartbeats, 5 s if not given, at least 1 s; after three missed ones the stream is dead."""
    min_interval_s: float | None
    """Shortest time between two responses with quotes; as fast as they come if not given."""
    after: Snapshot | None
    """Go on after a snapshot of the same selection: what it holds is not repeated, and nothing since is missed."""
    resume_token: str
    """Where to go on: a token of a subscription to the same selection and delivery, or of a snapshot of it."""


class ConnectOptions(TypedDict, total=False):
    """How to reach a server."""

    credentials: grpc.ChannelCredentials | None
    """TLS of your own making, as from `grpc.ssl_channel_credentials()`, in place of the `tls` options."""
    tls: bool
    """Encrypt, and take the certificates that grpc trusts; clear text if no option of TLS is given."""
    tls_ca: str | PathLike[str]
    """Encrypt, and trust the server if its certificate is of a CA in this PEM file."""
    tls_certificate: str | PathLike[str]
    """Encrypt, and show this certificate (PEM file) to a server that asks for one; goes with `tls_key`."""
    tls_key: str | PathLike[str]
    """Private key of `tls_certificate` (PEM file, not encrypted)."""
    tls_server_name: str
    """Name that the server's certificate must have, where `target` has another."""
    token: str
    """Sent with every call as bearer token."""
    token_in_clear_text: bool
    """Send the token without TLS to another machine, where whoever listens on the way can read it."""
    metadata: Iterable[tuple[str, str | bytes]]
    """Sent with every call."""
    timeout_s: float
    """Limit for each request that has one answer; 10 s if not given."""
    backoff_cap_s: float
    """Longest wait between two tries of a subscription unless the server asks for more; 5 s if not given."""
    reconnects_max: int | None
    """Reconnects in a row without success after which a subscription raises; it keeps trying if not given."""
    own_connection: bool
    """Share no TCP connection with other clients of this process."""
    channel_options: Iterable[ChannelOption]
    """Further gRPC channel options; they win over ours."""


def for_channel(options: ConnectOptions) -> list[ChannelOption]:
    """The options of the gRPC channel.

    Raises:
        TypeError: an option has an unknown name, or a value of a type that it does not take.
        ValueError: a number is out of bounds.
    """
    _refuse_unknown(options.keys(), ConnectOptions)
    _check(options)
    backoff_cap_ms = round(options.get("backoff_cap_s", BACKOFF_CAP_S) * 1000)
    chosen: dict[str, int | str] = {
        # The server refuses pings closer than 10 s, and without a call there is nothing to keep alive.
        "grpc.keepalive_time_ms": 20_000,
        "grpc.keepalive_timeout_ms": 10_000,
        "grpc.keepalive_permit_without_calls": 0,
        # Else a stream that only receives stops pinging after two.
        "grpc.http2.max_pings_without_data": 0,
        # A frozen peer is cut after this; grpc's own default is a minute, whatever the keepalive timeout.
        "grpc.http2.ping_timeout_ms": 10_000,
        # A page of 10 000 quotes takes some 2 MB; grpc's default of 4 MiB leaves little room above it.
        "grpc.max_receive_message_length": RECEIVE_BYTES_MAX,
        # The channel connects at a pace of its own, up to two minutes apart, and a try in between fails unheard: with
        # a short pace it is our backoff that says when a stream is back, and spreads its clients.
        "grpc.initial_reconnect_backoff_ms": min(CHANNEL_BACKOFF_FIRST_MS, backoff_cap_ms),
        "grpc.max_reconnect_backoff_ms": min(CHANNEL_BACKOFF_CAP_MS, backoff_cap_ms),
        # Despite its name the time that one connection may take, with the handshakes of a server that is far or busy.
        "grpc.min_reconnect_backoff_ms": CONNECT_TIMEOUT_MS,
        "grpc.use_local_subchannel_pool": int(options.get("own_connection", False)),
    }
    is_encrypted = any(options.get(name) for name in ("credentials", "tls", "tls_ca", "tls_certificate"))
    if options.get("token") and not is_encrypted:
        # Even on the way to this machine a proxy of the environment would be asked, and could read it.
        chosen["grpc.enable_http_proxy"] = 0
    if server_name := options.get("tls_server_name"):
        chosen["grpc.ssl_target_name_override"] = server_name
    example = '[("grpc.primary_user_agent", "desk-7")]'
    chosen.update(_arguments.pairs("channel_options", options.get("channel_options", ()), (int, str), example))
    return list(chosen.items())


def selection(symbols: Names, options: SelectionOptions) -> pb.Selection:
    """Which instruments a call is about; nothing named means all of them.

    Raises:
        TypeError: an option has an unknown name, or a value that is no names.
    """
    _refuse_unknown(options.keys(), SelectionOptions)
    return pb.Selection(
        symbols=_arguments.names("symbols", symbols),
        sources=_arguments.names("sources", options.get("sources", ())),
        exchanges=_arguments.names("exchanges", options.get("exchanges", ())),
        types=_arguments.names("types", options.get("types", ())),
    )


def snapshot_request(symbols: Names, page_size: int, options: SelectionOptions) -> pb.GetSnapshotRequest:
    """Build the request of the first page of the present state.

    Raises:
        TypeError: an option has an unknown name, or a value of a type that it does not take.
        ValueError: `page_size` is out of bounds.
    """
    return pb.GetSnapshotRequest(selection=selection(symbols, options), page_size=_page_size(page_size))


def instruments_request(symbols: Names, page_size: int, options: SelectionOptions) -> pb.ListInstrumentsRequest:
    """Build the request of the first page of what can be quoted. Errors as `snapshot_request`."""
    return pb.ListInstrumentsRequest(selection=selection(symbols, options), page_size=_page_size(page_size))


def subscribe_request(symbols: Names, options: SubscribeOptions) -> pb.SubscribeRequest:
    """Build the request of a stream.

    Raises:
        TypeError: an option has an unknown name, or a value of a type that it does not take.
        ValueError: an interval is not positive, or two places to go on are given.
    """
    _refuse_unknown(options.keys(), SubscribeOptions)
    after = options.get("after")
    token = _arguments.instance("resume_token", options.get("resume_token", ""), str, "the text of a token")
    _arguments.sendable("resume_token", token)
    if after is not None:
        _arguments.instance("after", after, Snapshot, "a Snapshot, as client.snapshot() gives it")
        if token:
            raise ValueError("give `after` or `resume_token`, not both: a snapshot has its own token")
        token = after.resume_token
    narrowed = SelectionOptions()
    for name in ("sources", "exchanges", "types"):
        if name in options:
            narrowed[name] = options[name]
    min_interval_s = options.get("min_interval_s")
    request = pb.SubscribeRequest(
        selection=selection(symbols, narrowed),
        delivery=pb.Delivery.ValueType(_arguments.delivery(options.get("delivery", Delivery.ALL))),
        min_interval=None if min_interval_s is None else _duration("min_interval_s", min_interval_s),
        heartbeat_interval=_duration("heartbeat_interval_s", options.get("heartbeat_interval_s", 5.0)),
    )
    if token:
        request.resume_token = token
    return request


def _refuse_unknown(names: Iterable[str], known: type) -> None:
    # Keyword arguments that are typed by a TypedDict are not checked at run time.
    for name in names:
        if name not in known.__annotations__:
            raise TypeError(f"unknown option {name!r}; known are {', '.join(sorted(known.__annotations__))}")


def _check(options: Mapping[str, object]) -> None:
    # What is not listed is checked where it is used.
    for name in _SECONDS & options.keys():
        _arguments.seconds(name, options[name])
    for name in _FLAGS & options.keys():
        _arguments.instance(name, options[name], bool, "True or False")
    for name in _FILES & options.keys():
        _arguments.instance(name, options[name], (str, PathLike, NoneType), "the path of a file")
    credentials, reconnects_max = options.get("credentials"), options.get("reconnects_max")
    if credentials is not None:
        expected = "what grpc.ssl_channel_credentials() gives"
        _arguments.instance("credentials", credentials, grpc.ChannelCredentials, expected, is_secret=True)
    if reconnects_max is not None:
        _arguments.count("reconnects_max", reconnects_max)
    _arguments.instance("tls_server_name", options.get("tls_server_name", ""), (str, NoneType), "a host's name")


def _page_size(page_size: int) -> int:
    return _arguments.count("page_size", page_size, PAGE_SIZE_MAX)


def _duration(name: str, interval_s: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(_arguments.seconds(name, interval_s) * NS_PER_S))
    return duration
