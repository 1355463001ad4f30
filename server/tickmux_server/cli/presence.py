"""Optional fields: absent is not zero."""

from google.protobuf.message import Message


def known(message: Message, field: str) -> float | int | None:
    """The value of an optional number, None when it is absent."""
    value: float | int | None = getattr(message, field) if message.HasField(field) else None
    return value
