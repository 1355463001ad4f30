"""Whether an answer of a simulator is built as a recorded one is: the same keys, in order, and the same types."""

import re
from typing import Any

DECIMAL = re.compile(r"-?\d+\.(\d+)%?")


def differences(ours: Any, recorded: Any, *, optional: frozenset[str] = frozenset(), where: str = "") -> list[str]:
    """What differs; of lists the first entries are compared, and null stands for anything.

    Decimals in texts must have as many places. Keys that are `optional` may be missing on either side.
    """
    if ours is None or recorded is None:
        return []
    if isinstance(recorded, dict) and isinstance(ours, dict):
        kept = {key: value for key, value in ours.items() if key not in optional}
        wanted = {key: value for key, value in recorded.items() if key not in optional}
        if list(kept) != list(wanted):
            return [f"{where}: keys {list(kept)}, recorded {list(wanted)}"]
        return [
            difference
            for key, value in wanted.items()
            for difference in differences(kept[key], value, optional=optional, where=f"{where}.{key}")
        ]
    if isinstance(recorded, list) and isinstance(ours, list):
        if not recorded or not ours:
            return []
        return differences(ours[0], recorded[0], optional=optional, where=f"{where}[0]")
    if _kind(ours) is not _kind(recorded):
        return [f"{where}: {ours!r}, recorded {recorded!r}"]
    if isinstance(recorded, str) and _places(ours) != _places(recorded):
        return [f"{where}: {ours!r}, recorded {recorded!r}"]
    return []


def _kind(value: object) -> type:
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


def _places(text: str) -> int | None:
    match = DECIMAL.fullmatch(text)
    return len(match[1]) if match else None
