"""Text to dates and timestamps and back: Spark's own formats, and datetime patterns."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field

import polars as pl

from datacoolie.sql.datetimes import Field, parse_pattern
from datacoolie_engine_polars.expressions.calendar import DAY, days_of, is_date

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

BLANKS = "".join(map(chr, range(33))) + "\x7f"
"""What Spark strips around a text before it converts it."""

_DATE = r"(?<i>[+-])?(?<y>[0-9]{4,6})(?:-(?<M>[0-9]{1,2})(?:-(?<d>[0-9]{1,2})"
DATE_TEXT = rf"^{_DATE}(?:[ T].*)?)?)?$"
"""Spark's text of a date: `2024`, `2024-2`, `2024-02-29`, and what follows a space or `T` is not read."""

_CLOCK = r"(?<H>[0-9]{1,2})(?::(?<m>[0-9]{1,2})(?::(?<s>[0-9]{1,2})(?:\.(?<f>[0-9]{0,9}))?)?)?"
_ZONE = r" ?(?:Z|UTC|GMT|(?<z>[+-])(?<p>[0-9]{1,2})(?::?(?<q>[0-9]{2}))?)"
TIMESTAMP_TEXT = rf"^{_DATE}(?:[ T](?:{_CLOCK}(?:{_ZONE})?)?)?)?)?$"
"""Spark's text of a timestamp; zones are offsets or UTC."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Named numbers that a regular expression found in a text."""

    found: pl.Expr
    names: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, text: pl.Expr, pattern: str) -> Parts:
        """Apply a pattern with named groups."""
        names = frozenset(re.findall(r"\(\?<(\w)>", pattern))
        return cls(text.str.extract_groups(pattern), names)

    def text(self, name: str) -> pl.Expr:
        """Return what a group matched."""
        return self.found.struct.field(name)

    def number(self, name: str, default: int | None = None) -> pl.Expr:
        """Return what a group matched as an integer, or a default where it matched nothing."""
        if name not in self.names:
            return pl.lit(default, dtype=pl.Int64)
        number = self.text(name).cast(pl.Int64, strict=False)
        return number if default is None else number.fill_null(default)


def read_date(text: pl.Expr) -> pl.Expr:
    """Return the date of a text in Spark's format, null when it is none."""
    parts = Parts.of(text.str.strip_chars(BLANKS), DATE_TEXT)
    return _days(parts).cast(pl.Int32).cast(pl.Date)


def read_timestamp(text: pl.Expr, *, zoned: bool) -> pl.Expr:
    """Return microseconds since 1970 of a text in Spark's format, null when it is none.

    Args:
        text: the text.
        zoned: apply the zone of the text; otherwise it is read over.
    """
    parts = Parts.of(text.str.strip_chars(BLANKS), TIMESTAMP_TEXT)
    return _micros(parts if zoned else Parts(parts.found, parts.names - {"z"}))


def _days(parts: Parts) -> pl.Expr:
    year, month, day = parts.number("y"), parts.number("M", 1), parts.number("d", 1)
    if "i" in parts.names:
        year = pl.when(parts.text("i") == "-").then(-year).otherwise(year)
    return pl.when(year.is_not_null() & is_date(year, month, day)).then(days_of(year, month, day))


def _micros(parts: Parts) -> pl.Expr:
    hour, minute, second = parts.number("H", 0), parts.number("m", 0), parts.number("s", 0)
    clock = hour * HOUR + minute * MINUTE + second * SECOND + _fraction(parts)
    valid = (hour < 24) & (minute < 60) & (second < 60)  # noqa: PLR2004 - of a day
    return pl.when(valid).then(_days(parts) * DAY + clock - _offset(parts))


def _fraction(parts: Parts) -> pl.Expr:
    if "f" not in parts.names:
        return pl.lit(0, dtype=pl.Int64)
    digits = (parts.text("f") + "000000").str.slice(0, 6)
    return digits.cast(pl.Int64, strict=False).fill_null(0)


def _offset(parts: Parts) -> pl.Expr:
    if "z" not in parts.names:
        return pl.lit(0, dtype=pl.Int64)
    size = parts.number("p", 0) * HOUR + parts.number("q", 0) * MINUTE
    valid = (parts.number("p", 0) <= 18) & (parts.number("q", 0) < 60)  # noqa: PLR2004 - the largest offset there is
    return pl.when(valid).then(pl.when(parts.text("z") == "-").then(-size).otherwise(size))


