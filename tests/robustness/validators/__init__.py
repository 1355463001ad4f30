"""One validator a promise: pure functions over what a run wrote down."""

from collections.abc import Callable, Mapping
from typing import Final

from tests.robustness.history import History
from tests.robustness.validators import (
    bounds,
    caught_up,
    codes,
    conflated,
    content,
    deliveries,
    drain,
    freshness,
    isolation,
    library,
    log,
    loss,
    order,
    recovery,
    resume,
    silence,
    snapshot,
    stalls,
    tokens,
)
from tests.robustness.validators.tally import Tally

VALIDATORS: Final[Mapping[str, Callable[[History], Tally]]] = {
    "snapshot": snapshot.check,
    "order": order.check,
    "loss": loss.check,
    "resume": resume.check,
    "isolation": isolation.check,
    "freshness": freshness.check,
    "silence": silence.check,
    "recovery": recovery.check,
    "bounds": bounds.check,
    "stalls": stalls.check,
    "conflated": conflated.check,
    "caught-up": caught_up.check,
    "tokens": tokens.check,
    "content": content.check,
    "deliveries": deliveries.check,
    "drain": drain.check,
    "codes": codes.check,
    "library": library.check,
    "log": log.check,
}
"""By the name of the promise."""


def validate(history: History) -> dict[str, Tally]:
    """Every validator's findings over a run."""
    return {name: check(history) for name, check in VALIDATORS.items()}
