"""Credentials for the storage of the cloud that Databricks gives away: for external locations, and for tables."""

from __future__ import annotations

from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Protocol

from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.catalog import PathOperation, TableOperation

from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.platforms import AccessDeniedError
from datacoolie_platform_databricks.clouds import Keys, keys_of, parse
from datacoolie_platform_databricks.failures import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacoolie_platform_databricks.client import Workspace

_LOCATION_RIGHTS = (
    "Give the user or service principal READ FILES, WRITE FILES and EXTERNAL USE LOCATION on the external location, "
    "and have external data access enabled in the metastore."
)
_TABLE_RIGHTS = (
    "Give the user or service principal SELECT (and MODIFY to write) on the table and EXTERNAL USE SCHEMA on its "
    "schema, and have external data access enabled in the metastore."
)


class Vendor(Protocol):
    """Gives credentials for places in the storage of the cloud."""

    def keys(self, uri: str) -> Keys:
        """Return credentials for a place that are good now.

        Raises:
            PlatformError: Databricks does not give them.
        """

    def owner_of(self, uri: str) -> str:
        """Return what a place belongs to: all of it has the same credentials.

        Raises:
            PlatformError: it belongs to nothing that Databricks shows.
        """


class LocationVendor:
    """Gives credentials for external locations: to read and write, or to read where no more is allowed.

    Args:
        workspace: who asks.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Ask nothing yet."""
        self._workspace = workspace
        self._lock = RLock()
        self._known: dict[str, Keys] = {}

    def keys(self, uri: str) -> Keys:
        """Return credentials for the whole external location that a place is in."""
        with self._lock:
            location = self.owner_of(uri)
            known = self._known.get(location)
            if known is None or not known.are_good:
                known = self._known[location] = self._asked(location)
            return known

    def owner_of(self, uri: str) -> str:
        """Return the URI of the external location that a place is in."""
        place = f"{parse(uri).uri}/"
        found = max((one for one in self._locations if place.startswith(f"{one}/")), key=len, default=None)
        if found is None:
            message = (
                f"{uri!r} is in no external location that Databricks shows to who asks. There are: "
                f"{listed(self._locations) or 'none'}.{did_you_mean(uri, self._locations)}"
            )
            raise AccessDeniedError(message, {"path": uri})
        return found

    @cached_property
    def _locations(self) -> Sequence[str]:
        with errors("list", "external locations"):
            urls = [str(found.url) for found in self._workspace.client.external_locations.list()]
        return [parse(url).uri for url in urls if url.startswith("s3")]

    def _asked(self, location: str) -> Keys:
        ask = self._workspace.client.temporary_path_credentials.generate_temporary_path_credentials
        with errors("get credentials for", location, _LOCATION_RIGHTS):
            try:
                answer = ask(location, PathOperation.PATH_READ_WRITE)
            except PermissionDenied:
                answer = ask(location, PathOperation.PATH_READ)
        return keys_of(answer, location)


class TableVendor:
    """Gives credentials for one table.

    Args:
        workspace: who asks.
        name: `catalog.schema.table`, for messages.
        table_id: Databricks' own id.
        writes: whether it is written to.
    """

    def __init__(self, workspace: Workspace, name: str, table_id: str, *, writes: bool) -> None:
        """Ask nothing yet."""
        self._workspace = workspace
        self._name = name
        self._id = table_id
        self._operation = TableOperation.READ_WRITE if writes else TableOperation.READ
        self._lock = RLock()
        self._known: Keys | None = None

    def keys(self, uri: str) -> Keys:  # noqa: ARG002 - they are the same for all of its files
        """Return credentials for the table."""
        ask = self._workspace.client.temporary_table_credentials.generate_temporary_table_credentials
        with self._lock:
            if self._known is None or not self._known.are_good:
                with errors("get credentials for the table", self._name, _TABLE_RIGHTS):
                    answer = ask(operation=self._operation, table_id=self._id)
                self._known = keys_of(answer, f"the table {self._name}")
            return self._known

    def owner_of(self, uri: str) -> str:  # noqa: ARG002 - all of its files are its own
        """Return the name of the table."""
        return self._name