_READ = {
    ("y", 1): r"(?<y>[0-9]{1,6})",
    ("y", 2): r"(?<Y>[0-9]{2})",
    ("y", 4): r"(?<y>[0-9]{4})",
    ("M", 3): r"(?<L>[A-Z][a-z]{2})",
    ("M", 4): r"(?<L>[A-Z][a-z]{2,8})",
    ("a", 1): "(?<a>AM|PM)",
    ("X", 1): r"(?:Z|(?<z>[+-])(?<p>[0-9]{2})(?<q>[0-9]{2})?)",
    ("X", 3): r"(?:Z|(?<z>[+-])(?<p>[0-9]{2}):(?<q>[0-9]{2}))",
}
_MONTHS = {name: at for names in (calendar.month_abbr, calendar.month_name) for at, name in enumerate(names) if name}


def read_by_pattern(text: pl.Expr, pattern: str) -> pl.Expr:
    """Return microseconds since 1970 of a text that fits a datetime pattern, null when it doesn't."""
    parts = Parts.of(text, "^" + "".join(_reading(part) for part in parse_pattern(pattern, reading=True)) + "$")
    return _micros(_completed(parts))


def _reading(part: Field | str) -> str:
    if isinstance(part, str):
        return pl.escape_regex(part)
    if part.letter == "S":
        return rf"(?<f>[0-9]{{1,{part.width}}})"
    digits = r"[0-9]{1,2}" if part.width == 1 else r"[0-9]{2}"
    return _READ.get((part.letter, part.width), rf"(?<{part.letter}>{digits})")


def _completed(parts: Parts) -> Parts:
    """Derive year, month and hour from two digits, a name and a half of the day."""
    fields = {name: parts.text(name) for name in parts.names}
    if "Y" in fields:
        fields["y"] = "20" + fields["Y"]
    if "L" in fields:
        names = pl.Series(list(_MONTHS)), pl.Series([str(at) for at in _MONTHS.values()])
        # A name that is none becomes month 0, which no date has.
        fields["M"] = fields["L"].replace_strict(*names, default="0")
    if "h" in fields:
        hour = fields["h"].cast(pl.Int64, strict=False)
        valid = pl.when(hour.is_between(1, 12)).then(hour % 12)
        late = fields["a"] == "PM" if "a" in fields else pl.lit(value=False)
        fields["H"] = (valid + pl.when(late).then(12).otherwise(0)).fill_null(99).cast(pl.String)
    return Parts(pl.struct(value.alias(name) for name, value in fields.items()), frozenset(fields))


_WRITE = {
    ("y", 1): "%-Y",
    ("y", 2): "%y",
    ("y", 4): "%Y",
    ("M", 1): "%-m",
    ("M", 2): "%m",
    ("M", 3): "%b",
    ("M", 4): "%B",
    ("d", 1): "%-d",
    ("d", 2): "%d",
    ("H", 1): "%-H",
    ("H", 2): "%H",
    ("h", 1): "%-I",
    ("h", 2): "%I",
    ("m", 1): "%-M",
    ("m", 2): "%M",
    ("s", 1): "%-S",
    ("s", 2): "%S",
    ("S", 3): "%3f",
    ("S", 6): "%6f",
    ("a", 1): "%p",
    ("E", 1): "%a",
    ("E", 2): "%a",
    ("E", 3): "%a",
    ("E", 4): "%A",
}


def formatted(moment: pl.Expr, pattern: str) -> pl.Expr:
    """Return a UTC timestamp written by a datetime pattern."""
    pieces: list[pl.Expr] = []
    directives = ""
    for part in parse_pattern(pattern, reading=False):
        if isinstance(part, str):
            directives += part.replace("%", "%%")
        elif part.letter == "S" and ("S", part.width) not in _WRITE:
            pieces += [moment.dt.to_string(directives or "%%").str.slice(0 if directives else 1)]
            pieces += [moment.dt.to_string("%6f").str.slice(0, part.width)]
            directives = ""
        else:
            directives += "Z" if part.letter == "X" else _WRITE[part.letter, part.width]
    if directives or not pieces:
        pieces.append(moment.dt.to_string(directives))
    return pieces[0] if len(pieces) == 1 else pl.concat_str(pieces)


def timestamp_text(moment: pl.Expr) -> pl.Expr:
    """Return Spark's text of a timestamp: a fraction of seconds only if there is one, without its last zeros."""
    return moment.dt.to_string("%Y-%m-%d %H:%M:%S%.6f").str.replace(r"\.?0+$", "")
