"""`python -m tickmux_server.cli` is the `tickmux` command."""

import sys

from tickmux_server.cli import main

if __name__ == "__main__":
    sys.exit(main())
