"""`python -m tickmux_simulators`."""

import sys

from tickmux_simulators.cli import main

if __name__ == "__main__":
    sys.exit(main())
