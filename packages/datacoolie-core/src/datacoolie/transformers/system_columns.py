"""Columns that say when, by whom and by which run a row was loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from datacoolie.sql import lit
from datacoolie.transformers.base import BaseTransformer

if TYPE_CHECKING:
    from datacoolie.transformers.base import TransformContext

Frame = TypeVar("Frame")

CREATED_AT = "__created_at"
UPDATED_AT = "__updated_at"
UPDATED_BY = "__updated_by"
DATAFLOW_RUN_ID = "__dataflow_run_id"

SYSTEM_COLUMNS = (CREATED_AT, UPDATED_AT, UPDATED_BY, DATAFLOW_RUN_ID)
"""The columns that a load adds, in order."""


class SystemColumns(BaseTransformer[Frame]):
    """Add `SYSTEM_COLUMNS`, in the place of those that the source may have; `system_columns: false` turns them off."""

    order: ClassVar[int] = 70

    def applies(self, context: TransformContext[Frame]) -> bool:
        """Return whether they are on."""
        return context.flow.transform.system_columns

    def transform(self, frame: Frame, context: TransformContext[Frame]) -> Frame:
        """Add them."""
        started = lit(context.started_at)
        values = dict(zip(SYSTEM_COLUMNS, (started, started, lit(context.user), lit(context.run_id)), strict=True))
        return context.frames.with_columns(frame, values)
