"""Who a call is for, and what of a selection that one may see."""

from collections.abc import Collection
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final

from tickmux.v1 import market_data_service_pb2
from tickmux_adapters.symbols import nearest
from tickmux_server import selection
from tickmux_server.counting import counted
from tickmux_server.errors import InvalidRequest, NotAllowed, Violation
from tickmux_server.selection import CONSOLIDATED, NAME_CHARS_MAX, VIOLATIONS_MAX, Selection


@dataclass(frozen=True, slots=True)
class Principal:
    """A token's rights."""

    name: str
    sources: frozenset[str] | None = None
    """Names of the sources that it may see, folded; None = all."""
    streams_max: int | None = None
    """Subscribe calls at a time; None = as many as the server allows."""
    names_max: int | None = None
    """Names and patterns in a selection; None = as many as the server allows."""

    def may_see(self, source: str) -> bool:
        """Whether a source exists as far as this principal is told."""
        return self.sources is None or source.casefold() in self.sources

    def narrows(self, before: "Principal") -> bool:
        """Whether it may less than before."""
        if self.sources is not None and (before.sources is None or not before.sources <= self.sources):
            return True
        pairs = ((self.streams_max, before.streams_max), (self.names_max, before.names_max))
        return any(now is not None and (then is None or now < then) for now, then in pairs)


ANYONE: Final = Principal("anyone")
"""Who calls where no tokens are asked for."""

current: Final[ContextVar[Principal]] = ContextVar("principal", default=ANYONE)
"""The principal of the call that is being served; set before its handler runs."""


def permitted(message: market_data_service_pb2.Selection, configured: Collection[str]) -> Selection:
    """The normal form of a request's selection, narrowed to what the call's principal may see.

    Whoever may see some sources learns nothing of the others, not even whether they exist.

    Args:
        message: As it was sent.
        configured: Names of the configured sources.

    Raises:
        NotAllowed: It names a source that the principal may not see.
        InvalidRequest: It holds more names than the principal may ask for, or is wrong in itself.
    """
    principal = current.get()
    _check_names(message, principal)
    selection.check_counts(message)
    _check_sources(message, principal)
    chosen = selection.parse(message, [source for source in configured if principal.may_see(source)])
    return narrowed(chosen)


def narrowed(chosen: Selection) -> Selection:
    """A selection without what the call's principal may not see."""
    allowed = current.get().sources
    if allowed is None or chosen.sources:
        return chosen
    # An empty selection is everything but `consolidated`, unless that is all there is.
    return replace(chosen, sources=allowed - {CONSOLIDATED} or allowed)


def visible(configured: Collection[str]) -> Selection:
    """Every configured source that the call's principal may see."""
    principal = current.get()
    sources = frozenset(source.casefold() for source in configured if principal.may_see(source))
    # Without any it must not be empty, which would stand for all: sources that are not configured select nothing.
    return Selection(sources=sources or principal.sources or frozenset())


def _check_names(message: market_data_service_pb2.Selection, principal: Principal) -> None:
    names = len(message.symbols) + len(message.sources) + len(message.exchanges) + len(message.types)
    if principal.names_max is not None and names > principal.names_max:
        raise InvalidRequest(
            [Violation("selection", f"{counted(names, 'name')}; this token allows {principal.names_max}")]
        )


def _check_sources(message: market_data_service_pb2.Selection, principal: Principal) -> None:
    violations: list[Violation] = []
    for index, name in enumerate(message.sources):
        if len(violations) == VIOLATIONS_MAX:
            break
        if not principal.may_see(name):
            allowed = sorted(principal.sources or ())
            likely = nearest(name.casefold(), allowed)
            hint = f"did you mean '{likely}'?" if likely else f"it may use {', '.join(allowed)}"
            shown = name[:NAME_CHARS_MAX]
            violations.append(
                Violation(f"selection.sources[{index}]", f"this token may not use source '{shown}'; {hint}")
            )
    if violations:
        raise NotAllowed(violations)
