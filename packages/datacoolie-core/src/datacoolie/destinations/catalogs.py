"""What a destination registers in the platform's catalog of tables, as far as its connection asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacoolie.core.models import LakehouseSettings
from datacoolie.core.types import Schema, StringType
from datacoolie.destinations.symlinks import FOLDER
from datacoolie.engines.partitions import NULL, values_of_folders
from datacoolie.platforms import CatalogFormat, CatalogTable, RegistersTables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacoolie.core.models import Connection, DataFlow
    from datacoolie.platforms import BasePlatform


def database_of(flow: DataFlow, connection: Connection) -> str:
    """Return the database in which a flow's table is registered; empty when nothing says it."""
    return flow.destination.schema_name or connection.database or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrar:
    """Registers the table of one dataflow, whose platform has a catalog.

    Attributes:
        flow: loads it.
        connection: its destination.
        platform: has the catalog.
        location: the table's folder.
    """

    flow: DataFlow
    connection: Connection
    platform: BasePlatform
    location: str

    def parquet(self, columns: Schema, files: Iterable[str], *, whole: bool) -> None:
        """Register a folder of Parquet files, whose partitions are texts.

        Args:
            columns: of the newest files, without those of partitions; none when no file was added.
            files: paths of all files.
            whole: files have no other columns.

        Raises:
            ConfigurationError: what has this name in the catalog is another table.
            PlatformError: the catalog refuses, or does not answer.
        """
        folders = {path[len(self.location) + 1 :].rpartition("/")[0] for path in files}
        self._register(CatalogFormat.PARQUET, self.location, columns, folders, whole=whole)

    def delta(self, columns: Schema) -> None:
        """Register a Delta table, whose partitions its log knows; raises as `parquet`."""
        self._register(CatalogFormat.DELTA, self.location, columns, ())

    def symlinks(self, columns: Schema, folders: Iterable[str]) -> None:
        """Register the manifests of a Delta table; raises as `parquet`.

        Args:
            columns: all of them.
            folders: those of the manifests, below the one of all.
        """
        settings = self.connection.settings_as(LakehouseSettings)
        root = f"{self.location}/{FOLDER}"
        self._register(CatalogFormat.SYMLINK, root, columns, folders, prefix=settings.symlink_database_prefix)

    def _register(  # noqa: PLR0913 - the parts of a table
        self,
        kind: CatalogFormat,
        location: str,
        columns: Schema,
        folders: Iterable[str],
        *,
        whole: bool = True,
        prefix: str = "",
    ) -> None:
        partitions = {folder: values_of_folders(f"{folder}/", "") for folder in sorted(folders) if folder}
        names = next(iter(partitions.values()), {})
        table = CatalogTable(
            database=f"{prefix}{database_of(self.flow, self.connection)}",
            name=str(self.flow.destination.table),
            format=kind,
            location=location,
            columns={name: type_ for name, type_ in columns.items() if name not in names},
            whole=whole,
            partition_columns={name: columns.get(name, StringType()) for name in names},
            partitions={
                folder: tuple(NULL if value is None else value for value in values.values())
                for folder, values in partitions.items()
                if values.keys() == names.keys()
            },
            results=self._results,
        )
        if isinstance(self.platform, RegistersTables):
            self.platform.register(table)

    @property
    def _results(self) -> str | None:
        settings = self.connection.settings
        return settings.athena_output_location if isinstance(settings, LakehouseSettings) else None
