"""Pages of the documentation that are generated: `python -m tools.reference`."""
