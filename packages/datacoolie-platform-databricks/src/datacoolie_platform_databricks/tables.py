"""Tables of Unity Catalog, for engines that know paths only."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

from databricks.sdk.service.catalog import DataSourceFormat, TableInfo, TableType

from datacoolie.core.exceptions import ErrorClass, PlatformError
from datacoolie.platforms import AccessDeniedError, NamedTable
from datacoolie_platform_databricks.clouds import parse
from datacoolie_platform_databricks.failures import errors
from datacoolie_platform_databricks.vending import TableVendor

if TYPE_CHECKING:
    from datacoolie_platform_databricks.client import Workspace
    from datacoolie_platform_databricks.cloud import CloudFiles

_RIGHTS = "Give the user or service principal USE CATALOG, USE SCHEMA and SELECT on the table."
_READ = frozenset({TableType.EXTERNAL, TableType.MANAGED})


class Tables:
    """Delta tables by name, and credentials for their files: external ones to read and write, managed ones to read.

    Args:
        workspace: whose catalog.
        cloud: the storage of the cloud.
    """

    def __init__(self, workspace: Workspace, cloud: CloudFiles) -> None:
        """Ask nothing yet."""
        self._workspace = workspace
        self._cloud = cloud
        self._lock = RLock()
        self._files: dict[tuple[str, bool], CloudFiles] = {}

    def find(self, name: str, *, writes: bool) -> NamedTable:
        """Return where a table is.

        Raises:
            PathNotFoundError: there is no such table.
            AccessDeniedError: it may not be read, or not be written to from outside.
            PlatformError: it is no Delta table with files of its own on AWS.
        """
        with errors("find the table", name, _RIGHTS):
            found = self._workspace.client.tables.get(name)
        _check(found, name, writes=writes)
        return NamedTable(uri=parse(str(found.storage_location)).uri, platform=self._files_of(found, name, writes))

    def _files_of(self, found: TableInfo, name: str, writes: bool) -> CloudFiles:  # noqa: FBT001 - a part of the key
        which = (str(found.table_id), writes)
        with self._lock:
            if which not in self._files:
                vendor = TableVendor(self._workspace, name, which[0], writes=writes)
                self._files[which] = self._cloud.of_vendor(vendor)
            return self._files[which]


def _check(found: TableInfo, name: str, *, writes: bool) -> None:
    """Refuse what credentials for files are no help for."""
    kind, form = found.table_type, found.data_source_format
    if kind not in _READ or form is not DataSourceFormat.DELTA or not found.storage_location:
        what = f"{kind.value if kind else 'unknown'}, {form.value if form else 'no format'}"
        message = (
            f"{name!r} is no Delta table with files of its own ({what}), so that only Databricks can read it. Name the "
            "table behind it, or run on Spark in Databricks."
        )
        raise PlatformError(message, {"table": name}).classed(ErrorClass.CONFIGURATION)
    if writes and kind is not TableType.EXTERNAL:
        message = (
            f"{name!r} is a managed table, which only Databricks writes. Load into an external table (CREATE TABLE ... "
            "LOCATION 's3://...'), or run on Spark in Databricks."
        )
        raise AccessDeniedError(message, {"table": name})
