from tickmux_adapters.repeats import STUCK_NS_MIN, STUCK_REPEATS_MIN, Repeats


def noted(count: int, *, over_ns: int, moves_at: int | None = None) -> Repeats:
    repeats = Repeats()
    for number in range(count):
        stands_at = 7 if moves_at is None or number < moves_at else 8
        repeats.note(stands_at, number * over_ns // (count - 1))
    return repeats


def test_older_messages_only_and_for_long_are_a_stream_that_began_anew_however_quiet_it_is() -> None:
    assert noted(STUCK_REPEATS_MIN, over_ns=STUCK_NS_MIN).stuck(7)
    assert noted(STUCK_REPEATS_MIN, over_ns=STUCK_NS_MIN * 100).stuck(7)


def test_a_burst_of_older_messages_or_one_or_two_over_long_are_not() -> None:
    assert not noted(1_000, over_ns=STUCK_NS_MIN // 2).stuck(7)
    assert not noted(STUCK_REPEATS_MIN - 1, over_ns=STUCK_NS_MIN * 10).stuck(7)


def test_a_stream_that_moves_on_is_not_stuck() -> None:
    assert not noted(200, over_ns=STUCK_NS_MIN * 2, moves_at=190).stuck(8)
    assert not noted(200, over_ns=STUCK_NS_MIN * 2).stuck(8)
