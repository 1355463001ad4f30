"""What the data faults do to an outgoing frame."""

import json
from typing import Any, Final

from tickmux_simulators.faults import Fault, FaultBoard

NON_JSON_TEXT: Final = "error code: 1015"
# Keys that say what a frame is; a malformed frame keeps them, so that it reaches the parser of its kind.
KINDS: Final = frozenset({"stream", "data", "e", "s", "channel", "type", "symbol"})


class DataFaults:
    """Applies the switches that touch data frames."""

    def __init__(self, board: FaultBoard) -> None:
        self._board = board
        self._held: dict[str, str] = {}

    def apply(self, stream: str, symbol: str, text: str) -> list[str]:
        """The frames to send instead of one, in order.

        Args:
            stream: key of the sequence that the frame belongs to; frames change places within it.
            symbol: the venue's name of the instrument.
            text: the frame.
        """
        board = self._board
        for mute in (Fault.DATA_MUTE, Fault.DATA_MUTE_WITH_HEARTBEATS, Fault.GAP):
            if board.strike(mute, symbol):
                return []
        if board.strike(Fault.MALFORMED, symbol):
            text = malformed(text)
        elif board.strike(Fault.TRUNCATED, symbol):
            text = text[: len(text) // 2]
        texts = [text, text] if board.strike(Fault.DUPLICATE, symbol) else [text]
        if stream in self._held:
            texts.append(self._held.pop(stream))
        elif board.strike(Fault.OUT_OF_ORDER, symbol):
            self._held[stream] = text
            return []
        if board.strike(Fault.NON_JSON, symbol):
            texts.insert(0, NON_JSON_TEXT)
        oversized = board.strike(Fault.OVERSIZED, symbol)
        if oversized:
            texts.insert(0, json.dumps({"padding": "x" * int(oversized.number("bytes"))}))
        return texts

    @property
    def is_holding(self) -> bool:
        """Whether a frame waits for the one that is to overtake it."""
        return bool(self._held)


def malformed(text: str) -> str:
    """The frame with every value that is not a label replaced by an object."""
    return json.dumps(_spoiled(json.loads(text)), separators=(",", ":"))


def _spoiled(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: (_spoiled(inner) if isinstance(inner, dict | list) else inner)
            if key in KINDS
            else {"unexpected": True}
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_spoiled(inner) for inner in value]
    return value
