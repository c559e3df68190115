"""What a batch's columns and types mean for those of a table, whatever the engine and the table's format."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.models import SchemaPolicy
from datacoolie.core.suggest import listed
from datacoolie.core.types import (
    ArrayType,
    ByteType,
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NullType,
    Schema,
    ShortType,
    StructType,
)
from datacoolie.engines.schemas import parts_of, spellings, widest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from datacoolie.engines.model import WriteRequest

Frame = TypeVar("Frame")

_EXACT_IN_DOUBLE = (FloatType, DoubleType, ByteType, ShortType, IntegerType)
"""Types all of whose values a double holds."""

_PROMOTIONS = {(IntegerType(), LongType()), (FloatType(), DoubleType())}


def check_new(columns: Schema, where: str) -> None:
    """Make sure that columns that a table gets have types.

    Raises:
        DestinationError: a column or field is void: all of its values are null, and nothing says what they would be; or
            it is a struct without fields, which no table has.
    """
    if hollow := [name for name, kind in columns.items() if StructType(()) in parts_of(kind)]:
        message = f"{where}: column {hollow[0]!r} is {columns[hollow[0]]}: a struct has to have a field. Drop it"
        raise DestinationError(message, {"columns": hollow}).classed(ErrorClass.CONFIGURATION)
    void = [name for name, kind in columns.items() if any(isinstance(part, NullType) for part in parts_of(kind))]
    if void:
        message = (
            f"{where}: column {void[0]!r} is {columns[void[0]]}: what is void holds nothing but null, so its type is "
            "unknown. Give it one with a schema hint, or drop it"
        )
        raise DestinationError(message, {"columns": void}).classed(ErrorClass.CONFIGURATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaChange:
    """What a batch's schema means for a table.

    Attributes:
        current: the table's columns.
        schema: what the batch has to be brought to: the table's columns with the types that hold both, then new ones.
        rewrites: files of the table hold columns in types that readers would not take for the new ones.
        renamed: new names of columns of the table by those they have.
    """

    current: Schema
    schema: Schema
    rewrites: bool
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> Schema:
        """Columns that the table does not have, or has with another type."""
        return {name: kind for name, kind in self.schema.items() if self.current.get(name) != kind}

    def said(self) -> tuple[str, ...]:
        """Return each change for people: `n: int -> bigint`, `new column more: double`, `a is called b`."""
        was = {self.renamed.get(name, name): kind for name, kind in self.current.items()}
        return (
            *(f"{old} is called {new}" for old, new in self.renamed.items()),
            *(
                f"{name}: {was[name]} -> {kind}" if name in was else f"new column {name}: {kind}"
                for name, kind in self.schema.items()
                if was.get(name) != kind
            ),
        )


def of_delta(
    current: Schema, batch: Schema, request: WriteRequest[Frame], where: str, *, keys: Collection[str]
) -> SchemaChange:
    """Compare a batch's columns with those of a Delta table, whose files hold the names of columns.

    Args:
        current: the table's columns.
        batch: the batch's columns.
        request: what the table may become.
        where: the table, for messages.
        keys: columns that the table is partitioned by.

    Raises:
        DestinationError: a type doesn't fit, the policy forbids the change, or a partition column would be renamed.
    """
    change = _evolved(current, batch, request, where, stays=_only_adds)
    found = sorted(set(keys) & set(change.renamed))
    if found:
        message = f"{where}: {listed(found)} can't be renamed, because the table is partitioned by it"
        raise DestinationError(message, {"columns": found}).classed(ErrorClass.CONFIGURATION)
    return replace(change, rewrites=change.rewrites or bool(change.renamed))


def of_iceberg(current: Schema, batch: Schema, request: WriteRequest[Frame], where: str) -> SchemaChange:
    """Compare a batch's columns with those of an Iceberg table, of which no file is ever rewritten for its schema.

    Raises:
        DestinationError: a type doesn't fit, or can't change in Iceberg, or the policy forbids the change.
    """
    change = _evolved(current, batch, request, where, stays=_only_promotes)
    if change.rewrites:
        message = (
            f"{where}: Iceberg can't change types like this: {'; '.join(change.said())}. Cast the batch with "
            "a schema hint, or load into a new table"
        )
        raise DestinationError(message, {"changes": change.said()}).classed(ErrorClass.CONFIGURATION)
    return change


def _evolved(
    current: Schema,
    batch: Schema,
    request: WriteRequest[Frame],
    where: str,
    *,
    stays: Callable[[DataType | None, DataType], bool],
) -> SchemaChange:
    """Compare columns, names in any case.

    `stays` says whether files with a column in the first type, or without it, can be read as the second, wider one.
    """
    policy = request.schema_policy
    renamed = _renamed(current, batch, request.renames) if policy is SchemaPolicy.EVOLVE else {}
    before = {renamed.get(name, name): kind for name, kind in current.items()}
    target = dict(before)
    names = spellings(batch, before)
    for name, known in names.items():
        if known in before:
            target[known] = _common(known, before[known], batch[name], policy, where)
        elif policy is not SchemaPolicy.IGNORE_NEW:
            target[known] = batch[name]
    rewrites = any(not stays(before.get(name), kind) for name, kind in target.items())
    change = SchemaChange(current=current, schema=target, rewrites=rewrites, renamed=renamed)
    if policy is SchemaPolicy.STRICT:
        _refuse_any(change, set(current) - set(names.values()), where)
    check_new(change.changed, where)
    return change


def _renamed(current: Collection[str], batch: Collection[str], renames: Mapping[str, str]) -> dict[str, str]:
    """Return the new names of columns that the table has under the old name alone, and the batch under the new one."""
    table, given = {name.lower(): name for name in current}, {name.lower() for name in batch}
    return {
        table[old.lower()]: new
        for old, new in renames.items()
        if old.lower() in table.keys() - given and new.lower() in given - table.keys()
    }


def _common(column: str, current: DataType, batch: DataType, policy: SchemaPolicy, where: str) -> DataType:
    """Return the type that a column of the table gets.

    Raises:
        DestinationError: none holds the values of both unchanged, or the policy keeps the type as it is.
    """
    found = widest(current, batch)
    if found is not None and policy is SchemaPolicy.IGNORE_NEW:
        found = _without_new(current, found)
    if found is None or not _keeps(current, found):
        why = "which does not fit. Cast it with a schema hint, or load into a new table"
    elif policy is SchemaPolicy.IGNORE_NEW and found != current:
        why = "and schema_policy ignore_new changes no type. Cast it with a schema hint, or let the schema evolve"
    else:
        return found
    message = f"{where}: column {column!r} is {current} in the table, but {batch} in the batch, {why}"
    raise DestinationError(message, {"column": column}).classed(ErrorClass.CONFIGURATION)


def _refuse_any(change: SchemaChange, missing: set[str], where: str) -> None:
    different = sorted(missing | (set(change.schema) - set(change.current)))
    if different:
        what = f"columns {listed(different)} are not in both batch and table"
    elif change.changed:
        what = f"the table would have to change ({listed(change.said())})"
    else:
        return
    message = f"{where}: {what}, and schema_policy is strict"
    raise DestinationError(message, {"columns": different or list(change.changed)}).classed(ErrorClass.CONFIGURATION)


def _keeps(kind: DataType, wider: DataType) -> bool:
    """Whether a wider type holds all values of the type unchanged."""
    match kind, wider:
        case ArrayType(), ArrayType():
            return _keeps(kind.element, wider.element)
        case StructType(), StructType():
            fields = dict(wider.fields)
            return all(_keeps(inner, fields[name]) for name, inner in kind.fields)
        case _:
            return not isinstance(wider, DoubleType) or isinstance(kind, _EXACT_IN_DOUBLE)


def _without_new(kind: DataType, wider: DataType) -> DataType:
    """Return the wider type without the fields that the type doesn't have."""
    match kind, wider:
        case ArrayType(), ArrayType():
            return ArrayType(_without_new(kind.element, wider.element))
        case StructType(), StructType():
            fields = dict(wider.fields)
            return StructType(tuple((name, _without_new(inner, fields[name])) for name, inner in kind.fields))
        case _:
            return wider


def _only_adds(kind: DataType | None, target: DataType) -> bool:
    """Whether Delta files without a column, or without fields of a struct, can stay: readers fill in null.

    Not all of them do so in lists (DataFusion, and with it delta-rs' own writer, does not), and of types that widen in
    the log alone Polars knows nothing.
    """
    if kind is None or kind == target:
        return True
    if not isinstance(kind, StructType) or not isinstance(target, StructType):
        return False
    fields = dict(target.fields)
    return all(_only_adds(inner, fields[name]) for name, inner in kind.fields)


def _only_promotes(kind: DataType | None, target: DataType) -> bool:
    """Whether Iceberg can give a column, or a new one, another type while its files stay as they are."""
    match kind, target:
        case ArrayType(), ArrayType():
            return _only_promotes(kind.element, target.element)
        case StructType(), StructType():
            fields = dict(target.fields)
            return all(_only_promotes(inner, fields[name]) for name, inner in kind.fields)
        case DecimalType(), DecimalType():
            return kind.scale == target.scale
        case _:
            return kind is None or kind == target or (kind, target) in _PROMOTIONS
