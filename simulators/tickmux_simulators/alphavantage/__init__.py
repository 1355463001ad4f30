"""The simulated Alpha Vantage."""
