"""What Alpha Vantage says instead of data; all of it with HTTP 200."""

import json
from typing import Final

from tickmux_simulators.venue import Answer

PREMIUM: Final = "https://www.alphavantage.co/premium/"
SUPPORT: Final = "https://www.alphavantage.co/support/#api-key"
DOCUMENTATION: Final = "https://www.alphavantage.co/documentation/"
THANKS: Final = "Thank you for using Alpha Vantage!"
DELAYED_SUFFIX: Final = " - DATA DELAYED BY 15 MINUTES"


def _body(key: str, text: str) -> Answer:
    return Answer(200, json.dumps({key: text}, indent=4))


def information(text: str) -> Answer:
    """A refusal that is none of the client's mistakes."""
    return _body("Information", text)


def day_spent(key: str, per_day: int, *, has_key: bool = True) -> Answer:
    """The requests of the day are spent; the newer wording repeats the key."""
    subject = f"We have detected your API key as {key} and our" if has_key else f"{THANKS} Our"
    return information(
        f"{subject} standard API rate limit is {per_day} requests per day. Please subscribe to any of the premium "
        f"plans at {PREMIUM} to instantly remove all daily rate limits."
    )


def burst(per_day: int) -> Answer:
    """More than one request in a second; the text speaks of the day too."""
    return information(
        f"{THANKS} Please consider spreading out your free API requests more sparingly (1 request per second). You may "
        f"subscribe to any of the premium plans at {PREMIUM} to lift the free key rate limit ({per_day} requests per "
        "day), raise the per-second burst limit, and instantly unlock all premium endpoints"
    )


def note(per_minute: int, tail: str) -> Answer:
    """Too many requests in a minute."""
    return _body(
        "Note",
        f"{THANKS} Our standard API call frequency is {per_minute} calls per minute{tail}. Please visit {PREMIUM} if "
        "you would like to target a higher API call frequency.",
    )


def legacy_note() -> Answer:
    """The rate limit as it was until 2023."""
    return note(5, " and 500 calls per day")


def premium_endpoint() -> Answer:
    """The function is not for free keys."""
    return information(
        f"{THANKS} This is a premium endpoint. You may subscribe to any of the premium plans at {PREMIUM} to instantly "
        "unlock all premium endpoints"
    )


def not_entitled(entitlement: str) -> Answer:
    """The key has no right to realtime or delayed data of US stocks. The wording is ours: none was recorded."""
    return information(
        f"{THANKS} Your API key does not have the {entitlement} entitlement to US market data. You may subscribe to "
        f"any of the premium plans at {PREMIUM} that mention it, and accept the data agreement there"
    )


def demo_key() -> Answer:
    """The demo key was used for something else than the documentation's examples."""
    return information(
        "The **demo** API key is for demo purposes only. Please claim your free API key at "
        f"({SUPPORT}) to explore our full API offerings. It takes fewer than 20 seconds, and we are committed to "
        "making it free forever."
    )


def invalid_call(function: str) -> Answer:
    """A parameter is missing or wrong."""
    return error_message(f"Invalid API call. Please retry or visit the documentation ({DOCUMENTATION}) for {function}.")


def bad_key() -> Answer:
    """The key is missing or none."""
    return error_message(
        f"the parameter apikey is invalid or missing. Please claim your free API key on ({SUPPORT}). It should take "
        "less than 20 seconds."
    )


def error_message(text: str) -> Answer:
    """A mistake of the client's."""
    return _body("Error Message", text)


ARTIFICIAL: Final = (
    "This is a premium endpoint. ***THE SAMPLE DATA SCHEMA BELOW IS ARTIFICIAL AND FOR ILLUSTRATION PURPOSES ONLY***. "
    "To access the actual data, please subscribe to any premium plan that mentions 'Realtime US Market Data' in its "
    f"description at {PREMIUM} for your personal non-professional use. For professional/commercial use, please contact "
    "support at support@alphavantage.co."
)
"""The message of bulk quotes that are a sample: in all else they look like data."""
