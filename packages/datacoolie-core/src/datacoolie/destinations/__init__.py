"""Destinations: one atomic commit per load."""
