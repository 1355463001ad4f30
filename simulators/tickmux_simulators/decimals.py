"""Numbers as integers of their last decimal place, and the text that venues write for them."""

from typing import NamedTuple


def decimal_text(units: int, decimals: int) -> str:
    """The decimal of `units` steps of 10^-decimals, with every trailing zero: (5100, 8) gives `0.00005100`."""
    if units < 0:
        return "-" + decimal_text(-units, decimals)
    if decimals == 0:
        return str(units)
    digits = str(units).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


class FixedDecimal(NamedTuple):
    """A decimal as it was written: its digits, and how many of them follow the point."""

    units: int
    decimals: int

    @classmethod
    def parse(cls, text: str) -> "FixedDecimal":
        """Read plain decimal text, keeping trailing zeros. Raises ValueError for anything else."""
        whole, _, fraction = text.partition(".")
        return cls(int(whole + fraction), len(fraction))

    def rescaled(self, decimals: int) -> int:
        """The same number in units of 10^-decimals. Raises ValueError where that would lose digits."""
        if decimals >= self.decimals:
            return int(self.units * 10 ** (decimals - self.decimals))
        quotient, remainder = divmod(self.units, 10 ** (self.decimals - decimals))
        if remainder:
            raise ValueError(f"{self} does not fit {decimals} decimals")
        return int(quotient)
