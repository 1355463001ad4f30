"""How far back the server's history must reach."""

from typing import Final

from tests.robustness.history import Call, History, Origin
from tests.robustness.published import Life

AGE_SLACK_S: Final = 0.05
"""An update is recorded a moment before the history takes it."""
BYTES_SLACK: Final = 0.9


def is_within_reach(history: History, call: Call, life: Life, origin: Origin) -> bool:
    """Whether the server cannot have forgotten any of what a call missed by the time that it first answered."""
    oldest = life.first_missed(call.begun.asked, origin.reached)
    if origin.since_ns is not None:
        since_ns, bytes_before = origin.since_ns, life.bytes_at(origin.since_ns)
    elif oldest is not None:
        since_ns, bytes_before = oldest.at_ns, oldest.bytes_before
    else:
        return True
    answered_ns = call.received[0].at_ns
    is_young = answered_ns - since_ns < (history.plan.history_age_s - AGE_SLACK_S) * 1e9
    return is_young and life.bytes_at(answered_ns) - bytes_before < history.plan.history_bytes_max * BYTES_SLACK
