"""What a demo changes of the settings it is given."""

from pathlib import Path

import pytest

from tickmux_adapters.alphavantage import ADAPTER
from tickmux_adapters.alphavantage.settings import AlphaVantageSettings
from tickmux_server.config import Config
from tickmux_server.demo import simulated_venues


async def test_a_demo_of_a_real_configuration_spends_nothing_of_the_real_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The demo sets this one, which must not outlive the test.
    monkeypatch.setenv("SIMULATED_ALPHAVANTAGE_KEY", "")
    mine = AlphaVantageSettings(
        adapter="alphavantage", symbols=["IBM"], requests_per_day=25, budget_file=str(tmp_path / "budget.json")
    )
    async with simulated_venues(Config(sources={"av": mine}), None) as config:
        settings = config.sources["av"]
    assert isinstance(settings, AlphaVantageSettings)
    assert settings.budget_file is None
    assert settings.key_variable != mine.key_variable
    assert settings.rest_url.startswith("http://127.0.0.1:")
    assert settings.simulated
    assert ADAPTER.is_simulated(settings)
    assert (settings.symbols, settings.requests_per_day) == (["IBM"], 25)
