"""Simulated venues: the venues' side of the wire, written from their documents."""
