"""The two encodings of the stream. A frame shows its own, so that what was asked for need not be what comes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tickmux_adapters.alpaca.messages import (
    Cancel,
    Control,
    Correction,
    DailyBar,
    Data,
    Ignored,
    Quote,
    Status,
    Trade,
)
from tickmux_adapters.alpaca.times import packed_time_ns, text_time_ns

AnyData = Quote[Any] | Trade[Any] | DailyBar[Any] | Correction[Any] | Cancel[Any] | Status[Any]
"""A data message, whichever the encoding."""
Message = AnyData | Control | Ignored


@dataclass(frozen=True, slots=True)
class Codec:
    """One encoding."""

    decode: Callable[[bytes], list[Message]]
    """A whole frame."""
    split: Callable[[bytes], list[msgspec.Raw]]
    """A frame whose messages are still encoded."""
    decode_one: Callable[[msgspec.Raw], Message]
    time_ns: Callable[[Any], int | None]
    """Unix nanoseconds of a venue time. Raises ValueError."""
    encode: Callable[[Mapping[str, Any]], str | bytes]
    """A message of ours."""


_Text = Data[str] | Control | Ignored
_Packed = Data[msgspec.msgpack.Ext] | Control | Ignored

JSON: Final = Codec(
    decode=msgspec.json.Decoder(list[_Text], float_hook=str).decode,
    split=msgspec.json.Decoder(list[msgspec.Raw]).decode,
    decode_one=msgspec.json.Decoder(_Text, float_hook=str).decode,
    time_ns=text_time_ns,
    encode=lambda message: msgspec.json.encode(message).decode(),
)
MSGPACK: Final = Codec(
    decode=msgspec.msgpack.Decoder(list[_Packed]).decode,
    split=msgspec.msgpack.Decoder(list[msgspec.Raw]).decode,
    decode_one=msgspec.msgpack.Decoder(_Packed).decode,
    time_ns=packed_time_ns,
    encode=msgspec.msgpack.encode,
)


def codec_of(frame: bytes) -> Codec:
    """The encoding of a frame: in msgpack no array, and no frame is anything else, begins with a bracket."""
    return JSON if frame.startswith(b"[") else MSGPACK
