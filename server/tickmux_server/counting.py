"""Numbers of things, in words."""


def counted(number: int, thing: str) -> str:
    """`1 token`, `2 tokens`: for nouns whose plural takes an s."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
