"""Checks what a caller passed, and says in one line what to pass instead. Types are not enforced at run time."""

import inspect
import math
import re
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Final, TypeVar

from tickmux_client._model import Delivery

Names = str | Iterable[str]
"""One name, or several."""

SECONDS_MAX: Final = 1_000_000.0
"""More than anyone waits for, and within what every clock of a platform takes."""

_EXAMPLES: Final = {
    "symbols": ("BTCUSDT", "ETHUSDT"),
    "sources": ("binance", "kraken"),
    "exchanges": ("Binance", "Kraken"),
    "types": ("crypto", "stock"),
}
_PORT: Final = re.compile(r":([^:\]]*)$")
_GRPC_SCHEME: Final = re.compile(r"(dns|ipv4|ipv6|unix|unix-abstract|vsock|xds):(?!\d+$)|[a-z][a-z0-9+.-]*:///")
_SHOWN_MAX: Final = 60

_Value = TypeVar("_Value")
_Other = TypeVar("_Other")


def names(option: str, given: object) -> list[str]:
    """One name or several, as a list.

    Raises:
        TypeError: it is anything else.
        ValueError: one of them is no text that can be sent.
    """
    # A lone string is an iterable of letters, which nobody means.
    if isinstance(given, str):
        given = [given]
    one, other = _EXAMPLES[option]
    expected = f'a name or several, such as "{one}" or ["{one}", "{other}"]'
    if isinstance(given, bytes) or not isinstance(given, Iterable):
        raise _wrong(option, expected, given)
    chosen = list(given)
    for name in chosen:
        if not isinstance(name, str):
            raise _wrong(f"one of {option}", f'a name, such as "{one}"', name)
        sendable(f"one of {option}", name)
    return chosen


def sendable(option: str, given: str) -> str:
    """A text that has an encoding, as half of a surrogate pair has not.

    Raises:
        ValueError: it has none.
    """
    try:
        given.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{option}: expected a text that can be sent, not {_shown(given)}") from None
    return given


def seconds(option: str, given: object) -> float:
    """A positive time in seconds.

    Raises:
        TypeError: it is no number.
        ValueError: it is not positive, or too long.
    """
    if not isinstance(given, Real) or isinstance(given, bool):
        raise _wrong(option, "seconds as a number, such as 2.5", given)
    try:
        value = float(given)
    except OverflowError:
        value = -math.inf if given < 0 else math.inf
    if not value > 0:
        raise ValueError(f"{option} must be positive, not {_shown(given)}")
    if value > SECONDS_MAX:
        raise ValueError(f"{option} must be at most {SECONDS_MAX:.0f} s, not {_shown(given)}")
    return value


def count(option: str, given: object, most: int | None = None) -> int:
    """A whole number from 0 on.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is out of bounds.
    """
    if not isinstance(given, Integral) or isinstance(given, bool):
        raise _wrong(option, "a whole number", given)
    number = int(given)
    if number < 0 or (most is not None and number > most):
        raise ValueError(f"{option} must be {'0 or more' if most is None else f'0 to {most}'}, not {number}")
    return number


def delivery(given: object) -> Delivery:
    """A delivery, or its number.

    Raises:
        TypeError: it is neither.
        ValueError: no delivery has that number.
    """
    expected = " or ".join(f"Delivery.{delivery.name}" for delivery in Delivery)
    if not isinstance(given, Integral) or isinstance(given, bool):
        raise _wrong("delivery", expected, given)
    number = int(given)
    if number not in set(Delivery):
        raise ValueError(f"delivery: expected {expected}, not {number}")
    return Delivery(number)


def instance(
    option: str,
    given: object,
    kind: type[_Value] | tuple[type[_Value], ...],
    expected: str,
    *,
    is_secret: bool = False,
) -> _Value:
    """Something of a kind, or of one of several; a secret is not shown.

    Raises:
        TypeError: it is of another.
    """
    if not isinstance(given, kind):
        raise _wrong(option, expected, given, is_secret=is_secret)
    return given


def pairs(
    option: str, given: object, kinds: tuple[type[_Value], type[_Other]], example: str
) -> tuple[tuple[str, _Value | _Other], ...]:
    """Names with values, which no error shows: a token may be among them.

    Raises:
        TypeError: it is anything else.
    """
    problem = f"{option}: expected pairs, such as {example}, not "
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise TypeError(problem + kind_of(given))
    chosen = tuple(given)
    for pair in chosen:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(f"{problem}{kind_of(pair)} among them")
        if not isinstance(pair[0], str) or not isinstance(pair[1], kinds):
            raise TypeError(f"{problem}one of {kind_of(pair[0])} and {kind_of(pair[1])}")
    return tuple((name, value) for name, value in chosen)


def target(given: object) -> str:
    """Where a server listens; what has a scheme of gRPC's is left to gRPC.

    Raises:
        TypeError: it is no text.
        ValueError: no server can listen there; gRPC would try it for ever.
    """
    expected = "host:port, such as 127.0.0.1:50051, or a gRPC target"
    text = instance("target", given, str, expected)
    if _GRPC_SCHEME.match(text):
        return text
    if "://" in text:
        raise ValueError(
            f"target: expected {expected}, not a URL: {_shown(text)}; encrypt with tls=True or tls_ca=FILE"
        )
    port = _PORT.search(text)
    if not text or re.search(r"\s", text) or (port and not _is_port(port[1]) and text.count(":") == 1):
        raise ValueError(f"target: expected {expected}, not {_shown(text)}")
    return text


def kind_of(given: object) -> str:
    """`a dict`, `an int`."""
    name = type(given).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= 65535


def _wrong(option: str, expected: str, given: object, *, is_secret: bool = False) -> TypeError:
    shown = kind_of(given) if is_secret else _shown(given)
    advice = "; await it first" if inspect.isawaitable(given) else ""
    return TypeError(f"{option}: expected {expected}, not {shown}{advice}")


def _shown(given: object) -> str:
    if given is None or isinstance(given, str | bytes | int | float):
        text = repr(given)
        return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
    return kind_of(given)
