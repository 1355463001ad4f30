"""Where a source remembers what its key has spent, if it does."""

from collections.abc import Callable
from pathlib import Path

from tickmux_adapters.budget import Budget
from tickmux_adapters.budget_file import BudgetFile, default_path
from tickmux_adapters.errors import VenueError
from tickmux_adapters.polling import PollingSettings


def open_budget_file(
    source: str, settings: PollingSettings, budget: Budget, key: Callable[[], str], *, points_elsewhere: bool
) -> BudgetFile | None:
    """The file of a source's budget; None where a restart may forget it.

    That is so where no allowance is long, and where nothing real is spent, unless a place is set all the same.

    Args:
        source: name of the source.
        settings: may name a place; unset, it is the user's state directory.
        budget: what is to be remembered.
        key: tells the key that is used now, or raises VenueError.
        points_elsewhere: whether the URL leads anywhere but to the venue's documented hosts.

    Raises:
        VenueError: the place that is set is none.
    """
    if not budget.survives:
        return None
    is_simulated = points_elsewhere if settings.simulated is None else settings.simulated
    if settings.budget_file is not None:
        path: Path | None = _expanded(source, settings.budget_file)
    else:
        path = None if is_simulated else default_path(source)
    return None if path is None else BudgetFile(path, key)


def _expanded(source: str, place: str) -> Path:
    try:
        return Path(place).expanduser()
    except RuntimeError as error:
        raise VenueError(
            f"sources.{source}.budget_file: {place!r} begins with no home directory: write the path out"
        ) from error
