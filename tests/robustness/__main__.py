"""`python -m tests.robustness`: see README.md beside this file."""

import argparse
import sys
from collections.abc import Sequence

from tests.robustness.campaign import campaign
from tests.robustness.mutants import MUTANTS
from tests.robustness.plan import Fault


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.robustness",
        description="Starts the server, simulated venues and clients, lets things go wrong, and holds every promise "
        "against what was recorded. A seed decides what happens; it stops at the first broken promise.",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the first run (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=10, help="of consecutive seeds (default: %(default)s)")
    parser.add_argument("--faults", type=int, default=2, help="least faults in a run (default: %(default)s)")
    parser.add_argument("--only", action="append", type=Fault, metavar="FAULT", default=[], help="choose among these")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="break the server in this way")
    parser.add_argument("--keep", action="store_true", help="keep the records of clean runs too")
    options = parser.parse_args(arguments)
    is_clean = campaign(
        options.seed,
        options.runs,
        faults=options.faults,
        only=options.only,
        mutant=options.mutant,
        keep=options.keep,
        say=_say,
    )
    return 0 if is_clean else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
