"""The log of `tickmux serve`: one line a record, times in UTC, to stderr or to a file."""

import logging
import time
from pathlib import Path
from typing import Final

from tickmux_adapters.secrets import HIDDEN, redact
from tickmux_server.access.tokens import TOKEN

FORMAT: Final = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s"
OTHERS_LEVEL: Final = logging.WARNING


class OneLineFormatter(logging.Formatter):
    """Keeps a record on one line, a traceback included, so that `grep` and log collectors see it whole."""

    def __init__(self) -> None:
        super().__init__(FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; no control character of a venue's text reaches a terminal, and no key a log."""
        text = TOKEN.sub(HIDDEN, redact(super().format(record))).replace("\n", " | ")
        return "".join(character if character.isprintable() else "?" for character in text)


class TextOnly(logging.Filter):
    """Drops what gRPC tells of headers that are no text: whole, with a traceback, as often as a stranger sends them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to keep a record."""
        text = record.getMessage()
        return not (text.startswith("Invalid encoding on ") or "UnicodeDecodeError" in text)


def configure_logging(level: str, file: Path | None) -> None:
    """Send our own records of `level` and worse, and other packages' warnings, to a file or to stderr."""
    handler = logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler()
    handler.setFormatter(OneLineFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(OTHERS_LEVEL)
    logging.getLogger("grpc._cython.cygrpc").addFilter(TextOnly())
    for package in ("tickmux_server", "tickmux_adapters"):
        logging.getLogger(package).setLevel(level.upper())
