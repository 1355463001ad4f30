"""The two encodings of the stream: JSON text, and msgpack in binary frames. Encoded once, sent to any number."""

import abc
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tickmux_simulators import wire
from tickmux_simulators.data_faults import NON_JSON_TEXT, Form, spoiled
from tickmux_simulators.decimals import decimal_text
from tickmux_simulators.instants import second_text

SECOND_NS: Final = 1_000_000_000
TIMESTAMP: Final = -1
"""Extension type of msgpack's own timestamps."""
LABELS: Final = frozenset({"T", "S"})
DecodeError: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What `decode` raises for what it cannot read."""


def rfc3339(time_ns: int) -> str:
    """A time in UTC with as many of nine digits as it takes: `2023-04-06T11:54:26.83915973Z`."""
    second, rest = divmod(time_ns, SECOND_NS)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{second_text(second)}{fraction}Z"


class Codec(abc.ABC):
    """One encoding. Messages are encoded one by one, and joined to frames."""

    name: str
    form: Form[bytes]

    @abc.abstractmethod
    def number(self, units: int, decimals: int) -> Any:
        """A value for `units` steps of 10^-decimals."""

    @abc.abstractmethod
    def instant(self, time_ns: int) -> Any:
        """A value for a time, Unix nanoseconds."""

    @abc.abstractmethod
    def encode(self, message: object) -> bytes:
        """One message."""

    @abc.abstractmethod
    def joined(self, messages: Sequence[bytes]) -> bytes:
        """The payload of a frame: an array of messages."""

    @abc.abstractmethod
    def frame(self, payload: bytes) -> bytes:
        """The WebSocket frame around a payload."""

    @abc.abstractmethod
    def decode(self, data: bytes) -> Any:
        """What a client sent. Raises one of DecodeError."""

    @abc.abstractmethod
    def text(self, payload: bytes) -> str:
        """A payload as JSON text, or as hexadecimal digits where it cannot be read."""


class JsonCodec(Codec):
    """JSON: whole numbers without a point, times as text."""

    name = "json"

    def __init__(self) -> None:
        self.form = Form(
            malformed=lambda payload: msgspec.json.encode(spoiled(msgspec.json.decode(payload), LABELS)),
            foreign=NON_JSON_TEXT.encode(),
            padding=lambda length: msgspec.json.encode([{"padding": "x" * length}]),
        )

    def number(self, units: int, decimals: int) -> Any:
        """Decimal text without trailing zeros, exactly as many digits as there are."""
        text = decimal_text(units, decimals)
        return msgspec.Raw((text.rstrip("0").rstrip(".") if decimals else text).encode())

    def instant(self, time_ns: int) -> Any:
        """RFC 3339."""
        return rfc3339(time_ns)

    def encode(self, message: object) -> bytes:
        """One object."""
        return msgspec.json.encode(message)

    def joined(self, messages: Sequence[bytes]) -> bytes:
        """An array."""
        return b"[" + b",".join(messages) + b"]"

    def frame(self, payload: bytes) -> bytes:
        """A text frame."""
        return wire.frame(wire.TEXT, payload)

    def decode(self, data: bytes) -> Any:
        """JSON."""
        return msgspec.json.decode(data)

    def text(self, payload: bytes) -> str:
        """The payload itself."""
        return payload.decode("utf-8", "replace")


class MsgpackCodec(Codec):
    """Msgpack: prices as doubles, times as timestamps with nanoseconds."""

    name = "msgpack"

    def __init__(self) -> None:
        self.form = Form(
            malformed=lambda payload: msgspec.msgpack.encode(spoiled(msgspec.msgpack.decode(payload), LABELS)),
            foreign=NON_JSON_TEXT.encode(),
            padding=lambda length: msgspec.msgpack.encode([{"padding": "x" * length}]),
        )

    def number(self, units: int, decimals: int) -> Any:
        """The double nearest to the decimal."""
        return units / 10**decimals

    def instant(self, time_ns: int) -> Any:
        """A timestamp in 32 bits if it is a whole second, else in 64."""
        second, rest = divmod(time_ns, SECOND_NS)
        packed = second.to_bytes(4, "big") if not rest else (rest << 34 | second).to_bytes(8, "big")
        return msgspec.msgpack.Ext(TIMESTAMP, packed)

    def encode(self, message: object) -> bytes:
        """One map."""
        return msgspec.msgpack.encode(message)

    def joined(self, messages: Sequence[bytes]) -> bytes:
        """An array."""
        return msgspec.msgpack.encode([msgspec.Raw(message) for message in messages])

    def frame(self, payload: bytes) -> bytes:
        """A binary frame."""
        return wire.frame(wire.BINARY, payload)

    def decode(self, data: bytes) -> Any:
        """Msgpack."""
        return msgspec.msgpack.decode(data)

    def text(self, payload: bytes) -> str:
        """JSON with the same values; a bare number is what a text looks like that is no msgpack."""
        try:
            value = msgspec.msgpack.decode(payload)
        except DecodeError:
            return payload.hex()
        return msgspec.json.encode(value).decode()


JSON: Final = JsonCodec()
MSGPACK: Final = MsgpackCodec()
