"""The newest row of each key."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from datacoolie.core.exceptions import TransformError
from datacoolie.core.models import LoadType
from datacoolie.transformers.base import BaseTransformer
from datacoolie.transformers.names import NameMap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacoolie.core.models import Destination
    from datacoolie.transformers.base import TransformContext

Frame = TypeVar("Frame")


class Deduplicate(BaseTransformer[Frame]):
    """Keep the newest row per key: keys default to the merge keys, the order to the watermark columns.

    The versions of a history share their merge keys, so there the effective column is part of the key.

    Null is the oldest. Of rows that tie, one stays; all of them with `deduplicate_by_rank`.
    """

    order: ClassVar[int] = 20

    def applies(self, context: TransformContext[Frame]) -> bool:
        """Return whether keys or an order are given."""
        transform = context.flow.transform
        return bool(transform.deduplicate_columns or transform.latest_data_columns)

    def transform(self, frame: Frame, context: TransformContext[Frame]) -> Frame:
        """Resolve the names, which may be those of the target, and deduplicate."""
        flow = context.flow
        names = NameMap.before(context.frames.schema(frame), flow.transform)
        keys = flow.transform.deduplicate_columns or _row_keys(flow.destination)
        order = flow.transform.latest_data_columns or flow.source.watermark_columns
        if not keys:
            field = "transform.latest_data_columns"
            message = (
                "there are no keys to deduplicate by; give transform.deduplicate_columns or destination.merge_keys"
            )
            raise context.error(field, message)
        if not order:
            field = "transform.deduplicate_columns"
            message = (
                "nothing says which row is the newest; give transform.latest_data_columns or source.watermark_columns"
            )
            raise context.error(field, message)
        return context.frames.deduplicate(
            frame,
            keys=_resolved(keys, names, "transform.deduplicate_columns", context),
            order_by=_resolved(order, names, "transform.latest_data_columns", context),
            ties="all" if flow.transform.settings.deduplicate_by_rank else "one",
        )


def _row_keys(destination: Destination) -> list[str]:
    effective = destination.settings.scd2_effective_column if destination.load_type is LoadType.SCD2 else None
    return [*destination.merge_keys, effective] if effective and destination.merge_keys else destination.merge_keys


def _resolved(columns: Sequence[str], names: NameMap, field: str, context: TransformContext[Frame]) -> list[str]:
    try:
        return list(dict.fromkeys(names.source_name(column) for column in columns))
    except TransformError as error:
        raise context.error(field, error.message, column=error.details["column"]) from error
