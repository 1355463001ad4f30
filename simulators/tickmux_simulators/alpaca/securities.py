"""What the venue knows of its stocks beyond the market: where they are listed, and on which tape."""

from typing import Final, NamedTuple


class Security(NamedTuple):
    """A stock."""

    name: str
    exchange: str
    """As the assets list names it."""
    tape: str
    """A: New York, B: regional exchanges, C: Nasdaq."""

    @property
    def is_utp(self) -> bool:
        """Whether Nasdaq's plan reports it, which has status codes of its own."""
        return self.tape in {"C", "O"}


SECURITIES: Final = {
    "AAPL": Security("Apple Inc. Common Stock", "NASDAQ", "C"),
    "MSFT": Security("Microsoft Corporation Common Stock", "NASDAQ", "C"),
    "NVDA": Security("NVIDIA Corporation Common Stock", "NASDAQ", "C"),
    "AMZN": Security("Amazon.com, Inc. Common Stock", "NASDAQ", "C"),
    "GOOGL": Security("Alphabet Inc. Class A Common Stock", "NASDAQ", "C"),
    "META": Security("Meta Platforms, Inc. Class A Common Stock", "NASDAQ", "C"),
    "TSLA": Security("Tesla, Inc. Common Stock", "NASDAQ", "C"),
    "JPM": Security("JPMorgan Chase & Co. Common Stock", "NYSE", "A"),
    "IBM": Security("International Business Machines Corporation Common Stock", "NYSE", "A"),
    "BRK.B": Security("Berkshire Hathaway Inc. Class B", "NYSE", "A"),
    "SPY": Security("State Street SPDR S&P 500 ETF Trust", "ARCA", "B"),
    "FAKEPACA": Security("The symbol of the test feed", "NYSE", "A"),
}


class Status(NamedTuple):
    """A trading status: code, message, code of the reason, and its message."""

    code: str
    message: str
    reason: str
    reason_message: str


UTP_HALT: Final = Status("H", "Trading Halt", "T12", "Trading Halted; For information requested by NASDAQ")
UTP_PAUSE: Final = Status("P", "Volatility Trading Pause", "LUDP", "Volatility Trading Pause")
UTP_RESUME: Final = Status("T", "Trading Resumption", "R4", "Qualifications Issues Reviewed/Resolved; Trading Resumed")
CTA_HALT: Final = Status("2", "Trading Halt", "P", "News Pending")
CTA_PAUSE: Final = Status("2", "Trading Halt", "M", "Volatility Trading Pause")
CTA_RESUME: Final = Status("3", "Resume", "", "")


def halt_status(security: Security, wanted: str) -> Status:
    """The status of a halt; `wanted` is a code that a switch asks for: P or M for a pause by volatility."""
    halt, pause = (UTP_HALT, UTP_PAUSE) if security.is_utp else (CTA_HALT, CTA_PAUSE)
    status = pause if wanted in {"P", "M"} else halt
    return status._replace(code=wanted) if wanted and wanted not in {"P", "M"} else status


def resume_status(security: Security) -> Status:
    """The status that ends every halt."""
    return UTP_RESUME if security.is_utp else CTA_RESUME
