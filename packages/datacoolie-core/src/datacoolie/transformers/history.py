"""The columns of a history, as far as one event knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from datacoolie.core.columns import DELETED, IS_CURRENT, VALID_FROM, VALID_TO
from datacoolie.core.models import LoadType
from datacoolie.core.types import BooleanType
from datacoolie.sql import call, cast, col, lit
from datacoolie.transformers.base import BaseTransformer
from datacoolie.transformers.names import NameMap

if TYPE_CHECKING:
    from datacoolie.transformers.base import TransformContext

Frame = TypeVar("Frame")


class History(BaseTransformer[Frame]):
    """Make an event of each row, for `scd2`: it holds from its effective time on, or closes its key then.

    What becomes of the events of a key is only known beside the table: the load rebuilds `__valid_to` and
    `__is_current`.
    """

    order: ClassVar[int] = 60

    def applies(self, context: TransformContext[Frame]) -> bool:
        """Return whether the load type is `scd2`."""
        return context.flow.destination.load_type is LoadType.SCD2

    def transform(self, frame: Frame, context: TransformContext[Frame]) -> Frame:
        """Add the columns."""
        settings, schema = context.flow.destination.settings, context.frames.schema(frame)
        names = NameMap.before(schema, context.flow.transform)
        effective = names.source_name(settings.scd2_effective_column or "")
        columns = {
            VALID_FROM: col(effective),
            VALID_TO: cast(lit(None), schema[effective]),
            IS_CURRENT: lit(value=True),
        }
        if settings.scd2_delete_expression:
            field = "destination.configure.scd2_delete_expression"
            closes = cast(context.expression(settings.scd2_delete_expression, field), BooleanType())
            context.type_of(closes, schema, field)
            columns[DELETED] = call("coalesce", closes, lit(value=False))
        return context.frames.with_columns(frame, columns)
