"""The transformers of one flow, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from datacoolie.core.exceptions import TransformError
from datacoolie.sql import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacoolie.transformers.base import BaseTransformer, TransformContext

Frame = TypeVar("Frame")


def pipeline(
    transformers: Iterable[BaseTransformer[Frame]], context: TransformContext[Frame]
) -> list[BaseTransformer[Frame]]:
    """Return the transformers that apply to the flow, by their order; equal orders stay as given."""
    return sorted((each for each in transformers if each.applies(context)), key=lambda each: each.order)


def run_pipeline(
    frame: Frame, transformers: Iterable[BaseTransformer[Frame]], context: TransformContext[Frame]
) -> Frame:
    """Return the frame after all transformers that apply. Nothing is evaluated.

    Raises:
        TransformError: a step doesn't fit the frame; `details` names the flow and the transformer.
    """
    for transformer in pipeline(transformers, context):
        name = type(transformer).__name__
        try:
            frame = transformer.transform(frame, context)
        except TransformError as error:
            error.details.setdefault("dataflow", context.flow.name)
            error.details.setdefault("transformer", name)
            raise
        except ExpressionError as error:
            message = f"{context.flow.name}: {name}: {error.message}"
            details = {"dataflow": context.flow.name, "transformer": name}
            raise TransformError(message, details).classed(error.error_class) from error
    return frame
