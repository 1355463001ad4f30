"""What a key has spent, kept in a small file, so that a restart does not spend it again."""

import hashlib
import logging
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tickmux_adapters.budget import Spending

logger = logging.getLogger(__name__)

FILE_BYTES_MAX: Final = 1 << 20


class BudgetRecord(msgspec.Struct, frozen=True):
    """The file's content, as JSON."""

    salt: str
    key_print: str
    """Tells whether the record is of the key at hand; the key itself cannot be found from it."""
    spent: list[Spending]


class BudgetFile:
    """Reads and writes the record of one source. A file that cannot be used is said once and done without."""

    def __init__(self, path: Path, key: str) -> None:
        self.problem = ""
        """Why the file does not serve, in one line; empty while it does."""
        self._path = path
        self._key = key
        self._salt = secrets.token_hex(8)

    def load(self) -> list[Spending]:
        """What the key had spent; nothing without a file, or when it is another key's."""
        try:
            with self._path.open("rb") as file:
                body = file.read(FILE_BYTES_MAX)
        except FileNotFoundError:
            return []
        except OSError as error:
            self._fails(f"cannot be read: {error.strerror}")
            return []
        try:
            record = msgspec.json.decode(body, type=BudgetRecord)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self._fails("does not hold what was written there, and is begun anew")
            return []
        if record.key_print != _key_print(self._key, record.salt):
            return []
        self._salt = record.salt
        return record.spent

    def save(self, spent: Sequence[Spending]) -> None:
        """Write what was spent, whole or not at all."""
        record = BudgetRecord(self._salt, _key_print(self._key, self._salt), list(spent))
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside.write_bytes(msgspec.json.encode(record))
            beside.replace(self._path)
        except OSError as error:
            self._fails(f"cannot be written: {error.strerror}")
        else:
            self.problem = ""

    def _fails(self, problem: str) -> None:
        problem = f"the budget's file {self._path} {problem}; a restart would forget what is spent"
        if problem != self.problem:
            self.problem = problem
            logger.warning("%s", problem)


def default_path(source: str, environment: Mapping[str, str] | None = None) -> Path | None:
    """Where a source's record lies if nothing is configured: in the user's state directory; None without a home.

    XDG Base Directory Specification: $XDG_STATE_HOME, by default ~/.local/state.
    """
    given = os.environ if environment is None else environment
    state = given.get("XDG_STATE_HOME") or ""
    if not Path(state).is_absolute():
        home = given.get("HOME") or ""
        if not home:
            return None
        state = str(Path(home, ".local", "state"))
    return Path(state, "tickmux", f"{source}.budget.json")


def _key_print(key: str, salt: str) -> str:
    return hashlib.scrypt(key.encode(), salt=salt.encode(), n=2**12, r=8, p=1, dklen=12).hex()
