from tickmux_adapters.repeats import STUCK_NS_MIN, STUCK_REPEATS_MIN, Repeats


def noted(count: int, *, over_ns: int, moves_at: int | None = None) -> Repeats:
    repeats = Repeats()
    for number in range(count):
        stands_at = 7 if moves_at is None or number < moves_at else 8
        repeats.note(stands_at, number * over_ns // (count - 1))
    return repeats


def test_many_repeats_over_long_are_a_stream_that_began_anew() -> None:
    assert noted(STUCK_REPEATS_MIN, over_ns=STUCK_NS_MIN).stuck


def test_a_burst_of_repeats_or_a_few_over_long_are_not() -> None:
    assert not noted(STUCK_REPEATS_MIN * 10, over_ns=STUCK_NS_MIN // 2).stuck
    assert not noted(STUCK_REPEATS_MIN - 1, over_ns=STUCK_NS_MIN * 10).stuck


def test_a_stream_that_moves_on_is_counted_anew() -> None:
    assert not noted(STUCK_REPEATS_MIN * 2, over_ns=STUCK_NS_MIN * 2, moves_at=STUCK_REPEATS_MIN + 10).stuck
