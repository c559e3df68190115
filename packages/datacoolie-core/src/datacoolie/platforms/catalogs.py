"""What a platform's own catalog of tables is told, so that other engines find them by name; and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.types import Schema
    from datacoolie.platforms.base import BasePlatform


class CatalogFormat(StrEnum):
    """How the files of a table in a catalog are read."""

    DELTA = "delta"
    """By Delta's log."""
    PARQUET = "parquet"
    """All Parquet files of the table's folder."""
    SYMLINK = "symlink"
    """The Parquet files that symlink manifests list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogTable:
    """A table as a catalog is to have it.

    Attributes:
        database: where in the catalog it is.
        name: what it is called there.
        format: how its files are read.
        location: path or URI of its folder.
        columns: in order, without those that tell partitions apart; empty: the catalog's stay as they are, and there is
            no table where it has none.
        whole: `columns` are all there are; otherwise other ones that the catalog has stay.
        partition_columns: in order.
        partitions: folders of partitions below the location, each with the values as texts. Those that the catalog has
            beyond them go away.
        results: where a statement that tries the table leaves its results; `None`: it is not tried.
    """

    database: str
    name: str
    format: CatalogFormat
    location: str
    columns: Schema
    whole: bool = True
    partition_columns: Schema = field(default_factory=dict)
    partitions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    results: str | None = None


@runtime_checkable
class RegistersTables(Protocol):
    """A platform with a catalog of tables."""

    def register(self, table: CatalogTable) -> None:
        """Make the catalog have a table; nothing is changed when it already has it. May be done again at any time.

        Raises:
            ConfigurationError: what has this name in the catalog is another table.
            PlatformError: the catalog refuses, does not answer, or can't read the table.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTable:
    """Where a table of a catalog is.

    Attributes:
        uri: its folder.
        platform: gets at that folder's files.
    """

    uri: str
    platform: BasePlatform


@runtime_checkable
class NamesTables(Protocol):
    """A platform whose catalog says where tables are, for engines that know paths only."""

    def find_table(self, name: str, *, writes: bool) -> NamedTable:
        """Return where a table is.

        Args:
            name: `catalog.schema.table`.
            writes: whether it is written to.

        Raises:
            PathNotFoundError: there is no such table.
            AccessDeniedError: it may not be read, or not be written to.
            PlatformError: it is no table with files of its own.
        """
