"""Services as fixtures: each runs once per session; a test whose service is missing is skipped with the reason."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tools.services.model import MissingError
from tools.services.running import started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.services.model import Running

REQUIRED = "DATACOOLIE_REQUIRE_SERVICES"
"""The variable that makes a missing service a failure when it is `1`."""


def provided(name: str) -> Iterator[Running]:
    """Yield a running service; skip, or fail where services are required, when it can't be had."""
    try:
        with started(name) as running:
            yield running
    except MissingError as error:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{error} ({REQUIRED} is 1)")
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Running]:
    """Return a PostgreSQL server."""
    yield from provided("postgres")


@pytest.fixture(scope="session")
def iceberg_rest() -> Iterator[Running]:
    """Return an Iceberg REST catalog."""
    yield from provided("iceberg-rest")
