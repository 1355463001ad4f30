"""Golden lines from the recordings, with the adapters' own decoders.

`python -m tests.golden.produce` says which golden files differ from what the adapters make of the recordings now;
with `--write`, or `make golden`, it rewrites them. Look at the difference before you commit it: it is a change of what
users see.
"""

import argparse
import logging
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.golden.files import FOLDER, RECORDINGS, expected_path, rendered
from tests.golden.venues import alpaca, alphavantage, binance, coingecko, kraken
from tests.golden.venues.producer import Producer

PRODUCERS: Mapping[str, Mapping[str, Producer]] = {
    "alpaca": alpaca.PRODUCERS,
    "alphavantage": alphavantage.PRODUCERS,
    "binance": binance.PRODUCERS,
    "coingecko": coingecko.PRODUCERS,
    "kraken": kraken.PRODUCERS,
}
"""By venue and name of the recording."""


def golden_files() -> Iterator[tuple[Path, str]]:
    """Every golden file as it should be: where, and its text."""
    for venue, producers in PRODUCERS.items():
        for name, produce in producers.items():
            yield expected_path(venue, name), rendered(venue, name, produce(RECORDINGS / venue / name))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.golden.produce", description="Golden lines.")
    parser.add_argument("--write", action="store_true", help="rewrite the golden files")
    is_written = parser.parse_args().write
    if not RECORDINGS.is_dir():
        sys.stderr.write(f"the recordings are not at {RECORDINGS}: put the folder there\n")
        return 2
    # Frames that hold something else than quotes are skipped as planned; the table says how many.
    logging.getLogger("tickmux_adapters").setLevel(logging.ERROR)
    wanted = dict(golden_files())
    stale = [path for path in FOLDER.rglob("*.jsonl") if path not in wanted]
    stale += [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        sys.stdout.write(f"{path.relative_to(FOLDER)} {'rewritten' if is_written else 'differs'}\n")
        if is_written and path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        elif is_written:
            path.unlink()
    return 1 if stale and not is_written else 0


if __name__ == "__main__":
    sys.exit(main())
