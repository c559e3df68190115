"""Dataflows: from a source through transforms into a destination."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Self, TypeAlias

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from datacoolie.core.models.base import Model, derived_id
from datacoolie.core.models.configured import Configured, check_settings, typed
from datacoolie.core.models.connection import Connection
from datacoolie.core.models.enums import LoadType, ProcessingMode
from datacoolie.core.models.forms import Below, Expression, Names, OpenMap, SecretsRef, Text, as_list, as_map
from datacoolie.core.models.partitions import HiddenPartition
from datacoolie.core.models.settings import Backward, DestinationSettings, SourceSettings
from datacoolie.core.models.transform import Transform

if TYPE_CHECKING:
    from collections.abc import Mapping


MODIFIED = "__file_modification_time"
"""The watermark column that makes files the unit of increment."""


class Endpoint(Configured):
    """One end of a dataflow: a table of a connection.

    `connection: a_name` is read as `connection_name`, so `connection` holds inline connections only.
    """

    connection: Connection | None = None
    """The connection, written down here instead of named; a name is read as `connection_name`."""
    connection_name: str = Field(default="", validate_default=True)
    """The connection, by name; of an inline connection its name."""
    schema_name: Below | None = None
    """The schema or folder that the table is in."""

    def with_configure(self, configure: Mapping[str, object]) -> Self:
        """Return a copy with other settings, such as those in which secrets are resolved."""
        copy = self.model_copy(update={"configure": dict(configure)})
        copy.__dict__.pop("settings", None)
        return copy

    @model_validator(mode="before")
    @classmethod
    def _one_connection(cls, data: object) -> object:
        """Read both ways to say which connection it is."""
        if not isinstance(data, dict):
            return data
        given, name = data.get("connection"), data.get("connection_name")
        if given is not None and name is not None:
            message = "connection and connection_name exclude each other; keep one"
            raise ValueError(message)
        if isinstance(given, str):
            return {**data, "connection_name": given, "connection": None}
        return data

    @field_validator("connection_name")
    @classmethod
    def _says_which(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.data.get("connection", ...) is None:
            message = "is required, or connection: a name or the fields of a connection"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _name_inline_connection(self) -> Self:
        if self.connection is not None:
            self.__dict__["connection_name"] = self.connection.name
        return self


class Source(Endpoint):
    """What a dataflow reads."""

    table: Below | None = None
    """The table, or the folder or file below `base_path`."""
    query: Text | None = None
    """SQL instead of a table, or the relative path of a `.sql` file."""
    python_function: Text | None = None
    """Dotted path of a function that returns the rows."""
    watermark_columns: Names = Field(default_factory=list)
    """Columns that grow: rows above the saved mark in any of them are new."""
    filter_expression: Expression | None = None
    """Rows for which this is true are read."""
    secrets_ref: SecretsRef = Field(default_factory=dict)
    """Fields of this `configure`, by the source of their secrets."""
    configure: OpenMap = Field(default_factory=dict)
    """What differs from the connection's `configure`; `settings` has it typed."""

    _sql: str | None = PrivateAttr(default=None)

    @property
    def sql(self) -> str | None:
        """The query's text; that of its file when `query` names one."""
        return self.query if self._sql is None else self._sql

    def take_sql(self, text: str) -> None:
        """Keep the text of the file that `query` names."""
        self._sql = text

    @property
    def by_files(self) -> bool:
        """Whether files are new or not as a whole: all rows of a new file are, whatever other columns say."""
        return MODIFIED in self.watermark_columns

    @property
    def deciding_columns(self) -> list[str]:
        """The watermark columns by which something is new or not."""
        return [MODIFIED] if self.by_files else self.watermark_columns

    @cached_property
    def settings(self) -> SourceSettings:
        """`configure`, typed.

        Raises:
            ConfigurationError: a secret is no valid setting.
        """
        return typed(SourceSettings, self.configure, where="The source")

    def look_back(self, connection: Connection) -> Backward | None:
        """Return the look-back, which overrides that of the connection; `None` also where it is zero."""
        if not self.watermark_columns:
            return None
        found = self.settings.look_back or connection.look_back
        return found if found and any(getattr(found, name) for name in Backward.model_fields) else None

    @field_validator("configure")
    @classmethod
    def _check_configure(cls, value: dict[str, object], info: ValidationInfo) -> dict[str, object]:
        check_settings(SourceSettings, value, info.data.get("secrets_ref", {}))
        return value

    @model_validator(mode="after")
    def _reads_one_thing(self) -> Self:
        given = [name for name in ("table", "query", "python_function") if getattr(self, name)]
        if len(given) > 1 and self.query:
            message = f"{' and '.join(given)} exclude each other; keep one"
            raise ValueError(message)
        return self


