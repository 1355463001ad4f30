"""What several tests of one adapter start from."""

import pytest
from tests.adapters.alpaca_slot import Slot

from tickmux_adapters.alpaca.market import crypto_market, stock_market


@pytest.fixture
def stocks() -> Slot:
    return Slot(stock_market("iex"), "AAPL", "IBM")


@pytest.fixture
def crypto() -> Slot:
    return Slot(crypto_market("us"), "BTC/USD")
