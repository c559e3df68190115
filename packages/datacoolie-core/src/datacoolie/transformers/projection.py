"""Which columns reach the target, and what they are called there."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from datacoolie.core.columns import DELETED, HISTORY_COLUMNS, SYSTEM_COLUMNS
from datacoolie.core.models import LoadType
from datacoolie.sql import col
from datacoolie.transformers.base import BaseTransformer
from datacoolie.transformers.names import cased

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.core.types import Schema
    from datacoolie.transformers.base import TransformContext

Frame = TypeVar("Frame")


class Projection(BaseTransformer[Frame]):
    """Select or drop columns, then rename what is left.

    What a load adds stays with `select_columns`, whether it is listed or not: system columns, those of a history, and
    partition columns that are computed.
    """

    order: ClassVar[int] = 85

    def applies(self, context: TransformContext[Frame]) -> bool:
        """Return whether any of the three is given."""
        transform = context.flow.transform
        return bool(transform.select_columns or transform.drop_columns or transform.rename_columns)

    def transform(self, frame: Frame, context: TransformContext[Frame]) -> Frame:
        """Make one selection of it."""
        schema = context.frames.schema(frame)
        kept = _kept(schema, context)
        renames = _renames({column: schema[column] for column in kept}, context)
        names = {column: renames.get(column, column) for column in kept}
        _refuse_collisions(names, "transform.rename_columns", context)
        return context.frames.select(frame, {new: col(old) for old, new in names.items()})


class ColumnNames(BaseTransformer[Frame]):
    """Write column names in lower case, or as words with `_` between them; those that start with `_` stay."""

    order: ClassVar[int] = 90

    def applies(self, context: TransformContext[Frame]) -> bool:  # noqa: ARG002 - it always does
        """Return true."""
        return True

    def transform(self, frame: Frame, context: TransformContext[Frame]) -> Frame:
        """Rename the columns of which the name changes."""
        case = context.flow.transform.settings.column_name_case
        names = {column: cased(column, case) for column in context.frames.schema(frame)}
        _refuse_collisions(names, "transform.configure.column_name_case", context)
        changed = {old: new for old, new in names.items() if old != new}
        return context.frames.rename(frame, changed) if changed else frame


def _kept(schema: Schema, context: TransformContext[Frame]) -> list[str]:
    """Return the columns that stay, in the target's order."""
    transform = context.flow.transform
    if transform.select_columns:
        selected = _listed_columns(transform.select_columns, schema, "transform.select_columns", context)
        added = {part.column.lower() for part in context.flow.destination.partition_columns if part.expression}
        if transform.system_columns:
            added.update(SYSTEM_COLUMNS)
        if context.flow.destination.load_type is LoadType.SCD2:
            added.update((*HISTORY_COLUMNS, DELETED))
        return list(dict.fromkeys([*selected, *(column for column in schema if column.lower() in added)]))
    field = "transform.drop_columns"
    dropped = _listed_columns(transform.drop_columns, schema, field, context)
    kept = [column for column in schema if column not in dropped]
    if not kept:
        message = "no column is left; drop fewer"
        raise context.error(field, message)
    return kept


def _listed_columns(names: Sequence[str], schema: Schema, field: str, context: TransformContext[Frame]) -> list[str]:
    """Return the columns that a list names, by the name they have now or by the one they are renamed to."""
    present = {column.lower() for column in schema}
    olds = {new.lower(): old for old, new in context.flow.transform.rename_columns.items()}
    current = [name if name.lower() in present else olds.get(name.lower(), name) for name in names]
    found = [context.column_if_any(name, schema, field) for name in current]
    return [column for column in found if column is not None]


def _renames(schema: Schema, context: TransformContext[Frame]) -> dict[str, str]:
    """Return the new names by the exact old ones, among the columns that stay."""
    field = "transform.rename_columns"
    renames = context.flow.transform.rename_columns.items()
    return {column: new for old, new in renames if (column := context.column_if_any(old, schema, field)) is not None}


def _refuse_collisions(names: Mapping[str, str], field: str, context: TransformContext[Frame]) -> None:
    """Make sure that no two columns get one name, upper and lower case being equal."""
    olds: dict[str, str] = {}
    for old, new in names.items():
        other = olds.setdefault(new.lower(), old)
        if other != old:
            message = f"columns {other!r} and {old!r} would both be called {new!r}; rename or drop one of them"
            raise context.error(field, message, column=old)
