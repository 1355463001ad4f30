"""What a key has spent, kept in a small file, so that a restart does not spend it again."""

import functools
import hashlib
import logging
import os
import secrets
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tickmux_adapters.budget import Spending

logger = logging.getLogger(__name__)

FILE_BYTES_MAX: Final = 1 << 20
KEYS_MAX: Final = 8
"""Keys that one file remembers; the one that spent longest ago is forgotten first."""

_writing: Final = threading.Lock()
"""Held from reading a file until it is replaced, as sources may share one."""


class KeyRecord(msgspec.Struct, frozen=True):
    """What one key has spent."""

    key_print: str
    """Tells whose record it is; the key itself cannot be found from it."""
    spent: list[Spending]


class BudgetRecords(msgspec.Struct, frozen=True):
    """The file's content, as JSON."""

    salt: str
    """Goes into every print."""
    keys: list[KeyRecord]
    """The one that was written last comes last."""


class BudgetFile:
    """Reads and writes the record of one key at a time, and leaves those of others alone.

    A file that cannot be used is said once and done without.
    """

    def __init__(self, path: Path, key: str | Callable[[], str]) -> None:
        """`key` is the key, or tells it where another may take its place while we run, and raises VenueError then."""
        self.problem = ""
        """Why the file does not serve, in one line; empty while it does."""
        self._path = path
        self._key = key
        self._new_salt = secrets.token_hex(8)

    def load(self) -> list[Spending]:
        """What the present key had spent; nothing where the file does not know it.

        Raises:
            VenueError: there is no key.
        """
        key = self._present_key()
        records, problem = self._read()
        if problem:
            self._fails(problem)
        key_print = _key_print(key, records.salt)
        return next((record.spent for record in records.keys if record.key_print == key_print), [])

    def save(self, spent: Sequence[Spending]) -> None:
        """Write what the present key has spent, whole or not at all.

        Raises:
            VenueError: there is no key.
        """
        key = self._present_key()
        with _writing:
            # What is wrong with it was said when it was loaded: now it is begun anew.
            records, _ = self._read()
            key_print = _key_print(key, records.salt)
            others = [record for record in records.keys if record.key_print != key_print]
            keys = [*others[-(KEYS_MAX - 1) :], KeyRecord(key_print, list(spent))]
            try:
                self._write(msgspec.structs.replace(records, keys=keys))
            except OSError as error:
                self._fails(f"cannot be written: {error.strerror}")
            else:
                self.problem = ""

    def _present_key(self) -> str:
        return self._key if isinstance(self._key, str) else self._key()

    def _read(self) -> tuple[BudgetRecords, str]:
        """What the file holds, and why it holds nothing that can be used, if there is more to it than that."""
        nothing = BudgetRecords(self._new_salt, [])
        try:
            with self._path.open("rb") as file:
                body = file.read(FILE_BYTES_MAX)
        except FileNotFoundError:
            return nothing, ""
        except OSError as error:
            return nothing, f"cannot be read: {error.strerror}"
        try:
            return msgspec.json.decode(body, type=BudgetRecords), ""
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return nothing, "does not hold what was written there, and is begun anew"

    def _write(self, records: BudgetRecords) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Readable to its owner alone, and under a name that nobody can have laid a link at.
        descriptor, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(records))
            Path(name).replace(self._path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

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


@functools.lru_cache(maxsize=2 * KEYS_MAX)
def _key_print(key: str, salt: str) -> str:
    # As costly as is bearable once, so that keys cannot be tried against it.
    return hashlib.scrypt(key.encode(), salt=salt.encode(), n=2**12, r=8, p=1, dklen=12).hex()
