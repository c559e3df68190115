"""Hidden partitioning: the values of a partition spec, computed from the columns by Iceberg's own transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.transforms import IdentityTransform, TruncateTransform, VoidTransform

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.suggest import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyiceberg.schema import Schema

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


def spec_of(columns: Iterable[str], schema: Schema, where: str) -> PartitionSpec:
    """Return the spec of a new table that is partitioned by these columns.

    Raises:
        DestinationError: a column is missing.
    """
    fields = []
    for at, name in enumerate(columns):
        if name not in schema.column_names:
            message = f"{where}: there is no partition column {name!r}. Columns: {listed(schema.column_names)}"
            raise DestinationError(message, {"column": name}).classed(ErrorClass.CONFIGURATION)
        fields.append(PartitionField(schema.find_field(name).field_id, 1000 + at, IdentityTransform(), name))
    return PartitionSpec(*fields)
