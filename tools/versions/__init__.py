"""Tests with the lowest and highest versions that the packages' ranges allow: `python -m tools.versions`."""
