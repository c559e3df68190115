"""The page of what runs where, made of the cases that the tests run."""

from __future__ import annotations

from itertools import groupby

from tests.matrix import CASES, OF_TABLES

_HEAD = """# What runs where

Every combination of this table is loaded twice by a test, with new rows in between, and read back with another library
(`uv run pytest tests/test_matrix.py`; the list is `tests/matrix.py`). What is not in it is refused by name before
anything is read, or not tested on that platform yet.

On `aws` files, tables, states and leases are on S3, on `fabric` in a storage account of Azure (Azurite, whose protocol
OneLake has too), on `databricks` in an external location on S3, whose credentials a workspace gives away.
"""


def page() -> str:
    """Return the page: a row for each engine, platform and format, a column for each load type."""
    lines = [_HEAD, _row("engine", "platform", "format", *(f"`{name}`" for name in OF_TABLES))]
    lines.append(_row(*["---"] * (3 + len(OF_TABLES))))
    for place, cases in groupby(CASES, lambda case: (case.engine, case.platform, case.format)):
        has = {case.load_type for case in cases}
        lines.append(_row(*place, *("yes" if name in has else "" for name in OF_TABLES)))
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
