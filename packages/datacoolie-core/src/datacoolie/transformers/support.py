"""What a document may say and this version can't do: refused by name before anything is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.models import OnCastError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datacoolie.core.models import DataFlow, SchemaHint


def unsupported(flow: DataFlow, hints: Sequence[SchemaHint] = ()) -> list[str]:
    """Return a sentence for each thing that the flow asks of its transform in vain, such as
    `transform.hash_columns is not supported yet`.

    Args:
        flow: the dataflow.
        hints: the schema hints that are in effect, shared ones below the flow's own.
    """  # noqa: D205 - the example belongs to the sentence
    return [f"{thing} is not supported yet" for thing in _missing(flow, hints)]


def _missing(flow: DataFlow, hints: Sequence[SchemaHint]) -> Iterator[str]:
    transform = flow.transform
    if transform.hash_columns:
        yield "transform.hash_columns"
    if transform.masking_rules:
        yield "transform.masking_rules"
    if transform.settings.convert_timestamp_ntz and transform.settings.timestamp_timezone != "UTC":
        yield f"transform.configure.timestamp_timezone {transform.settings.timestamp_timezone!r} (only UTC is)"
    for hint in hints:
        if hint.is_active and hint.on_cast_error is OnCastError.REJECT:
            yield f"on_cast_error 'reject' of the schema hint for column {hint.column_name!r}"
    for field, expression in _expressions(flow):
        if isinstance(expression, dict):
            yield f"{field}: one text per engine"


def _expressions(flow: DataFlow) -> Iterator[tuple[str, str | dict[str, str] | None]]:
    for at, item in enumerate(flow.transform.additional_columns):
        yield f"transform.additional_columns[{at}].expression", item.expression
    yield "transform.filter_expression", flow.transform.filter_expression
    for at, part in enumerate(flow.destination.partition_columns):
        yield f"destination.partition_columns[{at}].expression", part.expression
    yield "source.filter_expression", flow.source.filter_expression
