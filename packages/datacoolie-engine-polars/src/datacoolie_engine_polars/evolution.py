"""What a batch's columns and types mean for those of a table, whatever the table's format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.models import SchemaPolicy
from datacoolie.core.suggest import listed
from datacoolie_engine_polars import failures
from datacoolie_engine_polars.schemas import conform, fields_of, inner_of, spellings, widest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from datacoolie.engines import WriteRequest

_EXACT_IN_DOUBLE = {pl.Float32(), pl.Float64(), pl.Int8(), pl.Int16(), pl.Int32()}
"""Types all of whose values a double holds."""


def check_new(columns: Mapping[str, pl.DataType], where: str) -> None:
    """Make sure that columns that a table gets have types.

    Raises:
        DestinationError: a column or field is void: all of its values are null, and nothing says what they would be.
    """
    void = [name for name, kind in columns.items() if any(part == pl.Null for part in parts_of(kind))]
    if void:
        message = (
            f"{where}: column {void[0]!r} is {failures.type_name(columns[void[0]])}: what is void holds nothing but "
            "null, so its type is unknown. Give it one with a schema hint, or drop it"
        )
        raise DestinationError(message, {"columns": void}).classed(ErrorClass.CONFIGURATION)


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """What a batch's schema means for a table.

    Attributes:
        current: the table's columns.
        schema: what the batch has to be brought to: the table's columns with the types that hold both, then new ones.
        rewrites: files of the table hold columns in types that readers would not take for the new ones.
        renamed: new names of columns of the table by those they have.
    """

    current: pl.Schema
    schema: pl.Schema
    rewrites: bool
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> Mapping[str, pl.DataType]:
        """Columns that the table does not have, or has with another type."""
        return {name: kind for name, kind in self.schema.items() if self.current.get(name) != kind}

    def said(self) -> tuple[str, ...]:
        """Return each change for people: `n: int -> bigint`, `new column more: double`, `a is called b`."""
        was = {self.renamed.get(name, name): kind for name, kind in self.current.items()}
        return (
            *(f"{old} is called {new}" for old, new in self.renamed.items()),
            *(
                f"{name}: {failures.type_name(was[name])} -> {failures.type_name(kind)}"
                if name in was
                else f"new column {name}: {failures.type_name(kind)}"
                for name, kind in self.schema.items()
                if was.get(name) != kind
            ),
        )

    def spelled(
        self, frame: pl.LazyFrame, schema: Mapping[str, pl.DataType], *, whole: bool = False, extra: str | None = None
    ) -> tuple[pl.LazyFrame, pl.Schema]:
        """Return the batch's own columns spelled and typed as in the table, with their schema.

        Args:
            frame: the batch.
            schema: its columns.
            whole: all columns of the table, null where the batch has none.
            extra: a column that stays as it is, after the others.
        """
        known = set(self.schema if whole else spellings(schema, self.schema).values())
        own = {name: kind for name, kind in self.schema.items() if name in known}
        target = pl.Schema({**own, extra: schema[extra]} if extra else own)
        return conform(frame, schema, target), target


def evolved(
    current: pl.Schema,
    batch: Mapping[str, pl.DataType],
    request: WriteRequest[pl.LazyFrame],
    where: str,
    *,
    stays: Callable[[pl.DataType | None, pl.DataType], bool],
) -> SchemaChange:
    """Compare a batch's columns with the table's, names in any case.

    Args:
        current: the table's columns.
        batch: the batch's columns.
        request: what the table may become.
        where: the table, for messages.
        stays: whether files that hold a column in the first type, or not at all, can be read as the second, wider one.

    Raises:
        DestinationError: a type doesn't fit, or the policy forbids the change.
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
    change = SchemaChange(current, pl.Schema(target), rewrites, renamed)
    if policy is SchemaPolicy.STRICT:
        _refuse_any(change, set(current) - set(names.values()), where)
    check_new(change.changed, where)
    return change


def _renamed(
    current: Mapping[str, pl.DataType], batch: Mapping[str, pl.DataType], renames: Mapping[str, str]
) -> dict[str, str]:
    """Return the new names of columns that the table has under the old name alone, and the batch under the new one."""
    table, given = {name.lower(): name for name in current}, {name.lower() for name in batch}
    return {
        table[old.lower()]: new
        for old, new in renames.items()
        if old.lower() in table.keys() - given and new.lower() in given - table.keys()
    }


def _common(column: str, current: pl.DataType, batch: pl.DataType, policy: SchemaPolicy, where: str) -> pl.DataType:
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
    message = (
        f"{where}: column {column!r} is {failures.type_name(current)} in the table, but {failures.type_name(batch)} "
        f"in the batch, {why}"
    )
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


def _keeps(kind: pl.DataType, wider: pl.DataType) -> bool:
    """Whether a wider type holds all values of the type unchanged."""
    match kind, wider:
        case pl.List(), pl.List():
            return _keeps(inner_of(kind), inner_of(wider))
        case pl.Struct(), pl.Struct():
            fields = fields_of(wider)
            return all(_keeps(inner, fields[name]) for name, inner in fields_of(kind).items())
        case _:
            return wider != pl.Float64 or kind in _EXACT_IN_DOUBLE


def _without_new(kind: pl.DataType, wider: pl.DataType) -> pl.DataType:
    """Return the wider type without the fields that the type doesn't have."""
    match kind, wider:
        case pl.List(), pl.List():
            return pl.List(_without_new(inner_of(kind), inner_of(wider)))
        case pl.Struct(), pl.Struct():
            fields = fields_of(wider)
            return pl.Struct({name: _without_new(inner, fields[name]) for name, inner in fields_of(kind).items()})
        case _:
            return wider


def parts_of(kind: pl.DataType) -> Iterator[pl.DataType]:
    """Yield a type and all types inside of it."""
    yield kind
    if isinstance(kind, pl.List):
        yield from parts_of(inner_of(kind))
    elif isinstance(kind, pl.Struct):
        for inner in fields_of(kind).values():
            yield from parts_of(inner)
