"""Schemas of Iceberg tables, and the statements that change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.types import ArrayType, ByteType, IntegerType, MapType, ShortType, StructType
from datacoolie_engine_spark.columns import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacoolie.core.types import DataType, Schema
    from datacoolie.engines import PartitionField
    from datacoolie.engines.evolution import SchemaChange


def held(schema: Schema) -> dict[str, DataType]:
    """Return the types in which Iceberg holds columns: it has no integers of less than 32 bits."""
    return {name: _held(kind) for name, kind in schema.items()}


def _held(kind: DataType) -> DataType:
    match kind:
        case ArrayType():
            return ArrayType(_held(kind.element))
        case MapType():
            return MapType(_held(kind.key), _held(kind.value))
        case StructType():
            return StructType(tuple((name, _held(inner)) for name, inner in kind.fields))
        case ByteType() | ShortType():
            return IntegerType()
        case _:
            return kind


def statements(table: str, change: SchemaChange) -> Iterator[str]:
    """Yield the statements that give a table its new columns, types and names."""
    before = {change.renamed.get(name, name): kind for name, kind in change.current.items()}
    for old, new in change.renamed.items():
        yield f"ALTER TABLE {table} RENAME COLUMN {quoted(old)} TO {quoted(new)}"
    for name, kind in change.schema.items():
        for action in _changes(quoted(name), before.get(name), kind):
            yield f"ALTER TABLE {table} {action}"


def _changes(path: str, kind: DataType | None, target: DataType) -> Iterator[str]:
    if kind is None:
        yield f"ADD COLUMN {path} {target}"
        return
    if kind == target:
        return
    match kind, target:
        case StructType(), StructType():
            fields = dict(kind.fields)
            for name, inner in target.fields:
                yield from _changes(f"{path}.{quoted(name)}", fields.get(name), inner)
        case ArrayType(), ArrayType():
            yield from _changes(f"{path}.element", kind.element, target.element)
        case _:
            yield f"ALTER COLUMN {path} TYPE {target}"


def transform_text(field: PartitionField) -> str:
    """Return a partition as SQL says it: `days(at)`, `bucket(16, id)`."""
    column = quoted(field.column)
    if field.transform == "identity":
        return column
    return f"{field.transform}({column if field.width is None else f'{field.width}, {column}'})"


def transform_name(field: PartitionField) -> str:
    """Return Iceberg's name of a transform: `day`, `bucket[16]`."""
    if field.width is not None:
        return f"{field.transform}[{field.width}]"
    return field.transform.removesuffix("s")
