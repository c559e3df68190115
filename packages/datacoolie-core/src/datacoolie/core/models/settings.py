"""What stands in `configure` of connections, sources, destinations and transforms, typed."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, field_validator, model_validator

from datacoolie.core.models.api import ApiAuth, ApiRequest
from datacoolie.core.models.base import Model
from datacoolie.core.models.checks import check_date_folders, check_zone, require
from datacoolie.core.models.enums import ColumnNameCase, MissingColumnPolicy, NullWatermark, OnEmpty, SchemaPolicy
from datacoolie.core.models.forms import Duration, Expression, Names, OpenMap, Text, TextMap, as_map
from datacoolie.core.models.options import canonical_options

Options: TypeAlias = Annotated[OpenMap, BeforeValidator(canonical_options)]
"""Options of a reader or writer by Spark's names, in Spark's spelling; engine-only ones below the engine's name."""


class Backward(Model):
    """How far before the saved mark a load begins to read."""

    days: Annotated[int, Field(ge=0)] = 0
    """Fixed days of 24 hours."""
    hours: Annotated[int, Field(ge=0)] = 0
    """Fixed hours."""
    months: Annotated[int, Field(ge=0)] = 0
    """Calendar months, clamped to the month's end."""
    years: Annotated[int, Field(ge=0)] = 0
    """Calendar years."""
    closing_day: Annotated[int, Field(ge=1, le=31)] | None = None
    """Until this day of the month a load begins at the first of the previous month, afterwards at the first of this."""

    @model_validator(mode="after")
    def _closing_day_stands_alone(self) -> Self:
        if self.closing_day and (self.days or self.hours or self.months or self.years):
            message = "closing_day can't be combined with days, hours, months or years"
            raise ValueError(message)
        return self


class LookBack(Model):
    """A look-back, flat or as one map."""

    backward: Annotated[Backward | None, BeforeValidator(lambda value: value and as_map(value))] = None
    """The look-back as one map."""
    backward_days: Annotated[int, Field(ge=0)] | None = None
    """Fixed days of 24 hours before the mark."""
    backward_hours: Annotated[int, Field(ge=0)] | None = None
    """Fixed hours before the mark."""
    backward_months: Annotated[int, Field(ge=0)] | None = None
    """Calendar months before the mark."""
    backward_years: Annotated[int, Field(ge=0)] | None = None
    """Calendar years before the mark."""
    backward_closing_day: Annotated[int, Field(ge=1, le=31)] | None = None
    """Until this day of the month the whole previous month is read again."""

    @cached_property
    def look_back(self) -> Backward | None:
        """The look-back, whichever form it was written in."""
        flat = self._flat()
        return Backward.model_validate(flat) if flat else self.backward

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        flat = self._flat()
        if flat and self.backward:
            message = f"backward and backward_{next(iter(flat))} say the same thing; keep one"
            raise ValueError(message)
        if flat.get("closing_day") and len(flat) > 1:
            message = "backward_closing_day can't be combined with other look-backs"
            raise ValueError(message)
        return self

    def _flat(self) -> dict[str, int]:
        names = ("days", "hours", "months", "years", "closing_day")
        values = {name: getattr(self, f"backward_{name}") for name in names}
        return {name: value for name, value in values.items() if value is not None}


class ConnectionSettings(Model):
    """`configure` of any connection."""

    read_options: Options = Field(default_factory=dict)
    """Options of the reader, by Spark's names (`header`, `sep`, `inferSchema`, ...)."""
    write_options: Options = Field(default_factory=dict)
    """Options of the writer, by Spark's names (`compression`, ...)."""
    merge_options: OpenMap = Field(default_factory=dict)
    """Options of a merge."""
    use_schema_hint: bool = True
    """Whether shared schema hints apply to what is read from here."""


