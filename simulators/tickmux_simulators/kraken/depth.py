"""What of a change in the whole book a subscriber of limited depth has to be told."""

from collections.abc import Sequence

from tickmux_simulators.book import ChangeKind, Ladder, LevelChange


def visible_changes(changes: Sequence[LevelChange], ladder: Ladder, depth: int) -> list[tuple[int, int]]:
    """Levels of one side to send, (price, size), in the order to apply them; the reader then cuts to its depth.

    Args:
        changes: what happened to this side, in order.
        ladder: the side after all of it.
        depth: how many levels the subscriber holds.
    """
    rows: list[tuple[int, int]] = []
    removed = 0
    is_pushed = False
    for change in changes:
        # A level that an insert of this same message pushes out of reach is still held by the reader until it cuts.
        reach = depth + len(changes) if is_pushed else depth
        if change.place >= reach:
            continue
        rows.append((change.price, change.size))
        if change.kind is ChangeKind.REMOVED:
            removed += 1
        elif change.kind is ChangeKind.INSERTED:
            is_pushed = True
    if removed and len(ladder) > depth - removed:
        # As many levels as went come into reach from behind.
        told = dict(rows)
        for price, size in ladder.top(depth, max(depth - removed, 0)):
            if told.get(price) != size:
                rows.append((price, size))
    return rows
