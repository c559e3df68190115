"""Functions of text and a pattern, which is a constant of the subset that all engines read alike."""

from __future__ import annotations

from datacoolie.core.types import ArrayType, BooleanType, StringType
from datacoolie.sql.functions.model import INT, TEXT, Function, Takes

_PATTERN = TEXT("pattern").fixed
_LIKE = Takes((TEXT, _PATTERN, TEXT("escape").fixed), BooleanType(), optional=1)

REGEX_FUNCTIONS = frozenset({"rlike", "regexp_replace", "regexp_extract", "split"})
"""Functions whose second argument is a regular expression."""

PATTERNS: tuple[Function, ...] = (
    Function(
        name="like",
        signature=_LIKE,
        doc="Whether the whole text fits, `%` standing for any text, `_` for one character.",
    ),
    Function(name="ilike", signature=_LIKE, doc="As `like`, upper and lower case being equal."),
    Function(
        name="rlike",
        signature=Takes((TEXT, _PATTERN), BooleanType()),
        doc="Whether the regular expression fits a part of the text.",
        aliases=("regexp", "regexp_like"),
    ),
    Function(
        name="regexp_replace",
        signature=Takes((TEXT, _PATTERN, TEXT("replacement").fixed), StringType()),
        doc="The text with all that fits replaced; `$1` is the first group.",
    ),
    Function(
        name="regexp_extract",
        signature=Takes((TEXT, _PATTERN, INT("group").fixed), StringType(), optional=1),
        doc="A group (1) of the first part that fits; 0 is all of it; empty when nothing fits.",
    ),
    Function(
        name="split",
        signature=Takes((TEXT, _PATTERN), ArrayType(StringType())),
        doc="The parts between what fits the regular expression.",
    ),
)
