"""The words of an expression, with their positions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from datacoolie.sql.errors import ExpressionError, Position


class Kind(Enum):
    """What a token is."""

    NAME = auto()
    QUOTED = auto()
    STRING = auto()
    BYTES = auto()
    NUMBER = auto()
    SYMBOL = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text.

    Attributes:
        kind: what it is.
        text: a name or symbol as written, a quoted name or string without its quotes and escapes.
        offset: characters before it.
        end: offset of the character after it.
    """

    kind: Kind
    text: str
    offset: int
    end: int

    def is_word(self, *words: str) -> bool:
        """Return whether this is one of the (lower-case) keywords or symbols."""
        return self.kind in (Kind.NAME, Kind.SYMBOL) and self.text.lower() in words


_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<raw>[rR](?:'[^']*'|"[^"]*"))
    |(?P<bytes>[xX]'[^']*')
    |(?P<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
    |(?P<quoted>`(?:[^`]|``)+`)
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:BD|[LSYDF])?(?![A-Za-z0-9_]))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<symbol><=>|->|=>|::|\|\||<>|<=|>=|!=|==|<<|>>|[-+*/%=<>!(),.\[\]~&|^:?;{}@])
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL)
_ESCAPED = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}


def tokens(text: str) -> list[Token]:
    """Return the tokens of `text` without white space and comments, `END` last.

    Raises:
        ExpressionError: a character can't begin a token, or a quote is not closed.
    """
    found, offset = [], 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            raise _unreadable(text, offset)
        if match.lastgroup != "space":
            found.append(_token(match))
        offset = match.end()
    return [*found, Token(Kind.END, "", len(text), len(text))]


def _token(match: re.Match[str]) -> Token:
    text = match[0]
    match match.lastgroup:
        case "raw" | "bytes" as group:
            kind, text = Kind.STRING if group == "raw" else Kind.BYTES, text[2:-1]
        case "string":
            kind, text = Kind.STRING, _unescape(text[1:-1].replace(text[0] * 2, text[0]))
        case "quoted":
            kind, text = Kind.QUOTED, text[1:-1].replace("``", "`")
        case group:
            kind = {"number": Kind.NUMBER, "name": Kind.NAME}.get(group or "", Kind.SYMBOL)
    return Token(kind, text, *match.span())


def _unescape(text: str) -> str:
    r"""Resolve Spark's escapes; `\%` and `\_` stay, for `like`."""

    def resolved(match: re.Match[str]) -> str:
        short, long, octal, char = match.groups()
        if short or long:
            return chr(int(short or long, 16))
        return chr(int(octal, 8)) if octal else _ESCAPED.get(char, char)

    return _ESCAPE.sub(resolved, text)


def _unreadable(text: str, offset: int) -> ExpressionError:
    char = text[offset]
    at = Position.of(text, offset)
    if char in "'\"`":
        return ExpressionError(f"The quote {char} is not closed", at)
    if char.isalpha():
        return ExpressionError(f"{char!r} can't begin a name; put the name in backticks: `name`", at)
    if char.isdigit():
        return ExpressionError("A name can't begin with a digit; put it in backticks: `name`", at)
    return ExpressionError(f"Unexpected character {char!r}", at)
