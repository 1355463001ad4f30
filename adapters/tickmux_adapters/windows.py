"""How the windows of allowances are called. Imports nothing, as the command line of a client alone uses it too."""

import math


def window_text(window_s: float) -> str:
    """A window as people say it: `a minute`, `a day`, `10 s`."""
    names = {1.0: "a second", 60.0: "a minute", 3600.0: "an hour", 86_400.0: "a day"}
    return names.get(window_s, f"{math.ceil(window_s):d} s")
