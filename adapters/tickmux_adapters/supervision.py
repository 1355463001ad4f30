"""The settings of the supervision that all WebSocket venues share."""

from collections.abc import Container, Iterable
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec

from tickmux_adapters.errors import SettingsError
from tickmux_adapters.registry import SourceSettings
from tickmux_adapters.symbols import CURRENCY_ALIASES, normalise_symbol

SECONDS_MAX: Final = 30 * 86_400
"""Longer than anything here takes. Endless times are refused with it: they have no nanoseconds to be counted in."""

Seconds = Annotated[float, msgspec.Meta(gt=0, le=SECONDS_MAX)]


class WebSocketSettings(SourceSettings, kw_only=True, forbid_unknown_fields=True):
    """What every source over WebSocket may set; times are in seconds."""

    websocket_url: str
    rest_url: str
    stale_after_s: Seconds = 5.0
    """Without a data message for this long a slot is STALE."""
    reconnect_after_s: Seconds = 15.0
    """Without a data message for this long the connection is replaced."""
    connect_timeout_s: Seconds = 10.0
    """Longest wait for a connection and its handshake."""
    answer_timeout_s: Seconds = 10.0
    """Longest wait for the venue's answer to a subscription or a request."""
    retry_cap_s: Seconds = 30.0
    """Longest pause between two attempts to connect, the venue's wishes apart."""
    rotate_after_s: Seconds | None = None
    """Age at which a connection is replaced by one that already delivers, before the venue cuts it; jittered."""
    overlap_s: Seconds | None = None
    """How long both connections are kept when one replaces the other; unset, a second, or less with a short deadline.
    Frames are held back meanwhile, so at most half of `stale_after_s`."""

    @property
    def overlap_or_default_s(self) -> float:
        """`overlap_s`, or what stands for it when it is not set."""
        return min(1.0, self.stale_after_s / 5) if self.overlap_s is None else self.overlap_s


def check_settings(source: str, settings: WebSocketSettings) -> None:
    """Refuse URLs and times that cannot work.

    Raises:
        SettingsError: names the setting.
    """
    check_url(source, "websocket_url", settings.websocket_url, ("ws", "wss"))
    check_url(source, "rest_url", settings.rest_url, ("http", "https"))
    overlap_s_max = settings.stale_after_s / 2
    if settings.overlap_or_default_s > overlap_s_max:
        raise SettingsError(
            source,
            "overlap_s",
            f"{settings.overlap_or_default_s:g} s would hide that a connection has fallen silent: "
            f"at most {overlap_s_max:g} s, half of stale_after_s",
        )


def check_url(source: str, setting: str, url: str, schemes: tuple[str, str]) -> None:
    """Refuse a URL that cannot be used.

    Raises:
        SettingsError: names the setting.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(source, setting, f"{url!r} is no URL of the form {schemes[1]}://host[:port]")


def points_elsewhere(settings: WebSocketSettings, documented_hosts: Container[str]) -> bool:
    """Whether a URL leads anywhere but to the venue's documented hosts."""
    return any(host_name(url) not in documented_hosts for url in (settings.websocket_url, settings.rest_url))


def host_name(url: str) -> str:
    """The host in a URL, in lower case and without its port; empty where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def wanted_symbols(configured: Iterable[str], default: Iterable[str]) -> list[str]:
    """The configured symbols in their canonical spelling, each once; the default when there are none."""
    return list(dict.fromkeys(_canonical(symbol) for symbol in configured)) or list(default)


def _canonical(symbol: str) -> str:
    symbol = normalise_symbol(symbol)
    for alias, name in CURRENCY_ALIASES.items():
        if symbol.startswith(alias):
            return name + symbol.removeprefix(alias)
        if symbol.endswith(alias):
            return symbol.removesuffix(alias) + name
    return symbol
