"""The program `follow` of each language, built: it prints what the user of a client sees, one JSON object a line."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.clients_go.toolchain import BUILD_S as GO_BUILD_S
from tests.clients_go.toolchain import build, require_go
from tests.clients_java.toolchain import BUILD_S as JAVA_BUILD_S
from tests.clients_java.toolchain import PROGRAMS, program, require_java

BUILD_S = max(GO_BUILD_S, JAVA_BUILD_S)


def _go(folder: Path) -> list[str]:
    require_go()
    return [str(build("./tests/clients_go/follow", folder))]


def _java(folder: Path) -> list[str]:
    require_java()
    return program("Follow", [PROGRAMS / "follow" / "Follow.java"], folder)


_BUILDERS: dict[str, Callable[[Path], list[str]]] = {"go": _go, "java": _java}
LANGUAGES = tuple(_BUILDERS)


async def follow(language: str, folder: Path) -> list[str]:
    """The command of the program, without its target; a skip where the language's toolchain is missing."""
    return await asyncio.to_thread(_BUILDERS[language], folder)
