"""What a flow says of its target's columns, in the names that the target has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.models import LoadType
from datacoolie.destinations.scd2_columns import HistoryColumns
from datacoolie.sources.watermarks import inside
from datacoolie.sql import ExpressionError, infer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacoolie.core.models import DataFlow
    from datacoolie.core.types import Schema
    from datacoolie.sources.base import Window
    from datacoolie.sql import Expr
    from datacoolie.transformers.names import NameMap

_TRACKED, _REPLACED = "destination.configure.scd2_track_columns", "destination.configure.replace_by_watermark"


def merge_keys(flow: DataFlow, names: NameMap) -> tuple[str, ...]:
    """Return the columns by which rows are the same.

    Raises:
        TransformError: there is no such column.
    """
    return tuple(names.destination_name(key, "destination.merge_keys") for key in flow.destination.merge_keys)


def history_of(flow: DataFlow, names: NameMap) -> HistoryColumns | None:
    """Return which columns of a history mean what; those of an order and the effective one may be left out.

    Raises:
        TransformError: there is no such column.
    """
    destination, settings = flow.destination, flow.destination.settings
    if destination.load_type is not LoadType.SCD2:
        return None

    def present(columns: Iterable[str]) -> tuple[str, ...]:
        found = (names.destination_name_if_any(column) for column in columns)
        return tuple(column for column in found if column)

    return HistoryColumns(
        keys=merge_keys(flow, names),
        effective=names.destination_name_if_any(settings.scd2_effective_column or ""),
        track=tuple(names.destination_name(column, _TRACKED) for column in settings.scd2_track_columns),
        ignore=present(settings.scd2_ignore_columns),
        latest=present(flow.transform.latest_data_columns),
        full_snapshot=settings.scd2_full_snapshot,
    )


def replaced_rows(flow: DataFlow, window: Window, names: NameMap, schema: Schema) -> Expr | None:
    """Return the condition for rows of the target that are inside the window, when these are what a load replaces.

    Raises:
        TransformError: a watermark column does not reach the target.
        ConfigurationError: its type there is not that of the window's bounds.
    """
    if not flow.destination.settings.replace_by_watermark:
        return None
    bounds = [bound.values for bound in (window.low, window.high) if bound]
    wanted = dict.fromkeys(name for values in (flow.source.watermark_columns, *bounds) for name in values)
    columns = {name: names.destination_name(name, _REPLACED) for name in wanted}
    condition = inside(window.low, window.high, columns)
    try:
        infer(condition, schema)
    except ExpressionError as error:
        message = (
            f"{flow.name}: replace_by_watermark: the window can't be compared with the target: {error.message}. A "
            "watermark column has to keep its type on the way to the target"
        )
        raise ConfigurationError(message, {"flow": flow.name}) from error
    return condition
