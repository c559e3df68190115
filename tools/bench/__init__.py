"""Measures `datacoolie run` against the same job by hand: `python -m tools.bench`."""
