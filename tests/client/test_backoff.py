import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickmux_client._backoff import RETRY_AFTER_S_MAX, Backoff


def upper(_: float, limit_s: float) -> float:
    return limit_s


def test_limits_double_up_to_the_cap_and_begin_anew_after_a_reset() -> None:
    backoff = Backoff(first_s=0.1, cap_s=0.5, uniform=upper)
    assert [backoff.next_s() for _ in range(5)] == [0.1, 0.2, 0.4, 0.5, 0.5]
    backoff.reset()
    assert backoff.next_s() == 0.1


def test_a_small_cap_bounds_the_first_wait_too() -> None:
    assert Backoff(cap_s=0.01, uniform=upper).next_s() == 0.01


@given(st.floats(0, 1e9), st.integers(0, 2000))
def test_waits_are_bounded_and_never_shorter_than_asked(retry_after_s: float, tries: int) -> None:
    backoff = Backoff(first_s=0.1, cap_s=5.0)
    for _ in range(tries):
        assert 0 <= backoff.next_s() <= 5.0
    assert min(retry_after_s, RETRY_AFTER_S_MAX) <= backoff.next_s(retry_after_s) <= RETRY_AFTER_S_MAX + 5.0


def test_a_cap_must_be_positive() -> None:
    with pytest.raises(ValueError, match="backoff_cap_s must be positive"):
        Backoff(cap_s=0)
