"""What the codes of trades and trading statuses mean for a quote.

The codes are those of the two plans that report US stocks: CTA (tapes A and B) and UTP (tape C; O is over the
counter). Sources: the sale-condition matrices of the CTS and UTP trade feeds' specifications ("consolidated processing:
update last"), and the security-status and trading-action codes of the same.
"""

from collections.abc import Iterable
from typing import Final

NOT_THE_PRESENT_MARKET: Final = frozenset("CGHMNPQRUVWZ479")
"""Sale conditions of trades whose price is not that of the market at their time; the last price stays as it was.

C cash and N next-day settlement, R seller: settled otherwise, so priced otherwise. G bunched sold, Z sold out of
sequence, U the same outside regular hours: reported late. H price variation, P prior reference price, W average price,
4 derivatively priced, V contingent and 7 qualified contingent: priced by something else. M and Q, a market's official
close and open, and 9, a corrected close: figures that are published, at which nobody trades at that moment.

The matrices let neither I (odd lot) nor T (outside regular hours) update the last price. Both are taken here: they are
trades at the present market, on IEX most are odd lots, and the last price of a stock is of no use in the morning if it
is that of the evening before. L (sold last) is taken, as the matrices say.
"""
AVERAGE_PRICE_OF_CTA: Final = "B"
"""On tapes A and B an average price; on tape C a bunched trade, which counts."""
CTA_TAPES: Final = frozenset("AB")

HALTS: Final = frozenset("124HP")
"""Statuses in which a stock does not trade. CTA: 1 opening delay, 2 trading halt (volatility pauses included, whose
reason is M), 4 no open or no resume. UTP: H trading halt, P volatility pause."""
RESUMES: Final = frozenset("3TX")
"""Statuses that end a halt. CTA: 3 resume. UTP: T trading resumption; X, of stocks over the counter, quotation and
trading resumption.

UTP's Q is quotation resumption: quotes may come, trades not yet, so the halt stands. All others (price indications,
imbalances, price bands, short-sale restrictions, codes of the future) neither begin a halt nor end one: a halt that is
taken for over costs money, one that lasts a little longer here does not.
"""


def is_present_market(conditions: Iterable[str] | None, tape: str) -> bool:
    """Whether a trade's price is that of the market when it was made.

    Args:
        conditions: codes of one character each, in an array or in one text; none for crypto.
        tape: A, B, C or O; empty for crypto.
    """
    if not conditions:
        return True
    if tape in CTA_TAPES and AVERAGE_PRICE_OF_CTA in conditions:
        return False
    return NOT_THE_PRESENT_MARKET.isdisjoint(conditions)


def halts(code: str) -> bool | None:
    """Whether a status halts a stock or ends its halt; None if it does neither."""
    return True if code in HALTS else False if code in RESUMES else None
