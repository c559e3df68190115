"""One dataflow against its connections: what a format can do, and what a load needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.models import ApiRequest, ConnectionType, Format, LoadType, NullWatermark
from datacoolie.core.models.options import READ_OPTIONS, WRITE_OPTIONS, canonical_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.models import Connection, DataFlow
    from datacoolie.metadata.entries import Entry

_REPLACE = (LoadType.APPEND, LoadType.OVERWRITE, LoadType.FULL_LOAD)
LOAD_TYPES: Mapping[Format, tuple[LoadType, ...]] = {
    **dict.fromkeys((Format.PARQUET, Format.CSV, Format.JSON, Format.JSONL, Format.AVRO), _REPLACE),
    **dict.fromkeys((Format.DELTA, Format.ICEBERG), tuple(LoadType)),
    Format.SQL: (*_REPLACE, LoadType.MERGE_UPSERT),
}
"""What can be loaded into a format; formats that are not here can only be read."""

_OF_HISTORIES = {"scd2_delete_expression", "scd2_full_snapshot", "scd2_ignore_columns", "scd2_track_columns"}

_KEYED = (LoadType.MERGE_UPSERT, LoadType.MERGE_OVERWRITE, LoadType.SCD2)


def check_flow(entry: Entry, flow: DataFlow, source: Connection | None, destination: Connection | None) -> None:
    """Note what is wrong with one flow; a connection that is `None` is known to be wrong itself."""
    if source is not None:
        _check_source(entry, flow, source)
    if destination is None or _check_destination(entry, flow, destination):
        _check_load_type(entry, flow)
    _check_deduplication(entry, flow)


def _check_source(entry: Entry, flow: DataFlow, connection: Connection) -> None:
    source, kind = flow.source, connection.connection_type
    if kind is ConnectionType.FUNCTION and source.python_function is None:
        entry.fault(("source", "python_function"), "is required: the connection is of type function")
    if kind is not ConnectionType.FUNCTION and source.python_function is not None:
        message = f"needs a connection of type function; {connection.name!r} is of type {kind.value}"
        entry.fault(("source", "python_function"), message)
    if kind in (ConnectionType.API, ConnectionType.FUNCTION) and source.query is not None:
        entry.fault(("source", "query"), f"can't be asked of a connection of type {kind.value}")
    if source.table is None and source.query is None and _needs_table(connection):
        entry.fault(("source", "table"), "is required, or query")
    if kind is not ConnectionType.API:
        for name in source.configure:
            if name in ApiRequest.model_fields:
                message = f"belongs to a connection of type api; {connection.name!r} is of type {kind.value}"
                entry.fault(("source", "configure", name), message, of_key=True)
    _check_watermark(entry, flow, connection)
    _check_options(entry, ("source", "configure", "read_options"), source.configure, connection.format)


def _check_watermark(entry: Entry, flow: DataFlow, connection: Connection) -> None:
    """Note settings of the window that have no effect."""
    settings = flow.source.settings.watermark
    if settings.model_fields_set and not flow.source.watermark_columns:
        entry.fault(("source", "configure", "watermark"), "needs watermark_columns in the source")
    elif settings.boundary == "inclusive" and flow.source.look_back(connection):
        message = "has no effect beside a look-back, which reads the rows at the mark again anyway; keep one"
        entry.fault(("source", "configure", "watermark", "boundary"), message, value="inclusive")
    elif flow.source.by_files and settings.null_watermark is not NullWatermark.SKIP:
        message = "has no effect beside __file_modification_time, by which all rows of a new file are new"
        entry.fault(
            ("source", "configure", "watermark", "null_watermark"), message, value=settings.null_watermark.value
        )


def _needs_table(connection: Connection) -> bool:
    """Return whether a connection alone doesn't say what to read."""
    if connection.connection_type is ConnectionType.DATABASE:
        return True
    has_path = "base_path" in connection.configure
    return connection.connection_type in (ConnectionType.FILE, ConnectionType.LAKEHOUSE) and not has_path