class FileSettings(ConnectionSettings, LookBack):
    """`configure` of a `file` connection."""

    base_path: Text | None = None
    """Folder or URI that tables are below; a relative one starts at the document's folder."""
    use_hive_partitioning: bool = False
    """Whether folders called `name=value` are columns."""
    date_folder_partitions: Text | None = None
    """Folders by date below the table, such as `{year}/{month}/{day}`."""
    storage_options: TextMap = Field(default_factory=dict)
    """Credentials and options of the storage, passed to the engine."""
    catalog: Text | None = None
    """Catalog, when the connection's own field doesn't say it."""
    database: Text | None = None
    """Database, when the connection's own field doesn't say it."""
    register_table: bool = False
    """Whether tables that are loaded by `base_path` are registered in the platform's catalog, in `database`."""

    @field_validator("date_folder_partitions")
    @classmethod
    def _has_known_parts(cls, value: str | None) -> str | None:
        if value is not None:
            check_date_folders(value)
        return value


class LakehouseSettings(FileSettings):
    """`configure` of a `lakehouse` connection."""

    athena_output_location: Text | None = None
    """S3 location for results of Athena, which tries tables after they were registered."""
    generate_manifest: bool = False
    """Whether a symlink manifest is written after each load."""
    register_symlink_table: bool = False
    """Whether a symlink manifest is written after each load, and its table registered in the platform's catalog."""
    symlink_database_prefix: str = "symlink_"
    """What the database of symlink tables begins with, before `database`."""
    catalog_options: TextMap = Field(default_factory=dict)
    """The Iceberg catalog (`type`, `uri`, `warehouse`, ...); each engine builds the same one from it."""


class DatabaseSettings(ConnectionSettings, LookBack):
    """`configure` of a `database` connection."""

    url: Text | None = None
    """Address of the database, instead of its parts below."""
    database_type: Literal["postgresql", "mysql", "mssql", "oracle", "sqlite"] | None = None
    """The database's kind, which is also the dialect of its queries."""
    host: Text | None = None
    """The server."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The server's port; by default the one that is usual for its kind."""
    catalog: Text | None = None
    """Catalog, when the connection's own field doesn't say it."""
    database: Text | None = None
    """The database; for sqlite the file."""
    username: Text | None = None
    """Who logs in."""
    password: Text | None = None
    """Password; better named in `secrets_ref`."""
    driver: Text | None = None
    """The driver to use."""
    encrypt: bool | None = None
    """Whether the connection is encrypted."""
    auth_type: Literal["password", "service_principal", "managed_identity", "access_token"] = "password"
    """How to log in."""
    client_id: Text | None = None
    """The service principal's or identity's id."""
    client_secret: Text | None = None
    """The service principal's secret."""
    tenant_id: Text | None = None
    """The service principal's tenant."""
    token: Text | None = None
    """The access token."""

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if self.url and self.database_type and self.host:
            message = "url and host say the same thing; keep one"
            raise ValueError(message)
        if not self.url and not self.database_type:
            message = "needs url, or database_type with host and database"
            raise ValueError(message)
        needs = ["database"] if self.database_type == "sqlite" else ["host"]
        return require(self, [] if self.url else needs, f"database_type {self.database_type!r}")

    @model_validator(mode="after")
    def _says_who(self) -> Self:
        needs = {"service_principal": ["client_id", "client_secret", "tenant_id"], "access_token": ["token"]}
        return require(self, needs.get(self.auth_type, []), f"auth_type {self.auth_type!r}")


class ApiSettings(ConnectionSettings, LookBack, ApiAuth, ApiRequest):
    """`configure` of an `api` connection; request keys are the defaults of its sources."""

    base_url: Text
    """What endpoints are below."""
    timeout: Annotated[float, Field(gt=0)] = 30
    """Seconds to wait for an answer."""
    default_headers: TextMap = Field(default_factory=dict)
    """Headers of each request."""


class FunctionSettings(ConnectionSettings, LookBack):
    """`configure` of a `function` connection."""


class PluginSettings(ConnectionSettings, LookBack):
    """`configure` of a `plugin` connection."""

    plugin: Text
    """The name of a source or destination that an installed package has."""
    options: OpenMap = Field(default_factory=dict)
    """What that package wants to know."""


