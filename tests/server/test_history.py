"""History is bounded by bytes and by age, whatever is appended."""

from hypothesis import given
from hypothesis import strategies as st

from tickmux_server.history import ENTRY_OVERHEAD_BYTES, Retention, Run, in_order, stretch_end

HEAD = 1 << 40

steps = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(0, 30)), max_size=200)


def kept_of(*runs: Run, after: int = 0, through: int = HEAD) -> list[tuple[int, bytes]]:
    return list(zip(*in_order(runs, after, through), strict=True))


@given(steps)
def test_what_is_kept_is_the_newest_within_both_bounds(added: list[tuple[int, int, int]]) -> None:
    bytes_max, age_max = 10 * (ENTRY_OVERHEAD_BYTES + 20), 100
    retention = Retention(bytes_max=bytes_max, age_ns_max=age_max)
    runs = [Run() for _ in range(4)]
    kept: list[tuple[int, int, int, bytes]] = []
    now = 0
    for position, (number, size, waits) in enumerate(added, start=1):
        now += waits
        frame = bytes(size)
        runs[number].append(position, frame)
        retention.add(runs[number], frame)
        retention.end_batch(now)
        kept.append((now, position, number, frame))
        while kept and (
            kept[0][0] < now - age_max or sum(len(frame) + ENTRY_OVERHEAD_BYTES for *_, frame in kept) > bytes_max
        ):
            kept.pop(0)
        assert retention.bytes <= bytes_max
        assert len(retention) == len(kept)
    assert kept_of(*runs) == [(position, frame) for _, position, _, frame in kept]
    for number, run in enumerate(runs):
        expected = [(position, frame) for _, position, owner, frame in kept if owner == number]
        assert kept_of(run) == expected
        if expected:
            assert kept_of(run, after=expected[0][0]) == expected[1:]
            assert run.count(expected[0][0], HEAD) == len(expected) - 1
            through = expected[len(expected) // 2][0]
            assert kept_of(run, through=through) == expected[: len(expected) // 2 + 1]
            assert run.count(0, through) == len(expected) // 2 + 1
            assert run.evicted < expected[0][0]


def test_a_long_run_does_not_keep_what_it_forgot() -> None:
    run = Run()
    for position in range(1, 10_001):
        run.append(position, b"x" * 100)
        if position > 100:
            run.evict()
    assert len(run._frames) <= 256
    assert [position for position, _ in kept_of(run)] == list(range(9_901, 10_001))


def test_age_is_kept_without_new_entries() -> None:
    retention = Retention(bytes_max=1 << 20, age_ns_max=100)
    run = Run()
    run.append(1, b"frame")
    retention.add(run, b"frame")
    retention.end_batch(0)
    retention.expire(100)
    assert len(retention) == 1
    retention.expire(101)
    assert (len(retention), retention.bytes, kept_of(run), run.evicted) == (0, 0, [], 1)


@given(st.lists(st.integers(0, 4), max_size=300), st.integers(0, 300), st.integers(2, 20))
def test_a_stretch_holds_about_as_many_frames_as_asked_for(owners: list[int], after: int, frames_max: int) -> None:
    runs = [Run() for _ in range(4)]
    for position, owner in enumerate(owners, start=1):
        if owner < 4:  # the others are of instruments that are not asked for
            runs[owner].append(position, b"")
    through = len(owners)
    end = stretch_end(runs, min(after, through), through, frames_max)
    held = sum(run.count(min(after, through), end) for run in runs)
    assert held <= 2 * frames_max
    assert end == through or held >= frames_max // 2
