"""Takes part in the conformance with an asyncio client that is broken in the way of a mutant."""

import asyncio
import json
import sys

from tests.conformance.mutants import MUTANTS
from tests.conformance.python.asyncio_program import main

if __name__ == "__main__":
    name, target, options = sys.argv[1:]
    MUTANTS[name].break_client()
    asyncio.run(main(target, json.loads(options)))