class PartitionColumn(Model):
    """A column that the target is partitioned by."""

    column: Text
    """The column's name."""
    expression: Expression | None = None
    """Its value, when it is computed; on Iceberg also a hidden partition, such as `days(at)` or `bucket(16, id)`."""

    @property
    def hidden(self) -> HiddenPartition | None:
        """What the table format computes by itself; then `column` is the partition's name, and no column."""
        return HiddenPartition.of(self.expression)


def _as_partitions(value: object) -> object:
    items = as_list(value)
    return [{"column": item} if isinstance(item, str) else item for item in items] if isinstance(items, list) else items


PartitionColumns: TypeAlias = Annotated[
    list[PartitionColumn],
    BeforeValidator(_as_partitions, json_schema_input_type=list[PartitionColumn | str] | PartitionColumn | str | None),
]


class Destination(Endpoint):
    """What a dataflow writes."""

    table: Below
    """The table, or the folder or file below `base_path`."""
    load_type: LoadType = LoadType.APPEND
    """What a load does to the table."""
    merge_keys: Names = Field(default_factory=list)
    """Columns that tell which rows are the same."""
    partition_columns: PartitionColumns = Field(default_factory=list)
    """Columns that the table is partitioned by."""
    secrets_ref: SecretsRef = Field(default_factory=dict)
    """Fields of this `configure`, by the source of their secrets."""
    configure: OpenMap = Field(default_factory=dict)
    """Settings of the load, as they were written; `settings` has them typed."""

    @cached_property
    def settings(self) -> DestinationSettings:
        """`configure`, typed; raises as that of a source."""
        return typed(DestinationSettings, self.configure, where="The destination")

    @field_validator("partition_columns")
    @classmethod
    def _partition_once(cls, value: list[PartitionColumn]) -> list[PartitionColumn]:
        names = [part.column.lower() for part in value]
        if twice := next((name for name in names if names.count(name) > 1), None):
            message = f"name {twice!r} twice; keep one"
            raise ValueError(message)
        return value

    @field_validator("configure")
    @classmethod
    def _check_configure(cls, value: dict[str, object], info: ValidationInfo) -> dict[str, object]:
        check_settings(DestinationSettings, value, info.data.get("secrets_ref", {}))
        return value


class DataFlow(Model):
    """One relational pipeline: source, transforms, destination."""

    name: Text
    """What people call it; by default the id."""
    previous_name: Text | None = None
    """What it was called before, so that its state goes with it."""
    dataflow_id: Text = Field(default_factory=lambda data: derived_id(data["previous_name"] or data["name"]))
    """Identity of its state and history; by default made from the name it began with."""
    workspace_id: Text | None = None
    """The workspace in database and HTTP metadata."""
    description: str | None = None
    """What it is for."""
    stage: Text | None = None
    """A label to select flows by."""
    group_number: int | None = None
    """Flows of a group run in the order of `execution_order`; groups run side by side."""
    execution_order: int | None = None
    """The place inside the group; equal ones run side by side."""
    depends_on: Names = Field(default_factory=list)
    """Names of flows that run before."""
    processing_mode: ProcessingMode = ProcessingMode.BATCH
    """How it runs; all but `batch` are reserved."""
    is_active: bool = True
    """An inactive flow doesn't run."""
    source: Source
    """What it reads."""
    destination: Destination
    """What it writes."""
    transform: Annotated[Transform, BeforeValidator(as_map)] = Field(default_factory=Transform)
    """What happens to the rows in between."""
    configure: OpenMap = Field(default_factory=dict)
    """Settings of the flow, for plugins; any key goes."""

    @model_validator(mode="before")
    @classmethod
    def _name_or_id(cls, data: object) -> object:
        """A flow without a name is called by its id."""
        if isinstance(data, dict) and data.get("name") is None and data.get("dataflow_id") is not None:
            return {**data, "name": data["dataflow_id"]}
        return data
