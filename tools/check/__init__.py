"""Checks of the repository that no other tool does: `python -m tools.check`."""
