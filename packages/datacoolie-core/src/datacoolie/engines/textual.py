"""Which columns text formats can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.types import ArrayType, BinaryType, MapType, StructType
from datacoolie.engines.schemas import parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.types import Schema


_IMPOSSIBLE: Mapping[str, tuple[type, ...]] = {
    "csv": (BinaryType, ArrayType, MapType, StructType),
    "json": (BinaryType,),
    "jsonl": (BinaryType,),
}


def check_text(format: str, schema: Schema, where: str) -> None:  # noqa: A002 - the word users know
    """Make sure that a format, if it is one of text, can hold these columns.

    Raises:
        DestinationError: one holds bytes, or several values in CSV.
    """
    for name, kind in schema.items():
        if any(isinstance(part, _IMPOSSIBLE.get(format, ())) for part in parts_of(kind)):
            message = (
                f"{where}: {format} can't hold column {name!r}, which is {kind}. Leave it out, make a text of it, or "
                "write parquet"
            )
            raise DestinationError(message, {"column": name, "type": str(kind)}).classed(ErrorClass.CONFIGURATION)
