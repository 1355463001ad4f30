"""A node: publisher, log, hub and the gRPC server over them, wired; whoever makes it feeds the publisher."""

import asyncio
import errno
import socket
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from tickmux.v1 import quote_pb2
from tickmux_adapters.model import Clock
from tickmux_server.access import tls
from tickmux_server.access.tls import Certificates
from tickmux_server.access.token_file import TokenFile, TokenFileUnusable
from tickmux_server.access.watch import TokenWatch
from tickmux_server.config import Config, ConfigError
from tickmux_server.consolidator import Consolidator
from tickmux_server.errors import AddressUnavailable
from tickmux_server.hub import Hub
from tickmux_server.listen import split_address
from tickmux_server.log import MemoryLog
from tickmux_server.publisher import Publisher
from tickmux_server.selection import CONSOLIDATED
from tickmux_server.service import SERVICE, MarketDataService
from tickmux_server.streams import Streams

REQUEST_BYTES_MAX: Final = 64 * 1024
METADATA_BYTES_MAX: Final = 8 * 1024
CONNECTION_AGE_S_MAX: Final = 3 * 3600
"""A backstop above our own stream age: gRPC's only way to be rid of a client that reads nothing at all."""
STOP_GRACE_S: Final = 1.0

SERVER_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),  # a taken port is an error here, not a second server that shares it
    ("grpc.max_concurrent_streams", 100),
    ("grpc.max_receive_message_length", REQUEST_BYTES_MAX),
    ("grpc.max_metadata_size", METADATA_BYTES_MAX),
    ("grpc.absolute_max_metadata_size", METADATA_BYTES_MAX),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Without it the core arms a ping of 60 s and a frozen peer keeps its streams for that long.
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.server_handshake_timeout_ms", 5_000),
    ("grpc.max_connection_age_ms", CONNECTION_AGE_S_MAX * 1000),
    ("grpc.max_connection_age_grace_ms", 10_000),
)


class Node:
    """All parts of one process but its sources."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        *,
        flags: Mapping[str, Sequence[quote_pb2.QuoteFlag.ValueType]],
        polled: Collection[str] = (),
    ) -> None:
        """Wire the parts and bind the address. To be called in a running event loop.

        Args:
            config: What to serve, and where.
            clock: Where time comes from.
            flags: What every quote of a source is flagged with, by source.
            polled: Names of the sources that are asked at intervals rather than streamed.

        Raises:
            AddressUnavailable: The address is taken or not ours.
            ConfigError: The files of the certificate or of the tokens cannot be used.
        """
        certificates = tls.certificates(config)
        self.tokens = _tokens(config, clock)
        """The tokens in force; None where anyone may call."""
        log = MemoryLog()
        self.hub = Hub(log, clock, history_bytes_max=config.history_bytes_max, history_age_s=config.history_age_s)
        self.streams = Streams(self.hub, clock, stream_age_s=config.stream_age_s)
        self.publisher = Publisher(log, clock, flags=flags, schedule=asyncio.get_running_loop().call_soon)
        # After the hub, so that what it publishes is about entries that the hub has.
        self.consolidator = Consolidator(log, self.publisher, clock, polled=polled) if config.consolidated else None
        self._drain_s = config.drain_s
        self._server = grpc.aio.server(
            options=SERVER_OPTIONS, interceptors=[self.tokens.gate] if self.tokens is not None else []
        )
        sources = [*config.sources, *([CONSOLIDATED] if config.consolidated else [])]
        service = MarketDataService(self.hub, self.streams, clock, sources=sources)
        self._server.add_generic_rpc_handlers((service.handler(),))
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)
        self.address = _bind(self._server, config.listen, certificates)

    async def start(self) -> None:
        """Answer calls; health is SERVING once this returns."""
        await self._server.start()
        await self._set_health(serving=True)

    async def drain(self) -> None:
        """Send every client away in an orderly manner: health first, so that no new ones come."""
        await self._set_health(serving=False)
        await self.streams.drain(self._drain_s)

    async def stop(self) -> None:
        """Cut what is left."""
        await self._server.stop(STOP_GRACE_S)

    async def _set_health(self, *, serving: bool) -> None:
        state = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", SERVICE):
            await self._health.set(name, state)


def check(config: Config) -> None:
    """Find what would keep a node from being made, before anything else is started for it.

    Raises:
        AddressUnavailable: The address is taken or not ours.
        ConfigError: The files of the certificate or of the tokens cannot be used.
    """
    tls.check(config)
    if config.tokens:
        try:
            TokenFile(Path(config.tokens)).read()
        except TokenFileUnusable as error:
            raise ConfigError("tokens", str(error)) from error
    _free_addresses(config.listen)


def _tokens(config: Config, clock: Clock) -> TokenWatch | None:
    if not config.tokens:
        return None
    try:
        return TokenWatch(Path(config.tokens), clock, sources=config.sources)
    except TokenFileUnusable as error:
        raise ConfigError("tokens", str(error)) from error


def _bind(server: grpc.aio.Server, listen: str, certificates: Certificates | None) -> str:
    """Listen on every address that the host's name stands for, and return the address to tell people.

    gRPC by itself is content with any one of them, so that two servers could share `localhost` unawares.
    """
    host, port = split_address(listen)
    for ip in _free_addresses(listen):
        address = f"{_bracketed(ip)}:{port}"
        try:
            port = (
                server.add_insecure_port(address)
                if certificates is None
                else server.add_secure_port(address, certificates.credentials())
            )
        except RuntimeError as error:
            # gRPC tells no more; that it is free was just tried.
            why = "it cannot be bound" if certificates is None else "it cannot be bound with this certificate"
            raise AddressUnavailable(listen, why) from error
    return f"{_bracketed(host)}:{port}"


def _free_addresses(listen: str) -> list[str]:
    """The addresses of this machine that the host's name stands for; at least one, and the port is free on each.

    Raises:
        AddressUnavailable: There is none, or the port is taken on one of them.
    """
    host, port = split_address(listen)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise AddressUnavailable(listen, f"{host} cannot be resolved") from error
    ours: list[str] = []
    for family, ip in dict.fromkeys((family, str(address[0])) for family, *_, address in found):
        problem = _bind_problem(family, ip, port)
        if problem and problem != _NOT_OURS:
            raise AddressUnavailable(listen, problem)
        # A name may stand for an address family that this machine does without.
        if not problem:
            ours.append(ip)
    if not ours:
        raise AddressUnavailable(listen, _NOT_OURS)
    return ours


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


_NOT_OURS: Final = "it is not an address of this machine"

_PROBLEMS: Final = {
    errno.EADDRINUSE: "another process listens there",
    errno.EACCES: "this user may not",
    errno.EADDRNOTAVAIL: _NOT_OURS,
    errno.EAFNOSUPPORT: _NOT_OURS,
}


def _bind_problem(family: int, ip: str, port: int) -> str:
    """Why an address cannot be bound; empty if it can. gRPC itself tells it to its own log only."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((ip, port))
    except OSError as error:
        return _PROBLEMS.get(error.errno or 0, error.strerror or str(error))
    return ""
