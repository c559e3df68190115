"""Functions of text. Positions count characters from 1."""

from __future__ import annotations

from datacoolie.core.types import BooleanType, IntegerType, StringType
from datacoolie.sql.functions.model import INT, TEXT, TEXT_OR_BINARY, Function, Parameter, Takes

_STRING = StringType()
_INT = IntegerType()
_BOOLEAN = BooleanType()


def _text(name: str, doc: str, *more: Parameter, optional: int = 0, aliases: tuple[str, ...] = ()) -> Function:
    """Return a function of text and more that gives text."""
    return Function(name=name, signature=Takes((TEXT, *more), _STRING, optional), doc=doc, aliases=aliases)


def _test(name: str, doc: str, part: str) -> Function:
    return Function(name=name, signature=Takes((TEXT, TEXT(part)), _BOOLEAN), doc=doc)


STRINGS: tuple[Function, ...] = (
    _text("upper", "The text in upper case.", aliases=("ucase",)),
    _text("lower", "The text in lower case.", aliases=("lcase",)),
    _text("initcap", "The text with words, which spaces divide, in lower case but for their first letters."),
    _text("trim", "The text without spaces at both ends."),
    _text("btrim", "The text without spaces, or the given characters, at both ends.", TEXT("characters"), optional=1),
    _text("ltrim", "The text without leading spaces."),
    _text("rtrim", "The text without trailing spaces."),
    _text("reverse", "The characters in reverse order."),
    _text("repeat", "The text a number of times.", INT("times")),
    _text("left", "The first characters.", INT("length")),
    _text("right", "The last characters.", INT("length")),
    _text(
        "substring",
        "The part that begins at a position (counted from the end when negative) and has a length.",
        INT("position"),
        INT("length"),
        optional=1,
        aliases=("substr",),
    ),
    _text("replace", "The text with every occurrence replaced.", TEXT("search"), TEXT("replacement"), optional=1),
    _text("translate", "The text with characters exchanged one by one.", TEXT("from").fixed, TEXT("to").fixed),
    _text("lpad", "The text filled up on the left, or cut, to a length.", INT("length"), TEXT("pad"), optional=1),
    _text("rpad", "The text filled up on the right, or cut, to a length.", INT("length"), TEXT("pad"), optional=1),
    _text(
        "split_part",
        "The part, counted from 1 or from the end when negative, between delimiters; empty when there is none.",
        TEXT("delimiter"),
        INT("part"),
    ),
    Function(
        name="length",
        signature=Takes((TEXT_OR_BINARY,), _INT),
        doc="The number of characters, or of bytes.",
        aliases=("char_length", "character_length", "len"),
    ),
    Function(
        name="concat",
        signature=Takes((TEXT,), _STRING, repeated=True),
        doc="The texts one after the other; null when one is null.",
    ),
    Function(
        name="concat_ws",
        signature=Takes((TEXT("separator"), TEXT), _STRING, repeated=True),
        doc="The texts that are not null, with the separator between them.",
    ),
    Function(
        name="instr", signature=Takes((TEXT, TEXT("search")), _INT), doc="The position of the first occurrence, or 0."
    ),
    Function(
        name="locate",
        signature=Takes((TEXT("search"), TEXT, INT("start").fixed), _INT, optional=1),
        doc="The position of the first occurrence from a start (1), or 0.",
        aliases=("position",),
    ),
    _test("startswith", "Whether the text begins with the other.", "prefix"),
    _test("endswith", "Whether the text ends with the other.", "suffix"),
    _test("contains", "Whether the other is in the text.", "search"),
)
