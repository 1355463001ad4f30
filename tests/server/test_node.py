"""Where a node listens, and what it says when it cannot."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from tickmux_adapters.model import SystemClock
from tickmux_server.config import Config
from tickmux_server.errors import AddressUnavailable
from tickmux_server.node import Node


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def node(listen: str) -> Node:
    return Node(Config(listen=listen, insecure=True), SystemClock(), flags={})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
async def test_a_port_that_is_taken_is_refused_under_every_name_of_it(host: str, taken: int) -> None:
    with pytest.raises(AddressUnavailable, match="another process listens there; choose another address with --listen"):
        node(f"{host}:{taken}")


async def test_an_address_of_another_machine_or_of_none_is_refused() -> None:
    with pytest.raises(AddressUnavailable, match="not an address of this machine"):
        node("192.0.2.1:0")
    with pytest.raises(AddressUnavailable, match="cannot be resolved"):
        node("no-such-host.invalid:0")


async def test_a_free_port_is_told() -> None:
    started = node("127.0.0.1:0")
    await started.start()
    host, _, port = started.address.rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.close()
    await started.stop()
