"""What is killed: load types on formats, the rows that are loaded, and what has to be in the table afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import TypeAlias

Row: TypeAlias = tuple[object, ...]
"""Values of one row, in the order of a case's columns."""

Batch: TypeAlias = Sequence[Row]
"""Rows that land together: `id` rises from row to row, `key` comes back in later batches, then `at` and `text`."""

COLUMNS = ("id", "key", "at", "text")
"""Columns of the rows that land."""

_START = datetime(2024, 1, 1)  # noqa: DTZ001 - a column without zone is all this needs
_SHARED = 0.5
"""Part of a batch whose keys the batch before had too."""


def batch(number: int, rows: int, repeats: int = 1) -> list[Row]:
    """Return what lands as batch `number`, counted from 0.

    Args:
        number: which batch.
        rows: how many rows.
        repeats: how many rows of a batch have the same key.
    """
    first = number * rows
    shift = int(first * _SHARED)
    return [
        (first + i, (shift + i) // repeats, _START + timedelta(minutes=first + i), f"batch {number}")
        for i in range(rows)
    ]


def all_rows(batches: Sequence[Batch]) -> list[Row]:
    """Return what an append leaves: every row once."""
    return [row for rows in batches for row in rows]


def last_rows(batches: Sequence[Batch]) -> list[Row]:
    """Return what an overwrite leaves: the newest batch."""
    return list(batches[-1]) if batches else []


def newest_per_key(batches: Sequence[Batch]) -> list[Row]:
    """Return what a merge leaves: for each key the rows of the newest batch that has it."""
    found: dict[object, list[Row]] = {}
    for rows in batches:
        keys = {row[1] for row in rows}
        found = {key: kept for key, kept in found.items() if key not in keys}
        for row in rows:
            found.setdefault(row[1], []).append(row)
    return [row for rows in found.values() for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A load type on a format.

    Attributes:
        format: of the destination.
        load_type: as in the document.
        expected: what is in the table when these batches were loaded one by one.
        destination: further fields of the destination.
        columns: what is read from the table and compared with `expected`.
        repeats: how many rows of a batch have the same key.
        variant: what tells the case from another of the same format and load type.
    """

    format: str
    load_type: str
    expected: Callable[[Sequence[Batch]], list[Row]]
    destination: Mapping[str, object] = field(default_factory=dict)
    columns: tuple[str, ...] = COLUMNS
    repeats: int = 1
    variant: str = ""

    def __str__(self) -> str:
        """Return `FORMAT-LOAD_TYPE`, and the variant."""
        return "-".join(filter(None, (self.format, self.load_type, self.variant)))


def histories(batches: Sequence[Batch]) -> list[Row]:
    """Return what scd2 leaves: per key a version for each row, which ends where the next one begins."""
    found: dict[object, list[Row]] = {}
    for row in all_rows(batches):
        found.setdefault(row[1], []).append(row)
    return [
        (*row[:2], row[3], row[2], later[2] if later else None, later is None)
        for rows in found.values()
        for row, later in zip_longest(rows, rows[1:])
    ]


_KEYS: Mapping[str, object] = {"merge_keys": ["key"]}
_HISTORY = ("id", "key", "text", "__valid_from", "__valid_to", "__is_current")


def _of_tables(name: str) -> tuple[Case, ...]:
    """Return every load type on a table format."""
    return (
        Case(format=name, load_type="append", expected=all_rows),
        Case(format=name, load_type="overwrite", expected=last_rows),
        Case(format=name, load_type="merge_upsert", expected=newest_per_key, destination=_KEYS),
        Case(format=name, load_type="merge_overwrite", expected=newest_per_key, destination=_KEYS, repeats=2),
        Case(
            format=name,
            load_type="merge_overwrite",
            variant="window",
            expected=all_rows,
            destination={"configure": {"replace_by_watermark": True}},
        ),
        Case(
            format=name,
            load_type="scd2",
            expected=histories,
            destination={**_KEYS, "configure": {"scd2_effective_column": "at"}},
            columns=_HISTORY,
        ),
    )


def _of_files(name: str) -> tuple[Case, ...]:
    """Return every load type on a format of flat files."""
    return (
        Case(format=name, load_type="append", expected=all_rows),
        Case(format=name, load_type="overwrite", expected=last_rows),
    )


CASES = tuple(
    case
    for make, names in ((_of_tables, ("delta", "iceberg")), (_of_files, ("parquet", "csv", "jsonl", "json", "avro")))
    for name in names
    for case in make(name)
)
"""Every load type on every format that can be loaded into."""
