"""Alpha Vantage, polled: last price and volume of stocks, rates of exchange of currencies and coins."""

from tickmux_adapters.alphavantage.adapter import ADAPTER

__all__ = ["ADAPTER"]
