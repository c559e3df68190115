"""Partitions of a table in the Glue Data Catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from datacoolie.core.exceptions import PlatformError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from types_boto3_glue import GlueClient
    from types_boto3_glue.type_defs import (
        BatchUpdatePartitionFailureEntryTypeDef,
        PartitionErrorTypeDef,
        PartitionInputTypeDef,
        PartitionTypeDef,
        StorageDescriptorOutputTypeDef,
    )

    from datacoolie.platforms import CatalogTable

Item = TypeVar("Item")

_WRITTEN = 100
"""How many partitions Glue takes in one request."""
_DELETED = 25
"""How many it deletes in one."""

_DONE = frozenset({"AlreadyExistsException", "EntityNotFoundException"})
"""What Glue says of a partition that somebody else made or deleted at the same time."""


class Partitions:
    """The partitions of one table.

    Args:
        client: of Glue.
        database: of the table.
        name: of the table.
    """

    def __init__(self, client: GlueClient, database: str, name: str) -> None:
        """Ask nothing yet."""
        self._client = client
        self._database = database
        self._name = name

    def update(self, table: CatalogTable, storage: StorageDescriptorOutputTypeDef) -> None:
        """Make, change and delete partitions, so that they are those of `table`.

        Args:
            table: says them.
            storage: how the table's files are read, and so those of each partition.

        Raises:
            PlatformError: Glue refuses one of them.
        """
        there = {tuple(one["Values"]): one for one in self._there()}
        wanted = {
            values: _input(values, {**storage, "Location": f"{table.location}/{folder}"}, there.get(values))
            for folder, values in table.partitions.items()
        }
        self._create([one for values, one in wanted.items() if values not in there])
        self._change(
            [
                one
                for values, one in wanted.items()
                if values in there and there[values].get("StorageDescriptor") != one["StorageDescriptor"]
            ]
        )
        self._delete([values for values in there if values not in wanted])

    def _there(self) -> Iterator[PartitionTypeDef]:
        pages = self._client.get_paginator("get_partitions")
        for page in pages.paginate(DatabaseName=self._database, TableName=self._name):
            yield from page["Partitions"]

    def _create(self, new: Sequence[PartitionInputTypeDef]) -> None:
        for some in _batches(new, _WRITTEN):
            answer = self._client.batch_create_partition(
                DatabaseName=self._database, TableName=self._name, PartitionInputList=some
            )
            self._check(answer.get("Errors", []))

    def _change(self, changed: Sequence[PartitionInputTypeDef]) -> None:
        for some in _batches(changed, _WRITTEN):
            answer = self._client.batch_update_partition(
                DatabaseName=self._database,
                TableName=self._name,
                Entries=[{"PartitionValueList": one["Values"], "PartitionInput": one} for one in some],
            )
            self._check(answer.get("Errors", []))

    def _delete(self, gone: Sequence[Sequence[str]]) -> None:
        for some in _batches(gone, _DELETED):
            answer = self._client.batch_delete_partition(
                DatabaseName=self._database,
                TableName=self._name,
                PartitionsToDelete=[{"Values": values} for values in some],
            )
            self._check(answer.get("Errors", []))

    def _check(self, errors: Sequence[PartitionErrorTypeDef | BatchUpdatePartitionFailureEntryTypeDef]) -> None:
        """Raise the first error that is not of somebody else who did the same.

        Raises:
            PlatformError: there is one.
        """
        for error in errors:
            found = error.get("ErrorDetail", {})
            code = found.get("ErrorCode", "")
            if code not in _DONE:
                where = f"{self._database}.{self._name}"
                message = (
                    f"Can't register a partition of {where!r} in the Glue Data Catalog: "
                    f"{found.get('ErrorMessage', 'no reason')} ({code})."
                )
                raise PlatformError(message, {"table": where, "code": code})


def _input(
    values: Sequence[str], storage: StorageDescriptorOutputTypeDef, found: PartitionTypeDef | None
) -> PartitionInputTypeDef:
    """Return a partition in Glue's words; what others said of the one that is there stays."""
    if found is None:
        return {"Values": values, "StorageDescriptor": storage}
    kept: StorageDescriptorOutputTypeDef = {**found.get("StorageDescriptor", {}), **storage}
    return {"Values": values, "StorageDescriptor": kept, "Parameters": found.get("Parameters", {})}


def _batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
