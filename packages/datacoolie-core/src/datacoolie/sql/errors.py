"""What is wrong with an expression, and where."""

from __future__ import annotations

from dataclasses import dataclass

from datacoolie.core.exceptions import DataCoolieError, ErrorClass


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the text of an expression.

    Attributes:
        offset: characters before it.
        line: counted from 1.
        column: counted from 1.
    """

    offset: int
    line: int
    column: int

    @classmethod
    def of(cls, text: str, offset: int) -> Position:
        """Return the position of the character at `offset` of `text`."""
        before = text[:offset]
        return cls(offset, before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


class ExpressionError(DataCoolieError, ValueError):
    """An expression can't be read, uses what isn't portable, or doesn't fit the columns it is used on.

    Attributes:
        offset: characters before the fault; `None` for an expression that was not parsed from text.
        line: line of the fault, counted from 1, or `None`.
        column: column of the fault, counted from 1, or `None`.
    """

    default_class = ErrorClass.CONFIGURATION

    def __init__(self, message: str, at: Position | None = None) -> None:
        """Keep the position beside the message."""
        super().__init__(message, {"line": at.line, "column": at.column} if at else None)
        self.offset = at.offset if at else None
        self.line = at.line if at else None
        self.column = at.column if at else None
