"""Athena: tries whether a table can be read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import ErrorClass, PlatformError
from datacoolie_platform_aws.failures import errors

if TYPE_CHECKING:
    from types_boto3_athena import AthenaClient
    from types_boto3_athena.type_defs import QueryExecutionStatusTypeDef

_PATIENCE = 300.0
"""Seconds after which a statement is given up: it reads no rows."""


def try_table(client: AthenaClient, database: str, name: str, results: str) -> None:
    """Run a statement that plans a query of the table, and reads none of its rows.

    Args:
        client: of Athena.
        database: of the table.
        name: of the table.
        results: where Athena leaves the empty result.

    Raises:
        PlatformError: Athena refuses, can't read the table, or does not get to it.
    """
    where = f"{database}.{name}"
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in (database, name))
    with errors("ask Athena for", where):
        query = client.start_query_execution(
            QueryString=f"SELECT * FROM {quoted} LIMIT 0",  # noqa: S608 - both are quoted
            ResultConfiguration={"OutputLocation": results},
        )["QueryExecutionId"]
        status = _ended(client, query)
    state = status.get("State", "RUNNING")
    if state != "SUCCEEDED":
        said = status.get("StateChangeReason") or f"the statement is {state.lower()}"
        message = f"Athena can't read {where!r}: {said}."
        again = status.get("AthenaError", {}).get("Retryable", state in {"QUEUED", "RUNNING"})
        failed = PlatformError(message, {"table": where, "query": query})
        raise failed.classed(ErrorClass.TRANSIENT) if again else failed


def _ended(client: AthenaClient, query: str) -> QueryExecutionStatusTypeDef:
    """Return how a statement ended, or how it is doing when it takes too long; then it is stopped."""
    until, pause = time.monotonic() + _PATIENCE, 0.1
    while True:
        status = client.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        if status["State"] not in {"QUEUED", "RUNNING"}:
            return status
        if time.monotonic() > until:
            client.stop_query_execution(QueryExecutionId=query)
            return status
        time.sleep(pause)
        pause = min(2 * pause, 2.0)
