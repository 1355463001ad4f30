"""How a file stands on disk: whether it has changed, and who else can read it."""

import stat
from pathlib import Path

Signature = tuple[int, int, int] | None
"""What changes when a file does; None for one that is not there."""


def signature(path: Path) -> Signature:
    """What to compare in order to know whether a file has changed. Never raises."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def is_open_to_all(path: Path) -> bool:
    """Whether anyone on this machine can read a file."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
