"""Constants as they are written: numbers with suffixes, `DATE '...'`, `TIMESTAMP '...'`, `X'...'`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from datacoolie.core.types import (
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NullType,
    ShortType,
    StringType,
    TimestampNtzType,
    TimestampType,
)
from datacoolie.sql.build import decimal_literal
from datacoolie.sql.errors import ExpressionError, Position
from datacoolie.sql.nodes import Literal

TYPED = frozenset({"date", "timestamp", "timestamp_ltz", "timestamp_ntz"})
"""Words that make the string behind them a constant of their type."""

_NUMBER = re.compile(r"(.*?)(BD|[LSYDF]?)", re.IGNORECASE)
_BITS: dict[str, tuple[int, DataType]] = {
    "Y": (8, ByteType()),
    "S": (16, ShortType()),
    "L": (64, LongType()),
}
_DATETIME = re.compile(
    r"\s*(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?)?"
    r"\s*(Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?)?\s*"
)


def number_constant(text: str, at: Position, *, negative: bool = False) -> Literal:
    """Read a number: `1` is an int (or bigint, or decimal), `1.5` a decimal, `1e3` a double.

    Raises:
        ExpressionError: it is out of the range of its type.
    """
    match = _NUMBER.fullmatch(text)
    digits, suffix = (match[1], match[2].upper()) if match else (text, "")
    signed = f"-{digits}" if negative else digits
    if suffix in _BITS:
        return _integer(signed, *_BITS[suffix], at)
    if suffix in ("D", "F") or (not suffix and "e" in digits.lower()):
        return _float(signed, FloatType() if suffix == "F" else DoubleType(), at)
    if not suffix and digits.isdecimal():
        for bits, kind in ((32, IntegerType()), (64, LongType())):
            if -(2 ** (bits - 1)) <= int(signed) < 2 ** (bits - 1):
                return Literal(int(signed), kind, at)
    try:
        constant = decimal_literal(Decimal(signed))
    except ExpressionError as error:
        raise ExpressionError(error.message, at) from error
    return Literal(constant.value, constant.type, at)


def _integer(text: str, bits: int, kind: DataType, at: Position) -> Literal:
    limit = 2 ** (bits - 1)
    if not text.removeprefix("-").isdecimal():
        message = f"{text} is not a {kind}"
        raise ExpressionError(message, at)
    if not -limit <= int(text) < limit:
        message = f"{text} is out of the range of {kind}: {-limit} to {limit - 1}"
        raise ExpressionError(message, at)
    return Literal(int(text), kind, at)


def _float(text: str, kind: DataType, at: Position) -> Literal:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        message = f"{text} is out of the range of {kind}"
        raise ExpressionError(message, at)
    return Literal(value, kind, at)


def typed_constant(word: str, text: str, at: Position) -> Literal:
    """Read the constant that `word` says: `null`, `true`, `string`, `x` (bytes), `date`, `timestamp`, ...

    Raises:
        ExpressionError: the text is none.
    """
    match word:
        case "null":
            return Literal(None, NullType(), at)
        case "true" | "false":
            return Literal(word == "true", BooleanType(), at)
        case "string":
            return Literal(text, StringType(), at)
        case "x":
            return _bytes(text, at)
        case _:
            return _datetime(word, text, at)


def _bytes(text: str, at: Position) -> Literal:
    padded = "0" * (len(text) % 2) + text
    if not re.fullmatch(r"[0-9a-fA-F]*", padded):
        message = f"X'{text}' has digits that are not hexadecimal"
        raise ExpressionError(message, at)
    return Literal(bytes.fromhex(padded), BinaryType(), at)


def _datetime(word: str, text: str, at: Position) -> Literal:
    match = _DATETIME.fullmatch(text)
    try:
        moment = _moment(match) if match else None
    except ValueError:
        moment = None
    if moment is None:
        message = f"{word.upper()} {text!r} is not valid; write {word.upper()} '{_EXAMPLES[word]}'"
        raise ExpressionError(message, at)
    if word == "date":
        return Literal(date(moment.year, moment.month, moment.day), DateType(), at)
    if word == "timestamp_ntz":
        return Literal(moment.replace(tzinfo=None), TimestampNtzType(), at)
    return Literal(moment, TimestampType(), at)


_EXAMPLES = {
    "date": "2024-12-31",
    "timestamp": "2024-12-31 23:59:59Z",
    "timestamp_ltz": "2024-12-31 23:59:59Z",
    "timestamp_ntz": "2024-12-31 23:59:59",
}


def _moment(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    local = datetime(
        int(year),
        int(month or 1),
        int(day or 1),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        micros,
        _zone(zone),
    )
    return local.astimezone(UTC)


def _zone(text: str | None) -> timezone:
    """Return the zone of `Z`, `UTC`, `+2`, `+02:30` or `+0230`; without one, the session's: UTC."""
    match = re.fullmatch(r"([+-])(\d{1,2}):?(\d{2})?", text or "")
    if match is None:
        return UTC
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    return timezone(-offset if match[1] == "-" else offset)