class StreamingSettings(ConnectionSettings, extra="allow"):
    """`configure` of a `streaming` connection, which is reserved: any key goes."""


class WatermarkSettings(Model):
    """How exact watermarks are."""

    lag: Duration | None = None
    """How far the high bound stays behind the newest value, so that late commits are not missed."""
    boundary: Literal["exclusive", "inclusive"] = "exclusive"
    """Whether rows at the saved mark are read again; those already loaded are dropped."""
    null_watermark: NullWatermark = NullWatermark.SKIP
    """What happens to rows without a watermark."""


class SourceSettings(LookBack, ApiRequest):
    """`configure` of a source: what differs from its connection."""

    read_options: Options = Field(default_factory=dict)
    """Options of the reader, over those of the connection."""
    watermark: Annotated[WatermarkSettings, BeforeValidator(as_map)] = Field(default_factory=WatermarkSettings)
    """How exact watermarks are."""


class Maintenance(Model):
    """What is done to the table by `datacoolie maintain`, and after loads when it is due."""

    optimize: bool = False
    """Whether small files are joined; after a load when there are many of them."""
    zorder_by: Names = Field(default_factory=list)
    """Columns by which `datacoolie maintain` orders rows, so that readers skip files; it writes all of them again."""
    vacuum: bool = False
    """Whether files that no version of the retention needs are removed; after loads once a day."""
    retention_hours: Annotated[float, Field(ge=0)] | None = None
    """How many hours of old versions stay readable; by default the run's setting."""

    @model_validator(mode="after")
    def _orders_what_it_optimizes(self) -> Self:
        if self.zorder_by and not self.optimize:
            message = "zorder_by needs optimize: true"
            raise ValueError(message)
        return self


class DestinationSettings(Model):
    """`configure` of a destination."""

    write_options: Options = Field(default_factory=dict)
    """Options of the writer, over those of the connection."""
    merge_options: OpenMap = Field(default_factory=dict)
    """Options of a merge, over those of the connection."""
    replace_by_watermark: bool = False
    """With `merge_overwrite`: all target rows inside the window are replaced."""
    on_empty: OnEmpty = OnEmpty.KEEP
    """What a load that replaces does when there is nothing to load."""
    schema_policy: SchemaPolicy = SchemaPolicy.EVOLVE
    """What happens to columns and types that the target doesn't have."""
    maintenance: Annotated[Maintenance | None, BeforeValidator(lambda value: value and as_map(value))] = None
    """What is done to the table after loads."""
    scd2_effective_column: Text | None = None
    """When a version of a row begins to hold."""
    scd2_track_columns: Names = Field(default_factory=list)
    """Columns of which a change makes a new version; by default all but system columns."""
    scd2_ignore_columns: Names = Field(default_factory=list)
    """Columns of which a change makes no new version."""
    scd2_delete_expression: Expression | None = None
    """Marks the events that close a key."""
    scd2_full_snapshot: bool = False
    """Whether keys that are missing from the batch are closed."""

    @model_validator(mode="after")
    def _track_or_ignore(self) -> Self:
        if self.scd2_track_columns and self.scd2_ignore_columns:
            message = "scd2_track_columns and scd2_ignore_columns exclude each other; keep one"
            raise ValueError(message)
        return self


class TransformSettings(Model):
    """`configure` of a transform."""

    missing_column_policy: MissingColumnPolicy = MissingColumnPolicy.ERROR
    """What happens when a transform names a column that is not there."""
    deduplicate_by_rank: bool = False
    """Whether rows that tie for the newest all stay."""
    convert_timestamp_ntz: bool = False
    """Whether timestamps without zone become points in time."""
    timestamp_timezone: Text = "UTC"
    """The zone that such timestamps are in."""
    column_name_case: ColumnNameCase = ColumnNameCase.LOWER
    """How column names are written in the target."""

    @field_validator("timestamp_timezone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        return check_zone(value)
