"""Reading a SubscribeResponse without decoding its quotes."""

from typing import Final

from benchmarks.fan_out_plan import SOURCE
from tickmux.v1 import market_data_service_pb2 as contract

QUOTE_MARK: Final = bytes((11 << 3 | 2, len(SOURCE))) + SOURCE.encode()
"""Quote.source as it stands in a frame, once in each: no other text holds these bytes, which samples are to check."""
_QUOTES_TAG: Final = 0x0A
_VARINT: Final = 0


def quotes_in(response: bytes) -> int:
    """How many quotes a response carries."""
    return response.count(QUOTE_MARK)


def head(response: bytes) -> contract.SubscribeResponse:
    """A response but for its quotes, which come last and are not decoded for it."""
    at = 0
    while at < len(response) and response[at] != _QUOTES_TAG:
        wire_type = response[at] & 7
        at += 1
        value = shift = 0
        while response[at] & 0x80:
            value |= (response[at] & 0x7F) << shift
            shift += 7
            at += 1
        value |= response[at] << shift
        at += 1 if wire_type == _VARINT else 1 + value
    return contract.SubscribeResponse.FromString(response[:at])
