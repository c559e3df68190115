"""Writing Avro: Polars encodes rows, a block at a time; schemas are those that Spark writes for the same types."""

from __future__ import annotations

import os
import re
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

import polars as pl

from datacoolie.core.exceptions import DestinationError
from datacoolie_engine_polars.files.avro_container import MARKER_BYTES, Container, Header
from datacoolie_engine_polars.types import instance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datacoolie_engine_polars.files.avro_container import AvroType

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIMPLE: dict[type[pl.DataType], AvroType] = {
    pl.Boolean: "boolean",
    pl.Int8: "int",
    pl.Int16: "int",
    pl.Int32: "int",
    pl.Int64: "long",
    pl.Float32: "float",
    pl.Float64: "double",
    pl.String: "string",
    pl.Binary: "bytes",
    pl.Date: {"type": "int", "logicalType": "date"},
}
_BLOCK = 1 << 20
"""Bytes in memory of the rows of a block."""


def check_avro(schema: pl.Schema) -> None:
    """Make sure that columns have names and types that Avro has.

    Raises:
        DestinationError: one has not.
    """
    for name, kind in _nested(schema):
        if not _NAME.fullmatch(name.rpartition(".")[2]):
            message = (
                f"Avro has no column {name!r}: names are letters, digits and underscores. Rename it by rename_columns"
            )
            raise DestinationError(message, {"column": name})
        if kind in {pl.Null, pl.Struct([])}:
            message = f"Avro can't hold the column {name!r}, which is always null. Cast it by schema_hints, or drop it"
            raise DestinationError(message, {"column": name})


def _nested(schema: pl.Schema | pl.Struct, path: str = "") -> Iterator[tuple[str, pl.DataType]]:
    """Yield all columns and fields by their dotted names."""
    for name, kind in dict(schema).items():
        inner = instance(kind)
        while isinstance(inner, pl.List):
            inner = instance(inner.inner)
        yield f"{path}{name}", inner
        if isinstance(inner, pl.Struct):
            yield from _nested(inner, f"{path}{name}.")


def arrow_to_avro(path: str, *, codec: str, record: str) -> None:
    """Make an Arrow file an Avro file of the same rows, a block at a time.

    Raises:
        OSError: the file can't be written.
    """
    import pyarrow as pa  # noqa: PLC0415 - slow and large, and only Avro needs it

    staged = Path(f"{path}.arrow")
    Path(path).replace(staged)
    try:
        with pa.memory_map(str(staged)) as mapped, pa.ipc.open_file(mapped) as batches, Path(path).open("wb") as target:
            writer = _Writer(target, pl.DataFrame(batches.schema.empty_table()), codec=codec, record=record)
            for at in range(batches.num_record_batches):
                writer.write(pl.DataFrame(batches.get_batch(at)))
    finally:
        staged.unlink(missing_ok=True)


class _Writer:
    """Writes the header of a file, then blocks."""

    def __init__(self, file: IO[bytes], empty: pl.DataFrame, *, codec: str, record: str) -> None:
        self._file = file
        self._codec = codec
        self._types = pl.Schema({name: _encoded(kind) for name, kind in empty.schema.items()})
        self._marker = os.urandom(MARKER_BYTES)
        schema = _record(empty.schema, record)
        header = Header(schema=schema, codec="null" if codec == "uncompressed" else codec, marker=self._marker)
        file.write(header.encoded())

    def write(self, frame: pl.DataFrame) -> None:
        frame = frame.cast(self._types)
        rows = max(1, frame.height * _BLOCK // max(1, int(frame.estimated_size())))
        for part in frame.iter_slices(rows):
            for block in self._encode(part).blocks():
                self._file.write(block[:-MARKER_BYTES] + self._marker)

    def _encode(self, frame: pl.DataFrame) -> Container:
        encoded = BytesIO()
        frame.write_avro(encoded, self._codec)  # type: ignore[arg-type] # chosen from these
        return Container(BytesIO(encoded.getvalue()), encoded.tell())


def _encoded(kind: pl.DataType) -> pl.DataType:
    """Return the type as which Polars encodes values of `kind`, with the same bytes: it knows no zones."""
    match kind:
        case pl.Int8() | pl.Int16():
            return pl.Int32()
        case pl.Datetime():
            return pl.Datetime("us")
        case pl.List():
            return pl.List(_encoded(instance(kind.inner)))
        case pl.Struct():
            return pl.Struct({field.name: _encoded(instance(field.dtype)) for field in kind.fields})
        case _:
            return kind


def _written(kind: pl.DataType, name: str) -> list[AvroType]:
    """Return the type in which the file says that it holds values of `kind`; any of them may be null.

    Args:
        kind: the type.
        name: unique in the file, for a record.
    """
    match kind:
        case pl.List():
            made: AvroType = {"type": "array", "items": _written(instance(kind.inner), f"{name}.element")}
        case pl.Struct():
            made = _record({field.name: instance(field.dtype) for field in kind.fields}, name)
        case pl.Decimal():
            made = {"type": "bytes", "logicalType": "decimal", "precision": kind.precision, "scale": kind.scale}
        case pl.Datetime():
            made = {"type": "long", "logicalType": "timestamp-micros" if kind.time_zone else "local-timestamp-micros"}
        case _:
            made = _SIMPLE[type(kind)]
    return ["null", made]


def _record(columns: Mapping[str, pl.DataType], name: str) -> AvroType:
    fields = [{"name": column, "type": _written(kind, f"{name}.{column}")} for column, kind in columns.items()]
    return {"type": "record", "name": name, "fields": fields}
