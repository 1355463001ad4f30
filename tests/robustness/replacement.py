"""Changes to the product from outside, which can be undone."""

from collections.abc import Callable


def replace(place: object, name: str, value: object) -> Callable[[], None]:
    """Put something else in the place of an attribute, which must be there; returns what puts it back."""
    original = getattr(place, name)
    setattr(place, name, value)
    return lambda: setattr(place, name, original)
