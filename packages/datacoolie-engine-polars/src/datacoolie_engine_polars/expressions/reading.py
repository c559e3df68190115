"""Text to dates and timestamps: Spark's own formats, and datetime patterns.

What most texts look like is read by Polars' parser, after a look at their shape, because it takes more than Spark does.
The rest is taken apart by a regular expression and put together by arithmetic.
"""

from __future__ import annotations

import calendar
import re
from typing import TYPE_CHECKING

import polars as pl

from datacoolie.sql.datetimes import Field, parse_pattern
from datacoolie_engine_polars.expressions.calendar import DAY, days_of, is_date
from datacoolie_engine_polars.expressions.checks import computed_once

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

BLANKS = "".join(map(chr, range(33))) + "\x7f"
"""What Spark strips around a text before it converts it."""

_ISO_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ISO_TIME = r"[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,6})?"

_DATE = r"(?<i>[+-])?(?<y>[0-9]{4,6})(?:-(?<M>[0-9]{1,2})(?:-(?<d>[0-9]{1,2})"
DATE_TEXT = rf"^{_DATE}(?:[ T].*)?)?)?$"
"""Spark's text of a date: `2024`, `2024-2`, `2024-02-29`, and what follows a space or `T` is not read."""

_CLOCK = r"(?<H>[0-9]{1,2})(?::(?<m>[0-9]{1,2})(?::(?<s>[0-9]{1,2})(?:\.(?<f>[0-9]{0,9}))?)?)?"
_ZONE = r" ?(?:Z|UTC|GMT|(?<z>[+-])(?<p>[0-9]{1,2})(?::?(?<q>[0-9]{2}))?)"
TIMESTAMP_TEXT = rf"^{_DATE}(?:[ T](?:{_CLOCK}(?:{_ZONE})?)?)?)?)?$"
"""Spark's text of a timestamp; zones are offsets or UTC."""

NAIVE = pl.Datetime("us")


def or_else(quick: pl.Expr, text: pl.Expr, slow: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """Return `quick`, and where it is null, what `slow` makes of the text."""

    def filled(found: pl.Expr, text: pl.Expr) -> pl.Expr:
        return found.fill_null(slow(pl.when(found.is_null()).then(text)))

    return computed_once(filled, quick, text)


def read_date(text: pl.Expr) -> pl.Expr:
    """Return the date of a text in Spark's format, null when it is none."""
    quick = pl.when(text.str.contains(f"^{_ISO_DATE}$")).then(text).str.to_date("%Y-%m-%d", strict=False)
    return or_else(quick, text, _date)


def _date(text: pl.Expr) -> pl.Expr:
    micros = assembled(text.str.strip_chars(BLANKS), DATE_TEXT)
    return micros.floordiv(DAY).cast(pl.Int32).cast(pl.Date)


def read_timestamp(text: pl.Expr, *, zoned: bool) -> pl.Expr:
    """Return microseconds since 1970 of a text in Spark's format, null when it is none.

    Args:
        text: the text.
        zoned: apply the zone of the text; otherwise it is read over.
    """
    known = pl.when(text.str.contains(f"^{_ISO_DATE}[ T]{_ISO_TIME}Z?$")).then(text)
    plain = known.str.slice(0, 10) + " " + known.str.slice(11).str.strip_suffix("Z")
    quick = plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False).cast(pl.Int64)
    return or_else(quick, text, lambda rest: assembled(rest.str.strip_chars(BLANKS), TIMESTAMP_TEXT, zoned=zoned))


def assembled(text: pl.Expr, pattern: str, *, zoned: bool = True) -> pl.Expr:
    """Return microseconds since 1970 of a text that a pattern with groups of one letter takes apart.

    Each step is a field of the struct that the step before made, so that nothing is computed twice.
    """
    groups = frozenset(re.findall(r"\(\?<(\w)>", pattern))
    parts = text.str.extract_groups(pattern).struct.with_fields(**_numbers(groups))
    parts = parts.struct.with_fields(days=_days(), clock=_clock(), offset=_offset(groups if zoned else frozenset()))
    return parts.struct.with_fields(
        micros=pl.field("days") * DAY + pl.field("clock") - pl.field("offset")
    ).struct.field("micros")


def _numbers(groups: frozenset[str]) -> dict[str, pl.Expr]:
    """Return year, month, day, hour, minute, second and microseconds of what the groups matched."""

    def number(name: str, default: int) -> pl.Expr:
        if name not in groups:
            return pl.lit(default, dtype=pl.Int64)
        return pl.field(name).cast(pl.Int64, strict=False).fill_null(default)

    year = 2000 + number("Y", 0) if "Y" in groups else number("y", 0)
    if "i" in groups:
        year = pl.when(pl.field("i") == "-").then(-year).otherwise(year)
    found = pl.field("Y" if "Y" in groups else "y").is_not_null()
    fraction = (pl.field("f") + "000000").str.slice(0, 6).cast(pl.Int64, strict=False).fill_null(0)
    return {
        "year": pl.when(found).then(year),
        "month": _month_of_name() if "L" in groups else number("M", 1),
        "day": number("d", 1),
        "hour": _hour_of_half(groups) if "h" in groups else number("H", 0),
        "minute": number("m", 0),
        "second": number("s", 0),
        "fraction": fraction if "f" in groups else pl.lit(0, dtype=pl.Int64),
        "hours": number("p", 0),
        "minutes": number("q", 0),
    }


