"""The keys of venues: read from the environment, or from a file that it names, and shown to nobody.

What was read once is known here for as long as the process lives, so that whatever is about to leave it as text, such
as a status or a record of the log, can be cleaned of it, wherever the text came from: venues echo keys in errors.
"""

import os
import re
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tickmux_adapters.errors import SettingsError, VenueRejected

FILE_SUFFIX: Final = "_FILE"
"""`NAME_FILE` names a file that holds what `NAME` would, as containers hand out secrets."""
HIDDEN: Final = "[key]"
KEY_CHARS_MIN: Final = 4
"""Anything shorter is no key."""
HIDDEN_CHARS_MIN: Final = 8
"""A shorter key protects nothing, and hiding it would blot out words: Alpha Vantage documents `demo` as one."""
KEY_CHARS_MAX: Final = 512
KNOWN_MAX: Final = 64
"""Keys kept in mind; those of a file change while we run, the oldest are forgotten first."""

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LIKE_A_KEY: Final = re.compile(r"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,}")
"""Venues make keys of such letters and digits; a name so long and without an underscore would be an odd one."""

_known: dict[str, None] = {}
_pattern: re.Pattern[str] | None = None


class KeyUnusable(VenueRejected):
    """A source has no key, or none that can be sent; nothing was asked of the venue."""

    def __init__(self, variable: str, problem: str) -> None:
        self.variable = variable
        super().__init__(f"{problem}: set {variable}, or {variable}{FILE_SUFFIX} to a file that holds it")


def check_variable(source: str, setting: str, name: str) -> None:
    """Refuse what is no name of an environment variable: it may be the key itself, and names are shown.

    Raises:
        SettingsError: names the setting, and does not quote what it holds.
    """
    if not _VARIABLE.fullmatch(name) or _LIKE_A_KEY.fullmatch(name):
        raise SettingsError(
            source,
            setting,
            "expected the name of an environment variable, such as MY_KEY: the key itself belongs in that variable",
        )


def read_key(variable: str, environment: Mapping[str, str] | None = None) -> str:
    """The key that a variable holds, or the file that the variable with `_FILE` behind it names; hidden from now on.

    Args:
        variable: name of the environment variable.
        environment: the process's own if not given.

    Raises:
        KeyUnusable: there is none, or it cannot be one.
    """
    given = os.environ if environment is None else environment
    key = given.get(variable, "").strip()
    file = given.get(variable + FILE_SUFFIX, "")
    if not key and file:
        try:
            key = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise KeyUnusable(variable, f"the key's file {file} cannot be read ({reason})") from None
    if not key:
        raise KeyUnusable(variable, "no key")
    if not KEY_CHARS_MIN <= len(key) <= KEY_CHARS_MAX or not key.isascii() or not key.isprintable() or " " in key:
        # Not quoted: whatever it is, it was meant to be secret.
        raise KeyUnusable(variable, "what stands for the key is none")
    hide(key)
    return key


def has_key(variable: str, environment: Mapping[str, str] | None = None) -> bool:
    """Whether a key is given, usable or not."""
    given = os.environ if environment is None else environment
    return bool(given.get(variable, "").strip() or given.get(variable + FILE_SUFFIX, ""))


def hide(key: str) -> None:
    """Keep a key out of every text that goes through `redact` from now on, unless it is too short to be a secret."""
    global _pattern  # noqa: PLW0603 - one process, one set of secrets, whoever writes the text
    if key in _known or len(key) < HIDDEN_CHARS_MIN:
        return
    _known[key] = None
    while len(_known) > KNOWN_MAX:
        del _known[next(iter(_known))]
    # As it is, and as it stands in a URL.
    forms = {form for known in _known for form in (known, urllib.parse.quote(known, safe=""))}
    # The longest first, as one key may begin another.
    alternatives = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    _pattern = re.compile(alternatives, re.IGNORECASE)


def redact(text: str) -> str:
    """The text with `[key]` in place of every key that was read."""
    return text if _pattern is None else _pattern.sub(HIDDEN, text)
