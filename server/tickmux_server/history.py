"""What a hub remembers of past quotes: a run of frames for each instrument, bounded as a whole by bytes and age."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

ENTRY_OVERHEAD_BYTES: Final = 112
"""What a kept frame costs beside its payload: the bytes object's header (33), its position as an int (32), the two
list slots and the entry in the order of eviction (24), and slack of the lists' growth."""

_COMPACT_AT_ENTRIES: Final = 64


class Run:
    """Past frames of one instrument, oldest first, by position."""

    __slots__ = ("_frames", "_positions", "_start", "evicted")

    def __init__(self) -> None:
        self._positions: list[int] = []
        self._frames: list[bytes] = []
        self._start = 0
        self.evicted = 0
        """Position of the latest frame that is no longer kept; 0 when all are."""

    def append(self, position: int, frame: bytes) -> None:
        """Keep a frame; positions only rise."""
        self._positions.append(position)
        self._frames.append(frame)

    def evict(self) -> int:
        """Forget the oldest frame; returns the bytes that frees."""
        start = self._start
        self.evicted = self._positions[start]
        freed = len(self._frames[start]) + ENTRY_OVERHEAD_BYTES
        self._frames[start] = b""
        self._start = start = start + 1
        if start >= _COMPACT_AT_ENTRIES and start * 2 >= len(self._frames):
            del self._positions[:start]
            del self._frames[:start]
            self._start = 0
        return freed

    def count(self, after: int, through: int) -> int:
        """How many kept frames lie after a position, up to another one."""
        start = bisect_right(self._positions, after, self._start)
        return bisect_right(self._positions, through, start) - start

    def copy(self, after: int, through: int, positions: list[int], frames: list[bytes]) -> None:
        """Append the frames after a position, up to another one, and their own positions, oldest first."""
        own = self._positions
        start = bisect_right(own, after, self._start)
        # Most walks end at the head, where there is nothing to cut, and find one frame.
        end = len(own) if not own or own[-1] <= through else bisect_right(own, through, start)
        if end - start == 1:
            positions.append(own[start])
            frames.append(self._frames[start])
        else:
            positions += own[start:end]
            frames += self._frames[start:end]


def in_order(runs: Iterable[Run], after: int, through: int) -> tuple[list[int], list[bytes]]:
    """The frames of several runs after a position, up to another one, oldest first: their positions, and they."""
    positions: list[int] = []
    frames: list[bytes] = []
    for run in runs:
        run.copy(after, through, positions, frames)
    # Two plain lists: a pair for each frame would be more for the garbage collector to look at.
    order = sorted(range(len(positions)), key=positions.__getitem__)
    return [positions[index] for index in order], [frames[index] for index in order]


def stretch_end(runs: Sequence[Run], after: int, through: int, frames_max: int) -> int:
    """Where to end a stretch of the log so that it holds about `frames_max` frames of these runs.

    Laying runs end to end and sorting them costs a third of merging them by a heap, but all of what is laid down: so
    the stretch is found first, by counting. It holds at most twice as many frames as asked for, and at least one if
    there is one.
    """
    low, high = after, through
    count = _count(runs, after, high)
    evenly = True
    while count > 2 * frames_max and high - low > 1:
        # Every other guess takes what is between for spread evenly, which it mostly is; the others halve it.
        step = (high - low) * frames_max // count if evenly else (high - low) // 2
        evenly = not evenly
        middle = low + min(max(step, 1), high - low - 1)
        below = _count(runs, after, middle)
        if below < frames_max // 2:
            low = middle
        else:
            high, count = middle, below
    return high


def _count(runs: Sequence[Run], after: int, through: int) -> int:
    return sum(run.count(after, through) for run in runs)


class Retention:
    """Decides which frames to forget: the oldest of all, while there are too many bytes or they are too old."""

    def __init__(self, *, bytes_max: int, age_ns_max: int) -> None:
        self._bytes_max = bytes_max
        self._age_ns_max = age_ns_max
        self._order: deque[Run] = deque()
        self._batches: deque[tuple[int, int]] = deque()
        self._batched = 0
        self.bytes = 0
        """Bytes kept now, overhead included."""

    def __len__(self) -> int:
        """Frames kept now."""
        return len(self._order)

    def add(self, run: Run, frame: bytes) -> None:
        """Account for a frame that was just appended to a run."""
        self._order.append(run)
        self.bytes += len(frame) + ENTRY_OVERHEAD_BYTES

    def end_batch(self, now_ns: int) -> None:
        """Stamp what was added since the last batch with its age, then forget what is over the bounds."""
        added = len(self._order) - self._batched
        if added:
            self._batches.append((now_ns, added))
            self._batched += added
        self.expire(now_ns)

    def expire(self, now_ns: int) -> None:
        """Forget what is over the bounds."""
        oldest_ns = now_ns - self._age_ns_max
        batches = self._batches
        while batches and (self.bytes > self._bytes_max or batches[0][0] < oldest_ns):
            stamped_ns, count = batches.popleft()
            if stamped_ns >= oldest_ns:
                count = self._evict_to_fit(stamped_ns, count)
            else:
                for _ in range(count):
                    self.bytes -= self._order.popleft().evict()
                self._batched -= count

    def _evict_to_fit(self, stamped_ns: int, count: int) -> int:
        while count and self.bytes > self._bytes_max:
            self.bytes -= self._order.popleft().evict()
            self._batched -= 1
            count -= 1
        if count:
            self._batches.appendleft((stamped_ns, count))
        return count