_MONTHS = {name: at for names in (calendar.month_abbr, calendar.month_name) for at, name in enumerate(names) if name}


def _month_of_name() -> pl.Expr:
    return pl.field("L").replace_strict(_MONTHS, default=None, return_dtype=pl.Int64)


def _hour_of_half(groups: frozenset[str]) -> pl.Expr:
    hour = pl.field("h").cast(pl.Int64, strict=False)
    late = pl.when(pl.field("a") == "PM").then(12).otherwise(0) if "a" in groups else pl.lit(0)
    return pl.when(hour.is_between(1, 12)).then(hour % 12 + late)


def _days() -> pl.Expr:
    date = pl.field("year"), pl.field("month"), pl.field("day")
    return pl.when(is_date(*date)).then(days_of(*date))


def _clock() -> pl.Expr:
    hour, minute, second = pl.field("hour"), pl.field("minute"), pl.field("second")
    valid = (hour < 24) & (minute < 60) & (second < 60)  # noqa: PLR2004 - of a day
    return pl.when(valid).then(hour * HOUR + minute * MINUTE + second * SECOND + pl.field("fraction"))


def _offset(groups: frozenset[str]) -> pl.Expr:
    if "z" not in groups:
        return pl.lit(0, dtype=pl.Int64)
    size = pl.field("hours") * HOUR + pl.field("minutes") * MINUTE
    valid = (pl.field("hours") <= 18) & (pl.field("minutes") < 60)  # noqa: PLR2004 - the largest offset there is
    return pl.when(valid).then(pl.when(pl.field("z") == "-").then(-size).otherwise(size))


_GROUPS = {
    ("y", 1): r"(?<y>[0-9]{1,6})",
    ("y", 2): r"(?<Y>[0-9]{2})",
    ("y", 4): r"(?<y>[0-9]{4})",
    ("M", 3): f"(?<L>{'|'.join(calendar.month_abbr[1:])})",
    ("M", 4): f"(?<L>{'|'.join(calendar.month_name[1:])})",
    ("a", 1): "(?<a>AM|PM)",
    ("X", 1): r"(?:Z|(?<z>[+-])(?<p>[0-9]{2})(?<q>[0-9]{2})?)",
    ("X", 3): r"(?:Z|(?<z>[+-])(?<p>[0-9]{2}):(?<q>[0-9]{2}))",
}
"""Regular expressions of fields that are not just one or two digits."""

_DIRECTIVES = {"y": "%Y", "M": "%m", "d": "%d", "H": "%H", "m": "%M", "s": "%S"}
"""Fields that Polars' parser reads, once their shape is known."""


def read_by_pattern(text: pl.Expr, pattern: str) -> pl.Expr:
    """Return microseconds since 1970 of a text that fits a datetime pattern, null when it doesn't."""
    parts = parse_pattern(pattern, reading=True)
    shape = "^" + "".join(_group(part) for part in parts) + "$"
    directives = _directives(parts)
    if directives is None:
        return assembled(text, shape)
    known = pl.when(text.str.contains(shape.replace("(?<s>[0-9]", "(?<s>[0-5]"))).then(text)
    return known.str.to_datetime(directives, time_unit="us", strict=False).cast(pl.Int64)


def _group(part: Field | str) -> str:
    if isinstance(part, str):
        return pl.escape_regex(part)
    if part.letter == "S":
        return rf"(?<f>[0-9]{{1,{part.width}}})"
    digits = r"[0-9]{1,2}" if part.width == 1 else r"[0-9]{2}"
    return _GROUPS.get((part.letter, part.width), rf"(?<{part.letter}>{digits})")


def _directives(parts: tuple[Field | str, ...]) -> str | None:
    """Return the pattern for Polars' parser, which needs whole dates, and hours with minutes; else `None`."""
    fields = [(part.letter, part.width) for part in parts if isinstance(part, Field)]
    letters = {letter for letter, _ in fields}
    plain = len(letters) == len(fields) and all(letter in _DIRECTIVES for letter in letters)
    sizes = all(width == 4 if letter == "y" else width == 2 for letter, width in fields)  # noqa: PLR2004 - digits
    complete = letters >= {"y", "M", "d"} and letters in ({"y", "M", "d"}, letters | {"H", "m"})
    if not (plain and sizes and complete):
        return None
    return "".join(part.replace("%", "%%") if isinstance(part, str) else _DIRECTIVES[part.letter] for part in parts)
