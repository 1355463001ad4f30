"""The Python client of Tickmux."""
