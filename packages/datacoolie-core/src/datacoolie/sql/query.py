"""The syntax of SQL queries that a database runs itself."""

from __future__ import annotations

from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.sql.errors import ExpressionError, Position

DIALECTS = {
    "postgresql": "postgres",
    "mysql": "mysql",
    "mssql": "tsql",
    "oracle": "oracle",
    "sqlite": "sqlite",
    "spark": "spark",
}
"""Database types of connections, and the dialects that they speak."""


def check_query(text: str, dialect: str | None = None) -> None:
    """Check that `text` is one SELECT statement of a dialect; the database checks the names in it.

    Args:
        text: the query.
        dialect: a database type, one of `DIALECTS`; without one, common SQL.

    Raises:
        ExpressionError: it is empty, no valid SQL, more than one statement, or no SELECT.
    """
    import sqlglot  # noqa: PLC0415 - heavy, and most documents have no query
    from sqlglot import exp  # noqa: PLC0415

    if dialect is not None and dialect not in DIALECTS:
        message = f"No SQL dialect is called {dialect!r}. Known: {listed(DIALECTS)}.{did_you_mean(dialect, DIALECTS)}"
        raise ExpressionError(message)
    try:
        statements = sqlglot.parse(text, dialect=DIALECTS[dialect] if dialect else None)
    except sqlglot.errors.SqlglotError as error:
        raise _syntax_error(text, error) from error
    found = [
        statement for statement in statements if statement is not None and not isinstance(statement, exp.Semicolon)
    ]
    if len(found) != 1:
        message = f"A query is one SELECT statement; this text has {len(found)}"
        raise ExpressionError(message)
    if not isinstance(found[0], exp.Query):
        message = f"A query is a SELECT statement, this is {found[0].key.upper()}"
        raise ExpressionError(message)


def _syntax_error(text: str, error: Exception) -> ExpressionError:
    details = getattr(error, "errors", None) or [{}]
    line, column = details[0].get("line"), details[0].get("col")
    description = details[0].get("description") or str(error).splitlines()[0]
    at = None
    if line and column:
        before = sum(len(each) + 1 for each in text.split("\n")[: line - 1])
        at = Position(before + column - 1, line, column)
    return ExpressionError(f"The query is not valid SQL: {description}", at)
