"""The transformer contract: metadata in, portable expressions out, one lazy frame into another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from datacoolie.core.exceptions import ErrorClass, TransformError
from datacoolie.sql import ExpressionError, infer, parse, resolve_column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from datacoolie.core.models import DataFlow, SchemaHint
    from datacoolie.core.types import DataType, Schema
    from datacoolie.engines.base import FrameOps
    from datacoolie.sql import Expr

Frame = TypeVar("Frame")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformContext(Generic[Frame]):
    """What transformers know of the load that they are part of.

    Attributes:
        flow: the dataflow.
        frames: the operations by which a frame becomes another.
        hints: the schema hints that are in effect, shared ones below the flow's own.
        run_id: the run, for `__dataflow_run_id`.
        started_at: when the run started, in UTC, for `__created_at` and `__updated_at`.
        user: who runs it, for `__updated_by`.
    """

    flow: DataFlow
    frames: FrameOps[Frame]
    hints: Sequence[SchemaHint] = ()
    run_id: str
    started_at: datetime
    user: str

    def error(self, field: str, message: str, *, column: str | None = None) -> TransformError:
        """Return the error of a field of the metadata, such as `transform.drop_columns`, to be raised."""
        details = {"dataflow": self.flow.name, "field": field, "column": column}
        return TransformError(f"{self.flow.name}: {field}: {message}", details).classed(ErrorClass.CONFIGURATION)

    def column(self, name: str, schema: Schema, field: str) -> str:
        """Return the exact name of the column that `field` calls `name`, in any case.

        Raises:
            TransformError: there is no such column, or there are several that differ only in case.
        """
        try:
            return resolve_column(name, schema)
        except ExpressionError as error:
            raise self.error(field, error.message, column=name) from error

    def column_if_any(self, name: str, schema: Schema, field: str) -> str | None:
        """Return the exact name as `column` does, or `None` when there is none and the flow says to ignore that.

        Raises:
            TransformError: as `column`; a missing one unless `missing_column_policy` is `ignore`.
        """
        ignored = self.flow.transform.settings.missing_column_policy == "ignore"
        if ignored and name.lower() not in {column.lower() for column in schema}:
            return None
        return self.column(name, schema, field)

    def type_of(self, expr: Expr, schema: Schema, field: str, *, column: str | None = None) -> DataType:
        """Return the type of the expression in `field`, of which the value becomes `column`.

        Raises:
            TransformError: it doesn't fit the columns.
        """
        try:
            return infer(expr, schema)
        except ExpressionError as error:
            raise self.error(field, _located(error), column=column) from error

    def expression(self, text: str | dict[str, str], field: str, *, column: str | None = None) -> Expr:
        """Return the expression that is written in `field`, of which the value becomes `column`.

        Raises:
            TransformError: it can't be read.
        """
        if not isinstance(text, str):
            message = "one text per engine is not supported yet; write one portable expression"
            raise self.error(field, message, column=column)
        try:
            return parse(text)
        except ExpressionError as error:
            raise self.error(field, _located(error), column=column) from error


def _located(error: ExpressionError) -> str:
    """Return the message with the place in the expression's text."""
    return error.message if error.line is None else f"{error.message} (line {error.line}, column {error.column})"


class BaseTransformer(ABC, Generic[Frame]):
    """A step of the pipeline. One instance without state serves all flows, in any number of threads.

    Registered under the entry-point group `datacoolie.transformers`:

        [project.entry-points."datacoolie.transformers"]
        deduplicate = "datacoolie.transformers.deduplicate:Deduplicate"
    """

    contract_version: ClassVar[int] = 1
    """Moves when plugins have to be changed; a plugin of another package states the one that it is built for."""

    order: ClassVar[int]
    """Its place in the pipeline, lowest first; 40 to 50 are free for plugins."""

    @abstractmethod
    def applies(self, context: TransformContext[Frame]) -> bool:
        """Return whether the flow's metadata asks for this step."""

    @abstractmethod
    def transform(self, frame: Frame, context: TransformContext[Frame]) -> Frame:
        """Return the frame after this step, lazily.

        Raises:
            TransformError: the metadata doesn't fit the frame.
        """
