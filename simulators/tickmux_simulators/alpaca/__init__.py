"""The simulated Alpaca: market data of stocks and coins."""
