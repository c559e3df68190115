"""The metadata of an Iceberg table, from the file that its catalog points to."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from datacoolie.engines import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import SparkSession

    from datacoolie.engines import Commit

Json: TypeAlias = "Mapping[str, Any]"  # Any: JSON that Iceberg specifies


@dataclass(frozen=True, slots=True)
class Metadata:
    """One version of a table's metadata.

    Attributes:
        content: as Iceberg specifies it.
    """

    content: Json

    @property
    def identity(self) -> str:
        """What tells the table from any other."""
        return str(self.content["table-uuid"])

    @property
    def snapshot(self) -> int | None:
        """The current snapshot's id."""
        found = self.content.get("current-snapshot-id")
        return None if found in {None, -1} else int(found)

    @property
    def properties(self) -> Mapping[str, str]:
        """Properties of the table."""
        return dict(self.content.get("properties", {}))

    @property
    def partitions(self) -> list[tuple[str, str]]:
        """The columns that the table is partitioned by, each with Iceberg's name of its transform."""
        specs = {spec["spec-id"]: spec["fields"] for spec in self.content["partition-specs"]}
        schemas = {schema["schema-id"]: schema["fields"] for schema in self.content["schemas"]}
        names = {field["id"]: field["name"] for field in schemas[self.content["current-schema-id"]]}
        fields = specs[self.content["default-spec-id"]]
        return [
            (names.get(field["source-id"], ""), field["transform"]) for field in fields if field["transform"] != "void"
        ]

    def has(self, snapshot_id: int) -> bool:
        """Whether a snapshot is not expired."""
        return any(one["snapshot-id"] == snapshot_id for one in self.content.get("snapshots", ()))

    def ancestors(self) -> Iterator[Json]:
        """Yield the current snapshot and those that it came from, newest first."""
        known = {one["snapshot-id"]: one for one in self.content.get("snapshots", ())}
        at = self.snapshot
        while at is not None and at in known:
            yield known[at]
            at = known[at].get("parent-snapshot-id")

    def newest(self, dataflow_id: str, *, after: int, where: str) -> Commit | None:
        """Return the newest commit of a dataflow when its `seq` is above `after`, else `None`.

        Raises:
            CommitForgottenError: the table has the token, but its snapshot is expired or rolled back.
        """
        for snapshot in self.ancestors():
            said = snapshot.get("summary", {})
            if said.get(f"{tokens.PREFIX}dataflow_id") == dataflow_id:
                commit = tokens.commit_of(said)
                return commit if commit.token.seq > after else None
        seq = int(self.properties.get(tokens.SEQ_PROPERTY + dataflow_id, -1))
        if seq > after:
            raise tokens.forgotten(dataflow_id, seq, where)
        return None


def read(session: SparkSession, table: str) -> Metadata:
    """Return a table's current metadata; `table` as SQL says it."""
    entries = session.table(f"{table}.metadata_log_entries").selectExpr("max_by(file, (timestamp, file)) AS file")
    place = entries.collect()[0]["file"]
    content = session.read.format("binaryFile").load(place).select("content").collect()[0]["content"]
    text = bytes(content)
    return Metadata(json.loads(gzip.decompress(text) if ".gz." in place else text))
