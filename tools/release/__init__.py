"""Releases of one distribution at a time: `python -m tools.release`."""
