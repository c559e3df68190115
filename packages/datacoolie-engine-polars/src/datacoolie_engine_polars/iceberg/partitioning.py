"""Hidden partitioning: the values of a partition spec, computed from the columns by Iceberg's own transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    TruncateTransform,
    VoidTransform,
    YearTransform,
)

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.suggest import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pyiceberg.schema import Schema
    from pyiceberg.transforms import Transform

    from datacoolie.engines import PartitionField as Asked

_TRANSFORMS: dict[str, Callable[[int], Transform[Any, Any]]] = {  # Any: values of any type
    "identity": lambda _: IdentityTransform(),
    "years": lambda _: YearTransform(),
    "months": lambda _: MonthTransform(),
    "days": lambda _: DayTransform(),
    "hours": lambda _: HourTransform(),
    "bucket": BucketTransform,
    "truncate": TruncateTransform,
}

_FIRST_ID = 1000
"""Where Iceberg begins to count partition fields."""

_SUFFIX = "part"

_POSSIBLE = (pl.String, pl.Binary, pl.Boolean, pl.Decimal, pl.Date, pl.Datetime)


def keys_of(spec: PartitionSpec, schema: Schema, columns: pl.Schema, where: str) -> dict[str, pl.Expr]:
    """Return the partition values of a row, as Iceberg holds them: days and months since 1970, numbers of buckets.

    Args:
        spec: how the table is partitioned.
        schema: the table's.
        columns: the same in Polars' types.
        where: the table, for messages.

    Raises:
        DestinationError: naming a partition whose values can't be computed.
    """
    return {f"__datacoolie_partition_{at}": _key(field, schema, columns, where) for at, field in enumerate(spec.fields)}


def _key(field: PartitionField, schema: Schema, columns: pl.Schema, where: str) -> pl.Expr:
    if isinstance(field.transform, VoidTransform):
        return pl.lit(None, pl.Int32)
    name = schema.find_column_name(field.source_id) or ""
    kind = columns.get(name)
    cut = isinstance(field.transform, TruncateTransform) and kind == pl.Binary
    if kind is None or cut or not (isinstance(kind, _POSSIBLE) or kind.is_integer()):
        message = (
            f"{where}: the table is partitioned by {field.transform} of {name!r}, which is not supported: that has to "
            "be a column of its own: text, binary, a whole number, decimal, boolean, date or timestamp. Write this "
            "table with another engine, or load into a new table"
        )
        raise DestinationError(message, {"partition": field.name}).classed(ErrorClass.CONFIGURATION)
    value = pl.col(name)
    if not isinstance(field.transform, IdentityTransform):
        compute = field.transform.pyarrow_transform(schema.find_type(field.source_id))
        result = kind if isinstance(field.transform, TruncateTransform) else pl.Int32()
        return value.map_batches(
            lambda values: pl.Series(values.name, compute(values.to_arrow())), return_dtype=result, is_elementwise=True
        )
    return value.to_physical() if kind.is_temporal() else value


def spec_of(asked: Iterable[Asked], schema: Schema, where: str) -> PartitionSpec:
    """Return the spec of a new table.

    Raises:
        DestinationError: a column is missing, or can't be transformed like this.
    """
    fields = []
    for at, one in enumerate(asked):
        if one.column not in schema.column_names:
            message = f"{where}: there is no partition column {one.column!r}. Columns: {listed(schema.column_names)}"
            raise DestinationError(message, {"column": one.column}).classed(ErrorClass.CONFIGURATION)
        source, name = schema.find_field(one.column), one.name or one.column
        transform = _TRANSFORMS[one.transform](one.width or 0)
        if not transform.can_transform(source.field_type):
            message = f"{where}: can't partition by {one}: {one.column!r} is of type {source.field_type}"
            raise DestinationError(message, {"partition": str(one)}).classed(ErrorClass.CONFIGURATION)
        if one.name and name in schema.column_names:
            message = f"{where}: the partition {one} can't be called {name!r}, as a column is; call it {name}_{_SUFFIX}"
            raise DestinationError(message, {"partition": name}).classed(ErrorClass.CONFIGURATION)
        fields.append(PartitionField(source.field_id, _FIRST_ID + at, transform, name))
    return PartitionSpec(*fields)


def check_asked(asked: Sequence[Asked], spec: PartitionSpec, schema: Schema, where: str) -> None:
    """Make sure that a table is partitioned as was asked for, if anything was.

    Raises:
        DestinationError: it is not.
    """
    used = [field for field in spec.fields if not isinstance(field.transform, VoidTransform)]
    actual = [(schema.find_column_name(field.source_id), str(field.transform)) for field in used]
    if asked and actual != [(one.column, str(_TRANSFORMS[one.transform](one.width or 0))) for one in asked]:
        shown = listed(f"{column} ({transform})" for column, transform in actual)
        message = (
            f"{where}: the table is partitioned by {shown}, not by {listed(map(str, asked))}. Ask for what the table "
            "has, or for nothing, or load into a new table"
        )
        raise DestinationError(message, {"partitions": shown}).classed(ErrorClass.CONFIGURATION)
