"""Which fields a quote has: absent is not zero, and the legs are named in consolidated quotes alone."""

from typing import Final

from google.protobuf.message import Message

# The contract's name. `selection` has it, too, but needs more than a base install, where these commands run as well.
CONSOLIDATED: Final = "consolidated"


def known(message: Message, field: str) -> float | int | None:
    """The value of an optional number, None when it is absent."""
    value: float | int | None = getattr(message, field) if message.HasField(field) else None
    return value
