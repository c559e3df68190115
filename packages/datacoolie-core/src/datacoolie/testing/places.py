"""Places for tables, and what the library of each format finds there, independent of any engine."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from deltalake import DeltaTable, write_deltalake
from pyiceberg.catalog import load_catalog

from datacoolie.engines import TableRef
from datacoolie.testing.base import Row, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table


class Place(ABC):
    """A folder for the tables of one format. Tables have short names.

    Attributes:
        format: as in `TableRef`.
        root: the folder.
    """

    format: ClassVar[str]

    def __init__(self, root: Path) -> None:
        """Remember the folder."""
        self.root = root

    @abstractmethod
    def ref(self, name: str, version: str | None = None) -> TableRef:
        """Return where an engine finds a table."""

    @abstractmethod
    def read(self, name: str) -> pa.Table:
        """Return a table's rows."""

    @abstractmethod
    def files(self, name: str) -> set[str]:
        """Return the data files of a table's newest version."""

    @abstractmethod
    def commits(self, name: str) -> int:
        """Return how many commits a table has."""

    @abstractmethod
    def said(self, name: str) -> Mapping[str, str]:
        """Return the entries `datacoolie.*` of the newest commit."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Return whether there is a table."""

    @abstractmethod
    def make(self, name: str, table: pa.Table) -> None:
        """Make a table as another program does."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """Remove a table."""

    def rows(self, name: str) -> list[Row]:
        """Return a table's rows in the one order in which suites compare them."""
        return rows_of(self.read(name))

    def listing(self) -> set[str]:
        """Return all files of all tables, seen or not, but for those of a catalog itself."""
        found = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return {path.as_posix() for path in found if path.suffix not in {".crc", ".db"}}


class DeltaPlace(Place):
    """Delta tables by path."""

    format = "delta"

    def ref(self, name: str, version: str | None = None) -> TableRef:
        """Return a reference by path."""
        return TableRef(format="delta", path=str(self.root / name), version=version)

    def read(self, name: str) -> pa.Table:
        """Read with delta-rs and Arrow."""
        return self.open(name).to_pyarrow_table()

    def files(self, name: str) -> set[str]:
        """Return the URIs that the log has."""
        return set(self.open(name).file_uris())

    def commits(self, name: str) -> int:
        """Return the number of versions."""
        return self.open(name).version() + 1

    def said(self, name: str) -> Mapping[str, str]:
        """Read the newest commit's `userMetadata`."""
        found: dict[str, str] = json.loads(self.open(name).history(1)[0]["userMetadata"])
        return {key: text for key, text in found.items() if key.startswith("datacoolie.")}

    def exists(self, name: str) -> bool:
        """Look for a log."""
        return DeltaTable.is_deltatable(str(self.root / name))

    def make(self, name: str, table: pa.Table) -> None:
        """Write with delta-rs."""
        write_deltalake(self.root / name, table)

    def drop(self, name: str) -> None:
        """Move the folder away."""
        (self.root / name).rename(self.root / f"dropped-{name}")

    def open(self, name: str) -> DeltaTable:
        """Return delta-rs' table."""
        return DeltaTable(self.root / name)


class IcebergPlace(Place):
    """Iceberg tables of one namespace in a catalog on SQLite."""

    format = "iceberg"

    def __init__(self, root: Path) -> None:
        """Name the catalog; nothing is made."""
        super().__init__(root)
        uri, warehouse = f"sqlite:///{root}/catalog.db", str(root / "warehouse")
        self.options = {"type": "sql", "uri": uri, "warehouse": warehouse}

    def ref(self, name: str, version: str | None = None) -> TableRef:
        """Return a reference by name."""
        return TableRef(format="iceberg", name=f"db.{name}", catalog_options=self.options, version=version)

    def read(self, name: str) -> pa.Table:
        """Read with pyiceberg."""
        with self.open(name) as table:
            return table.scan().to_arrow()

    def files(self, name: str) -> set[str]:
        """Return the files of the current snapshot."""
        with self.open(name) as table:
            return {task.file.file_path for task in table.scan().plan_files()}

    def commits(self, name: str) -> int:
        """Return the number of snapshots."""
        with self.open(name) as table:
            return len(table.snapshots())

    def said(self, name: str) -> Mapping[str, str]:
        """Read the current snapshot's summary."""
        with self.open(name) as table:
            snapshot = table.current_snapshot()
            summary = snapshot.summary.additional_properties if snapshot and snapshot.summary else {}
            return {key: text for key, text in summary.items() if key.startswith("datacoolie.")}

    def exists(self, name: str) -> bool:
        """Ask the catalog."""
        with self.catalog() as catalog:
            return catalog.table_exists(f"db.{name}")

    def make(self, name: str, table: pa.Table) -> None:
        """Create with pyiceberg."""
        with self.catalog() as catalog:
            catalog.create_namespace_if_not_exists("db")
            made = catalog.create_table(f"db.{name}", table.schema)
            if table.num_rows:
                made.append(table)

    def drop(self, name: str) -> None:
        """Remove it from the catalog; its files stay."""
        with self.catalog() as catalog:
            catalog.drop_table(f"db.{name}")

    @contextmanager
    def catalog(self) -> Iterator[Catalog]:
        """Return pyiceberg's catalog."""
        catalog = load_catalog("default", **self.options)
        try:
            yield catalog
        finally:
            catalog.close()

    @contextmanager
    def open(self, name: str) -> Iterator[Table]:
        """Return pyiceberg's table."""
        with self.catalog() as catalog:
            yield catalog.load_table(f"db.{name}")


PLACES: Mapping[str, type[Place]] = {place.format: place for place in (DeltaPlace, IcebergPlace)}
"""By format."""
