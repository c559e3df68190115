"""The Glue Data Catalog: tables that Athena, EMR and Redshift find by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.types import ArrayType, MapType, NullType, StructType, TimestampNtzType
from datacoolie.platforms import CatalogFormat, CatalogTable
from datacoolie_platform_aws import failures
from datacoolie_platform_aws.partitions import Partitions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from types_boto3_glue import GlueClient
    from types_boto3_glue.type_defs import (
        ColumnOutputTypeDef,
        StorageDescriptorOutputTypeDef,
        TableInputTypeDef,
        TableTypeDef,
    )

    from datacoolie.core.types import DataType, Schema

_ATTEMPTS = 5
"""How often a table is looked at again when somebody else changes it at the same time."""

_RACES = frozenset({"AlreadyExistsException", "ConcurrentModificationException"})

_PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
_READERS = {
    CatalogFormat.PARQUET: (
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        _PARQUET_SERDE,
    ),
    CatalogFormat.SYMLINK: (
        "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        _PARQUET_SERDE,
    ),
    CatalogFormat.DELTA: (
        "org.apache.hadoop.mapred.SequenceFileInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
        "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
    ),
}
"""Hive's classes for input, output and rows."""

_PARAMETERS = {
    CatalogFormat.PARQUET: {"classification": "parquet"},
    CatalogFormat.SYMLINK: {"classification": "parquet"},
    CatalogFormat.DELTA: {"classification": "delta", "table_type": "DELTA", "spark.sql.sources.provider": "delta"},
}


class GlueTable:
    """One table of the catalog, as it is to be.

    Args:
        client: of Glue.
        table: what it is to be.

    Attributes:
        database: where it is; Glue has small letters alone.
        name: what it is called.
    """

    def __init__(self, client: GlueClient, table: CatalogTable) -> None:
        """Ask nothing yet."""
        self._client = client
        self._table = table
        self.database, self.name = table.database.lower(), table.name.lower()
        self._where = f"{self.database}.{self.name}"

    def register(self) -> bool:
        """Make or update the table and its partitions; return whether it is there.

        Raises:
            ConfigurationError: what has this name is another table.
            PlatformError: Glue refuses, or does not answer.
        """
        what = f"Can't register {self._where!r} in the Glue Data Catalog"
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._registered()
            except ClientError as error:
                if failures.code_of(error) not in _RACES or attempt == _ATTEMPTS:
                    raise failures.of_response(what, error, self._where) from error
            except BotoCoreError as error:
                raise failures.of_client(what, error, self._where) from error
        raise AssertionError  # the loop returns or raises

    def _registered(self) -> bool:
        found = self._found()
        if found is None and not self._table.columns:
            return False
        storage = self._storage(found.get("StorageDescriptor", {}) if found else {})
        wanted = self._wanted(found, storage)
        if found is None:
            self._create(wanted)
        elif any(found.get(name) != value for name, value in wanted.items()):
            self._update(wanted, found)
        if wanted["PartitionKeys"] and self._table.format is not CatalogFormat.DELTA:
            Partitions(self._client, self.database, self.name).update(self._table, storage)
        return True

    def _found(self) -> TableTypeDef | None:
        """Return the table that is there.

        Raises:
            ConfigurationError: its files are somewhere else.
        """
        try:
            found = self._client.get_table(DatabaseName=self.database, Name=self.name)["Table"]
        except self._client.exceptions.EntityNotFoundException:
            return None
        location = found.get("StorageDescriptor", {}).get("Location", "")
        if _plain(location) != _plain(self._table.location):
            message = (
                f"The Glue Data Catalog has another table {self._where!r}, at {location or 'no location'!r} and not at "
                f"{self._table.location!r}. Remove it there, or choose another database or table name."
            )
            raise ConfigurationError(message, {"table": self._where, "location": location})
        return found

    def _create(self, wanted: TableInputTypeDef) -> None:
        try:
            self._client.create_table(DatabaseName=self.database, TableInput=wanted)
        except self._client.exceptions.EntityNotFoundException:
            self._client.create_database(DatabaseInput={"Name": self.database})
            self._client.create_table(DatabaseName=self.database, TableInput=wanted)

    def _update(self, wanted: TableInputTypeDef, found: TableTypeDef) -> None:
        if "VersionId" in found:  # of a newer one Glue says that it was changed at the same time
            self._client.update_table(DatabaseName=self.database, TableInput=wanted, VersionId=found["VersionId"])
        else:
            self._client.update_table(DatabaseName=self.database, TableInput=wanted)

    def _wanted(self, found: TableTypeDef | None, storage: StorageDescriptorOutputTypeDef) -> TableInputTypeDef:
        """Return the table as it is to be; what others said of the one that is there stays."""
        there: TableTypeDef = found or {"Name": self.name}
        wanted: TableInputTypeDef = {
            "Name": self.name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {**there.get("Parameters", {}), "EXTERNAL": "TRUE", **_PARAMETERS[self._table.format]},
            "PartitionKeys": _columns(self._table.partition_columns, there.get("PartitionKeys", [])),
            "StorageDescriptor": storage,
        }
        if "Description" in there:
            wanted["Description"] = there["Description"]
        if "Owner" in there:
            wanted["Owner"] = there["Owner"]
        if "Retention" in there:
            wanted["Retention"] = there["Retention"]
        return wanted

    def _storage(self, there: StorageDescriptorOutputTypeDef) -> StorageDescriptorOutputTypeDef:
        """Return how the table's files are read."""
        table, serde = self._table, there.get("SerdeInfo", {})
        taken, given, rows = _READERS[table.format]
        options = {"serialization.format": "1"} | (
            {"path": table.location} if table.format is CatalogFormat.DELTA else {}
        )
        return {
            **there,
            "Location": there.get("Location", table.location),
            "Columns": _columns(table.columns, there.get("Columns", []), whole=table.whole),
            "InputFormat": taken,
            "OutputFormat": given,
            "SerdeInfo": {
                **serde,
                "SerializationLibrary": rows,
                "Parameters": {**serde.get("Parameters", {}), **options},
            },
        }


def _columns(columns: Schema, found: Sequence[ColumnOutputTypeDef], *, whole: bool = True) -> list[ColumnOutputTypeDef]:
    """Return columns in Glue's words, with what others said of them; without any, those that are there."""
    wanted = {name.lower(): hive_type(kind) for name, kind in columns.items()}
    there = {column["Name"]: column for column in found}
    made: dict[str, ColumnOutputTypeDef] = {
        name: {**there.get(name, {"Name": name}), "Type": kind} for name, kind in wanted.items()
    }
    return [*(made if whole and made else {**there, **made}).values()]


def hive_type(kind: DataType) -> str:
    """Return a type as Hive writes it, which has no type without zone, and no names that need quotes."""
    match kind:
        case TimestampNtzType():
            return "timestamp"
        case NullType():
            return "string"
        case ArrayType():
            return f"array<{hive_type(kind.element)}>"
        case MapType():
            return f"map<{hive_type(kind.key)},{hive_type(kind.value)}>"
        case StructType():
            return "struct<" + ",".join(f"{name}:{hive_type(each)}" for name, each in kind.fields) + ">"
        case _:
            return str(kind)


def _plain(location: str) -> str:
    """Return a location in the one form of those that mean the same."""
    return re.sub("^s3[an]:", "s3:", location).rstrip("/")
