"""What the data faults do to an outgoing frame."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, AnyStr, Final, Generic

from tickmux_simulators.faults import Fault, FaultBoard

NON_JSON_TEXT: Final = "error code: 1015"
# Keys that say what a frame is; a malformed frame keeps them, so that it reaches the parser of its kind.
KINDS: Final = frozenset({"stream", "data", "e", "s", "channel", "type", "symbol"})


@dataclass(frozen=True, slots=True)
class Form(Generic[AnyStr]):
    """How frames of one encoding are spoiled."""

    malformed: Callable[[AnyStr], AnyStr]
    foreign: AnyStr
    """What comes from something else than the venue."""
    padding: Callable[[int], AnyStr]
    """A valid frame that is longer than so many bytes."""


class DataFaults:
    """Applies the switches that touch data frames."""

    def __init__(self, board: FaultBoard) -> None:
        self._board = board
        self._held: dict[str, Any] = {}

    def apply(self, stream: str, symbol: str, frame: AnyStr, form: Form[AnyStr]) -> list[AnyStr]:
        """The frames to send instead of one, in order.

        Args:
            stream: key of the sequence that the frame belongs to; frames change places within it.
            symbol: the venue's name of the instrument.
            frame: its payload.
            form: the encoding of this stream's frames.
        """
        board = self._board
        for mute in (Fault.DATA_MUTE, Fault.DATA_MUTE_WITH_HEARTBEATS, Fault.GAP):
            if board.strike(mute, symbol):
                return []
        if board.strike(Fault.MALFORMED, symbol):
            frame = form.malformed(frame)
        elif board.strike(Fault.TRUNCATED, symbol):
            frame = frame[: len(frame) // 2]
        frames = [frame, frame] if board.strike(Fault.DUPLICATE, symbol) else [frame]
        if stream in self._held:
            frames.append(self._held.pop(stream))
        elif board.strike(Fault.OUT_OF_ORDER, symbol):
            self._held[stream] = frame
            return []
        if board.strike(Fault.NON_JSON, symbol):
            frames.insert(0, form.foreign)
        oversized = board.strike(Fault.OVERSIZED, symbol)
        if oversized:
            frames.insert(0, form.padding(int(oversized.number("bytes"))))
        return frames

    @property
    def is_holding(self) -> bool:
        """Whether a frame waits for the one that is to overtake it."""
        return bool(self._held)


def malformed(text: str) -> str:
    """The frame with every value that is not a label replaced by an object."""
    return json.dumps(spoiled(json.loads(text)), separators=(",", ":"))


def spoiled(value: Any, kinds: Collection[str] = KINDS) -> Any:
    """A decoded frame with every value replaced by an object, except under the keys that say what the frame is."""
    if isinstance(value, dict):
        return {
            key: (spoiled(inner, kinds) if isinstance(inner, dict | list) else inner)
            if key in kinds
            else {"unexpected": True}
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [spoiled(inner, kinds) for inner in value]
    return value


TEXT_FORM: Final = Form(malformed, NON_JSON_TEXT, lambda length: json.dumps({"padding": "x" * length}))
