"""Venue adapters: what a venue says, as normalised quote updates.

The way of the data starts here. `model` holds the types that leave an adapter, one folder a venue turns the venue's
messages into them, and `connection` keeps the sockets alive. Nothing here knows the server.
"""
