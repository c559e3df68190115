"""Columns that say when, by whom and by which run a row was loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from datacoolie.core.columns import SYSTEM_COLUMNS
from datacoolie.sql import lit
from datacoolie.transformers.base import BaseTransformer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.sql import Expr
    from datacoolie.transformers.base import TransformContext

Frame = TypeVar("Frame")


class SystemColumns(BaseTransformer[Frame]):
    """Add `SYSTEM_COLUMNS`, in the place of those that the source may have; `system_columns: false` turns them off."""

    order: ClassVar[int] = 70

    def applies(self, context: TransformContext[Frame]) -> bool:
        """Return whether they are on."""
        return context.flow.transform.system_columns

    def transform(self, frame: Frame, context: TransformContext[Frame]) -> Frame:
        """Add them."""
        return context.frames.with_columns(frame, stamps(context))


def stamps(context: TransformContext[Frame]) -> Mapping[str, Expr]:
    """Return the values of the system columns in rows that this load writes; none when they are off."""
    if not context.flow.transform.system_columns:
        return {}
    started = lit(context.started_at)
    return dict(zip(SYSTEM_COLUMNS, (started, started, lit(context.user), lit(context.run_id)), strict=True))
