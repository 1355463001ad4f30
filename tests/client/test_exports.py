import subprocess
import sys
from pathlib import Path

import pytest

import tickmux_client
from tickmux_client import sync

PUBLIC = [
    "AccessDeniedError", "CaughtUp", "Client", "Conflated", "ConnectOptions", "Delivery", "Disconnected", "Event",
    "GoingAway", "Hole", "Instrument", "InstrumentState", "Instruments", "InvalidRequestError", "Quote", "QuoteFlag",
    "Reconnected", "Reset", "SelectionOptions", "Snapshot", "SourceChanged", "SourceState", "SourceStatus",
    "SubscribeOptions", "Subscription", "TickmuxClientError", "UnavailableError", "UnimplementedError", "Unmatched",
    "connect", "connect_sync", "to_pandas", "to_polars",
]  # fmt: skip


def test_the_public_names_are_these() -> None:
    assert tickmux_client.__all__ == PUBLIC
    assert sync.__all__ == ["Client", "Subscription", "connect"]
    assert tickmux_client.connect_sync is sync.connect


def test_both_flavours_offer_the_same() -> None:
    def public(client: type) -> set[str]:
        return {name for name in vars(client) if not name.startswith("_")}

    assert public(tickmux_client.Client) == public(sync.Client)
    assert public(tickmux_client.Subscription) == {"resume_token", "aclose"}
    assert public(sync.Subscription) == {"resume_token", "close"}


@pytest.mark.parametrize("module", ["tickmux_client", "tickmux_client.sync"])
def test_the_client_needs_the_base_install_only(module: str) -> None:
    blocked = ["aiohttp", "msgspec", "uvloop", "rich", "grpc_health", "grpc_reflection", "tickmux_server"]
    blocked += ["pandas", "polars", "numpy"]
    program = f"import sys; sys.modules.update(dict.fromkeys({blocked})); import {module}"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_it_ships_its_types() -> None:
    assert Path(tickmux_client.__file__).with_name("py.typed").exists()
