"""Subscribe as bytes, over a connection of its own: what the clients of the benchmarks have in common."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import grpc

from tickmux.v1 import market_data_service_pb2 as contract

SUBSCRIBE: Final = "/tickmux.v1.MarketDataService/Subscribe"
OWN_CONNECTION: Final = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", 1 << 24))


def connection(address: str, options: Sequence[tuple[str, int]] = ()) -> grpc.aio.Channel:
    """A channel that shares its connection with no other."""
    return grpc.aio.insecure_channel(address, options=(*OWN_CONNECTION, *options))


class RawStream:
    """One Subscribe call."""

    def __init__(self, channel: grpc.aio.Channel, request: contract.SubscribeRequest) -> None:
        subscribe: Any = channel.unary_stream(SUBSCRIBE)  # bytes in, bytes out, which its types do not say
        self._call = subscribe(request.SerializeToString())
        self.responses: AsyncIterator[bytes] = aiter(self._call)

    def cancel(self) -> None:
        """End the call."""
        self._call.cancel()