def _check_destination(entry: Entry, flow: DataFlow, connection: Connection) -> bool:
    """Note what the format can't do; return whether the load type is one of its."""
    destination = flow.destination
    _check_options(entry, ("destination", "configure", "write_options"), destination.configure, connection.format)
    if connection.format is not Format.ICEBERG:
        _refuse_hidden_partitions(entry, flow, connection.format)
    possible = LOAD_TYPES.get(connection.format)
    if possible is None:
        formats = [format_.value for format_ in LOAD_TYPES]
        message = f"can't be written to: {connection.name!r} has the format {connection.format.value}"
        named = "connection_name" if entry.has("destination", "connection_name") else "connection"
        entry.fault(("destination", named), message, possible=formats)
        return False
    if destination.load_type not in possible:
        message = f"is not possible with the format {connection.format.value}"
        entry.fault(("destination", "load_type"), message, value=destination.load_type.value, possible=possible)
    return destination.load_type in possible


def _refuse_hidden_partitions(entry: Entry, flow: DataFlow, format_: Format) -> None:
    """Note partitions that only Iceberg computes by itself."""
    for at, part in enumerate(flow.destination.partition_columns):
        if part.hidden:
            message = (
                f"is a hidden partition, which the format {format_.value} does not have: write an expression of which "
                f"{part.column!r} is a column, such as to_date({part.hidden.column})"
            )
            entry.fault(("destination", "partition_columns", at, "expression"), message)


def check_connection_options(entry: Entry, connection: Connection) -> None:
    """Note options of a connection that its format doesn't have."""
    for name in ("read_options", "write_options"):
        _check_options(entry, ("configure", name), connection.configure, connection.format)


def _check_options(entry: Entry, path: tuple[str, ...], configure: Mapping[str, object], format_: Format) -> None:
    """Note options that the format doesn't have; what stands below an engine's name is the engine's."""
    written = configure.get(path[-1])
    options = canonical_options(written)
    known = (READ_OPTIONS if path[-1] == "read_options" else WRITE_OPTIONS).get(format_, frozenset())
    if not isinstance(options, dict) or not isinstance(written, dict | str):
        return
    spelled = dict(zip(options, written if isinstance(written, dict) else options, strict=True))
    for name, value in options.items():
        if name not in known and not isinstance(value, dict):
            message = f"is not an option of the format {format_.value}"
            entry.fault((*path, str(spelled[name])), message, possible=sorted(known), of_key=True)


def _check_load_type(entry: Entry, flow: DataFlow) -> None:
    """Note what the load type needs and does not have."""
    destination, settings = flow.destination, flow.destination.settings
    load_type = destination.load_type
    if load_type in _KEYED and not destination.merge_keys and not settings.replace_by_watermark:
        entry.fault(("destination", "merge_keys"), f"is required: load_type {load_type.value} compares rows by it")
    if load_type is LoadType.SCD2 and settings.scd2_effective_column is None:
        message = "is required: load_type scd2 needs to know when a version begins"
        entry.fault(("destination", "configure", "scd2_effective_column"), message)
    for name in sorted(_OF_HISTORIES & settings.model_fields_set) if load_type is not LoadType.SCD2 else ():
        message = f"has no effect with load_type {load_type.value}: it is for scd2"
        entry.fault(("destination", "configure", name), message, of_key=True)
    if settings.replace_by_watermark:
        place = ("destination", "configure", "replace_by_watermark")
        if load_type is not LoadType.MERGE_OVERWRITE:
            entry.fault(place, f"needs load_type merge_overwrite, not {load_type.value}")
        if not flow.source.watermark_columns:
            entry.fault(place, "needs watermark_columns in the source: they say which target rows are replaced")


def _check_deduplication(entry: Entry, flow: DataFlow) -> None:
    """Note a deduplication that lacks keys, or what tells which row is the newest."""
    transform = flow.transform
    if transform.latest_data_columns and not (transform.deduplicate_columns or flow.destination.merge_keys):
        message = "needs keys: deduplicate_columns, or merge_keys of the destination"
        entry.fault(("transform", "latest_data_columns"), message)
    if transform.deduplicate_columns and not (transform.latest_data_columns or flow.source.watermark_columns):
        message = (
            "needs an order: latest_data_columns, or watermark_columns of the source, tell which row is the newest"
        )
        entry.fault(("transform", "deduplicate_columns"), message)
