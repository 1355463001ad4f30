"""What an Acme source may set, and what the exchange says."""

import msgspec

from tickmux_adapters.registry import SourceSettings


class AcmeSettings(SourceSettings, kw_only=True, forbid_unknown_fields=True):
    """Settings of an Acme source; times are in seconds."""

    url: str = "https://api.acme.example"
    key: str
    poll_s: float = 1.0
    answer_timeout_s: float = 10.0
    retry_cap_s: float = 30.0


class Entry(msgspec.Struct):
    """`{"code":"ACME-USD","base":"ACME","quote":"USD"}`."""

    code: str
    base: str
    quote: str


class Listing(msgspec.Struct):
    """Body of `/v1/listing`."""

    listing: list[Entry]


class Ticker(msgspec.Struct):
    """`{"code":"ACME-USD","bid":"0.0123","ask":"0.0125","last":"0.0124","volume":"12.5","time_us":1790446152679123}`."""

    code: str
    bid: str
    ask: str
    last: str
    volume: str
    time_us: int | None = None


class Quotes(msgspec.Struct):
    """Body of `/v1/quotes`; entries are read one by one, so that a bad one leaves the others alone."""

    quotes: list[msgspec.Raw]
