"""The currencies of states, to tell them from coins: venues list and answer for both in the same way."""

from typing import Final

CURRENCIES: Final = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF
    IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK
    MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR
    SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES
    VND VUV WST XAF XAG XAU XCD XCG XOF XPD XPF XPT YER ZAR ZMW ZWG
    CNH
    """.split()  # noqa: SIM905 - as a list of literals it would take a screen
)
"""ISO 4217, metals included and test codes not; and the yuan as it is traded abroad, which has no code there."""


def pair_type(base: str, quote: str) -> str:
    """The asset class of a pair: `fx` where both are currencies of states, else `crypto`.

    Args:
        base: code in upper case, canonical.
        quote: the same.
    """
    return "fx" if base in CURRENCIES and quote in CURRENCIES else "crypto"
