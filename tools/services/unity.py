"""Unity Catalog as the public REST documentation has it: external locations, tables, credentials for both."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Answer: TypeAlias = "tuple[int, dict[str, object]]"
"""Status and body."""

_ROOT = "/api/2.1/unity-catalog"
_CREDENTIALS = "POST /api/2.0/unity-catalog/temporary-"


@dataclass
class Unity:
    """What the catalog has, and what who asks may do.

    Attributes:
        region: of the metastore.
        locations: URLs of external locations.
        tables: attributes of tables, by full name.
        keys: key and secret of the storage, which it gives away; none for a cloud without such.
        own_keys: those of locations and tables that have others.
        lifetime: seconds for which they are said to be good.
        denied: operations that nobody may do: `PATH_READ_WRITE`, `READ`, ...
        given: what credentials were given for: URL or table, and operation.
    """

    region: str = "us-east-1"
    locations: list[str] = field(default_factory=list)
    tables: dict[str, dict[str, object]] = field(default_factory=dict)
    keys: tuple[str, str] | None = None
    own_keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    lifetime: float = 3600
    denied: set[str] = field(default_factory=set)
    given: list[tuple[str, str]] = field(default_factory=list)

    def add_table(self, name: str, location: str, *, kind: str = "EXTERNAL", form: str = "DELTA") -> None:
        """Register a table; the files are somebody else's matter."""
        catalog, schema, table = name.split(".")
        self.tables[name] = {
            "catalog_name": catalog,
            "schema_name": schema,
            "name": table,
            "full_name": name,
            "table_type": kind,
            "data_source_format": form,
            "storage_location": location,
            "table_id": str(uuid.uuid4()),
        }

    def answer(self, request: str, body: Mapping[str, str]) -> Answer | None:
        """Return the answer to a request; `None` when the documentation has no such one."""
        if request == f"GET {_ROOT}/metastore_summary":
            return 200, {"metastore_id": "m", "region": self.region, "cloud": "aws"}
        if request == f"GET {_ROOT}/external-locations":
            return 200, {"external_locations": [{"name": str(n), "url": url} for n, url in enumerate(self.locations)]}
        if request.startswith(f"GET {_ROOT}/tables/"):
            return self._table(request.rpartition("/")[2])
        if request == f"{_CREDENTIALS}path-credentials" and body.keys() == {"url", "operation"}:
            known = body["url"] in self.locations and body["operation"] in {"PATH_READ", "PATH_READ_WRITE"}
            return self._credentials(body["url"], body["operation"]) if known else None
        if request == f"{_CREDENTIALS}table-credentials" and body.keys() == {"table_id", "operation"}:
            found = next((one for one in self.tables.values() if one["table_id"] == body["table_id"]), None)
            return self._credentials(str(found["full_name"]), body["operation"]) if found else None
        return None

    def _table(self, name: str) -> Answer:
        if name in self.tables:
            return 200, self.tables[name]
        return 404, {"error_code": "TABLE_DOES_NOT_EXIST", "message": f"Table '{name}' does not exist."}

    def _credentials(self, what: str, operation: str) -> Answer:
        if operation in self.denied:
            return 403, {"error_code": "PERMISSION_DENIED", "message": f"User may not {operation} {what}."}
        self.given.append((what, operation))
        names = ("access_key_id", "secret_access_key")
        keys = self.own_keys.get(what, self.keys)
        found = {"aws_temp_credentials": dict(zip(names, keys, strict=True))} if keys else {}
        return 200, {"expiration_time": int((time.time() + self.lifetime) * 1000), **found}
