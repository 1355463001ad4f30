"""The machine that the figures are of."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

PACKAGES: Final = ("grpcio", "protobuf", "uvloop", "msgspec")


def describe() -> str:
    """Processor, cores, load, interpreter and versions, in two lines."""
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    packages = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return (
        f"machine: {_processor()}, {len(os.sched_getaffinity(0))} cores, load {load}\n"
        f"{platform.python_implementation()} {platform.python_version()}, {packages}, "
        f"{platform.system()} {platform.release()}"
    )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
