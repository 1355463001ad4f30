"""Ways to break the server's delivery, each of which the validator of the promise that it breaks must notice.

They reach into the product from outside, in a process or a test of their own; nothing in the product knows of them.
"""

from collections.abc import Callable, Mapping
from typing import Final

MUTANTS: Final[Mapping[str, Callable[[], None]]] = {}
"""By name; calling one breaks the server of this process."""
