"""`python -m benchmarks.pinned CORE COMMAND …`: become a command that may use one core only, with all its threads."""

import os
import sys

if __name__ == "__main__":
    core, *command = sys.argv[1:]
    os.sched_setaffinity(0, {int(core)})
    os.execvp(command[0], command)
