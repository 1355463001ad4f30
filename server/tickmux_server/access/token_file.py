"""The file of tokens: read with its permissions looked at, changed as a whole or not at all."""

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tickmux_server.access import tokens
from tickmux_server.access.tokens import TokenRecord
from tickmux_server.errors import TickmuxError

if sys.platform != "win32":
    import fcntl

FILE_BYTES_MAX: Final = 4 * 1024 * 1024
_MODE: Final = 0o600


class TokenFileUnusable(TickmuxError):
    """The file of tokens cannot be read, or not be trusted."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


class TokenFile:
    """A file of tokens, one record a line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[TokenRecord, ...]:
        """Every record of it.

        Raises:
            TokenFileUnusable: It cannot be read, others can write to it, or it holds something else.
        """
        try:
            with self.path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read(FILE_BYTES_MAX + 1)
        except OSError as error:
            raise TokenFileUnusable(self.path, f"cannot be read: {error.strerror}") from error
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise TokenFileUnusable(self.path, f"others than its owner can write to it: run chmod 600 {self.path}")
        if len(content) > FILE_BYTES_MAX:
            raise TokenFileUnusable(self.path, f"is larger than {FILE_BYTES_MAX} bytes, so it is no token file")
        try:
            return tokens.parse(content.decode())
        except ValueError as error:
            problem = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
            raise TokenFileUnusable(self.path, problem) from None

    def change(
        self,
        edit: Callable[[Sequence[TokenRecord]], Sequence[TokenRecord]],
        *,
        create: bool = False,
        confirm: Callable[[], None] = lambda: None,
    ) -> None:
        """Read it, replace it by what `edit` makes of its records, and keep every other change out meanwhile.

        Args:
            edit: Gives the new records; what it raises leaves the file as it was.
            create: Begin with an empty file where there is none.
            confirm: Called once the new content is on disk, before it takes the place of the old; what it raises leaves
                the file as it was.

        Raises:
            TokenFileUnusable: It cannot be read or written.
        """
        # What a symbolic link names is replaced, not the link.
        target = self.path.resolve()
        with self._locked(target.parent):
            is_new = create and not target.exists()
            records = edit(() if is_new else TokenFile(target).read())
            try:
                _replace(target, tokens.dump(records).encode(), confirm)
            except OSError as error:
                raise TokenFileUnusable(self.path, f"cannot be written: {error.strerror}") from error

    @contextlib.contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        """Hold the folder's lock: one on the file itself would go with the file that is replaced."""
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError as error:
            raise TokenFileUnusable(self.path, f"its folder cannot be opened: {error.strerror}") from error
        try:
            if sys.platform != "win32":
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _replace(target: Path, content: bytes, confirm: Callable[[], None]) -> None:
    """Put a file in the place of another at once; whoever reads meanwhile sees the one or the other, whole."""
    before = target.stat() if target.exists() else None
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if before is not None and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                # The server that reads it runs as its owner; whoever may not give files away keeps them.
                with contextlib.suppress(PermissionError):
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
            # A group that was let in to read stays in; nobody else does.
            os.fchmod(file.fileno(), _MODE | ((before.st_mode & stat.S_IRGRP) if before else 0))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        confirm()
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
