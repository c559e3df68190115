"""Expressions and queries of a dataflow: read once, so that a mistake is found before anything runs.

The parser is imported when there is something to parse.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from datacoolie.core.models import ConnectionType, RegexReplaceRule
from datacoolie.metadata.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacoolie.core.models import Connection, DataFlow
    from datacoolie.metadata.entries import Entry
    from datacoolie.metadata.positions import Path
    from datacoolie.sql import ExpressionError

_SQL_FILE = re.compile(r"(?!\s*(?:select|with)\s)[^\n;]+\.sql\s*", re.IGNORECASE)
_DIALECTS = {"postgres": "postgresql", "mariadb": "mysql", "sqlserver": "mssql"}
"""Database types by other names that a URL may begin with."""


def check_flow(entry: Entry, flow: DataFlow, source: Connection | None) -> None:
    """Note the mistakes in all expressions, patterns and the query of a flow, and read the query's file."""
    for path, expression in _expressions(flow):
        if isinstance(expression, str):
            _check_expression(entry, path, expression)
    for at, rule in enumerate(flow.transform.value_rules):
        if isinstance(rule, RegexReplaceRule):
            _check_pattern(entry, ("transform", "value_rules", at, "pattern"), rule.pattern)
    if flow.source.query is not None:
        _check_query(entry, flow, source)


def _expressions(flow: DataFlow) -> Iterator[tuple[Path, object]]:
    """Yield each expression and where it stands."""
    transform, destination = flow.transform, flow.destination
    yield ("source", "filter_expression"), flow.source.filter_expression
    yield ("transform", "filter_expression"), transform.filter_expression
    for at, added in enumerate(transform.additional_columns):
        yield ("transform", "additional_columns", at, "expression"), added.expression
    for at, part in enumerate(destination.partition_columns):
        if not part.hidden:
            yield ("destination", "partition_columns", at, "expression"), part.expression
    if "scd2_delete_expression" in destination.configure:
        yield ("destination", "configure", "scd2_delete_expression"), destination.settings.scd2_delete_expression


def _check_expression(entry: Entry, path: Path, expression: str) -> None:
    from datacoolie.sql import ExpressionError, parse  # noqa: PLC0415 - slow to import

    try:
        parse(expression)
    except ExpressionError as error:
        entry.fault_inside(path, error.message, _place(error))


def _check_pattern(entry: Entry, path: Path, pattern: str) -> None:
    from datacoolie.sql import ExpressionError  # noqa: PLC0415 - slow to import
    from datacoolie.sql.patterns import check_regex  # noqa: PLC0415 - slow to import

    try:
        check_regex(pattern)
    except ExpressionError as error:
        entry.fault_inside(path, error.message, None)


def _check_query(entry: Entry, flow: DataFlow, source: Connection | None) -> None:
    from datacoolie.sql import ExpressionError, check_query  # noqa: PLC0415 - slow to import

    path: Path = ("source", "query")
    query = flow.source.query or ""
    file = entry.document.path.parent / query.strip() if _SQL_FILE.fullmatch(query) else None
    if file is not None:
        try:
            query = file.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not written in UTF-8"
            entry.fault(path, f"names a file that can't be read: {reason}", value=flow.source.query)
            return
        flow.source.take_sql(query)
    try:
        check_query(query, _dialect(source))
    except ExpressionError as error:
        if file is None:
            entry.fault_inside(path, error.message, _place(error))
        else:
            fault = Fault(file=str(file), line=error.line, column=error.column, message=error.message)
            entry.document.faults.append(fault)


def _dialect(connection: Connection | None) -> str | None:
    """Return the database type whose SQL a query is written in, if that is known."""
    if connection is None or connection.connection_type is not ConnectionType.DATABASE:
        return None if connection is None else "spark"
    kind, url = connection.configure.get("database_type"), str(connection.configure.get("url", ""))
    scheme = re.split(r"[+:]", url.removeprefix("jdbc:"), maxsplit=1)[0]
    known = ("postgresql", "mysql", "mssql", "oracle", "sqlite")
    name = str(kind) if kind else _DIALECTS.get(scheme, scheme)
    return name if name in known else None


def _place(error: ExpressionError) -> tuple[int, int, int] | None:
    if error.line is None or error.column is None or error.offset is None:
        return None
    return error.line, error.column, error.offset
