"""The closed sets of names that a metadata document chooses from."""

from __future__ import annotations

from enum import StrEnum


class ConnectionType(StrEnum):
    """What kind of system a connection leads to."""

    FILE = "file"
    LAKEHOUSE = "lakehouse"
    DATABASE = "database"
    API = "api"
    FUNCTION = "function"
    PLUGIN = "plugin"
    """What a package of somebody else reads or writes: `configure.plugin` names it."""
    STREAMING = "streaming"
    """Reserved: may be written down, can't be run."""


class Format(StrEnum):
    """How data is stored or delivered."""

    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    AVRO = "avro"
    EXCEL = "excel"
    DELTA = "delta"
    ICEBERG = "iceberg"
    SQL = "sql"
    API = "api"
    FUNCTION = "function"
    PLUGIN = "plugin"


FORMATS: dict[ConnectionType, tuple[Format, ...]] = {
    ConnectionType.FILE: (Format.PARQUET, Format.CSV, Format.JSON, Format.JSONL, Format.AVRO, Format.EXCEL),
    ConnectionType.LAKEHOUSE: (Format.DELTA, Format.ICEBERG),
    ConnectionType.DATABASE: (Format.SQL,),
    ConnectionType.API: (Format.API,),
    ConnectionType.FUNCTION: (Format.FUNCTION,),
    ConnectionType.PLUGIN: (Format.PLUGIN,),
    ConnectionType.STREAMING: tuple(Format),
}
"""The formats of each type of connection."""

TYPE_OF_FORMAT: dict[Format, ConnectionType] = {
    format_: kind for kind, formats in FORMATS.items() if kind is not ConnectionType.STREAMING for format_ in formats
}
"""The type of connection that a format implies."""


class LoadType(StrEnum):
    """What a load does to its target."""

    APPEND = "append"
    OVERWRITE = "overwrite"
    FULL_LOAD = "full_load"
    """The same as `overwrite`."""
    MERGE_UPSERT = "merge_upsert"
    MERGE_OVERWRITE = "merge_overwrite"
    SCD2 = "scd2"


class ProcessingMode(StrEnum):
    """How a dataflow runs; all but `batch` are reserved."""

    BATCH = "batch"
    MICROBATCH = "microbatch"
    STREAMING = "streaming"


class SchemaPolicy(StrEnum):
    """What happens to source columns and types that the target doesn't have."""

    EVOLVE = "evolve"
    """New columns are added, types widened."""
    STRICT = "strict"
    """Any change fails."""
    IGNORE_NEW = "ignore_new"
    """New columns are left out."""


class OnEmpty(StrEnum):
    """What a load that replaces does when there is nothing to load."""

    KEEP = "keep"
    CLEAR = "clear"
    FAIL = "fail"


class NullWatermark(StrEnum):
    """What happens to rows without a watermark."""

    SKIP = "skip"
    LOAD = "load"
    FAIL = "fail"


class OnCastError(StrEnum):
    """What happens to a value that can't be cast."""

    FAIL = "fail"
    NULL = "null"
    REJECT = "reject"


class MissingColumnPolicy(StrEnum):
    """What happens when a transform names a column that is not there."""

    ERROR = "error"
    IGNORE = "ignore"


class ColumnNameCase(StrEnum):
    """How column names are written in the target; names that start with `_` stay as they are."""

    LOWER = "lower"
    SNAKE = "snake"
