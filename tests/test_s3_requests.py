"""What a load asks S3, counted by a proxy; and what it says when S3 refuses in the middle of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

import polars as pl
import pytest
from botocore.credentials import ReadOnlyCredentials
from pyiceberg.catalog import load_catalog

from datacoolie.core.exceptions import ErrorClass
from datacoolie.platforms import Dialect
from datacoolie.testing.proxy import Answer, Fault, FaultyProxy, Request
from datacoolie_platform_aws.session import AwsSession
from tests.s3 import make_bucket, s3_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.projects import Record
    from tests.remote import RemoteProject
    from tools.services.model import Running

REFUSED = Answer(status=403, body=b"<Error><Code>AccessDenied</Code><Message>No.</Message></Error>")
EXPIRED = Answer(status=400, body=b"<Error><Code>ExpiredToken</Code><Message>It has expired.</Message></Error>")


class Guard(FaultyProxy):
    """Refuses requests of one method whose path has a part; none at first.

    Keys end: `brief0` when the first data file of an Iceberg table was written, `brief1` with the second, and so on;
    `stale` before data files of such a table are read.
    """

    method, part = "", ""

    @property
    def key(self) -> str:
        """The key that is good now."""
        return f"brief{sum(one.method == 'PUT' and '/data/dc-' in one.path for one in self.requests)}"

    def next_fault(self, request: Request) -> Answer | Fault | None:
        refused = request.method == self.method and self.part in request.path
        ended = key_of(request).startswith("brief") and key_of(request) != self.key and "/data/dc-" not in request.path
        return EXPIRED if reads_by_a_stale_key(request) else REFUSED if refused or ended else None


def key_of(request: Request) -> str:
    """Return the id of the key that a request is signed by."""
    headers = {name.lower(): text for name, text in request.headers.items()}
    return headers.get("authorization", "").partition("Credential=")[2].partition("/")[0]


def reads_by_a_stale_key(request: Request) -> bool:
    return key_of(request) == "stale" and "/data/dc-" in request.path


@pytest.fixture(scope="module")
def guard(moto_server: Running) -> Iterator[Guard]:
    with pytest.MonkeyPatch.context() as patch, Guard(moto_server.address["url"]) as guard:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        make_bucket(moto_server.address["url"])
        yield guard


@pytest.fixture
def project(tmp_path: Path, guard: Guard) -> RemoteProject:
    guard.method = guard.part = ""
    project = s3_project(tmp_path, guard.url)
    project.write(flow())
    project.land("events/1.parquet", pl.DataFrame({"id": [1]}))
    return project


def flow(connection: str = "lake") -> Record:
    return {
        "name": "events",
        "source": {"connection_name": "landing_parquet", "table": "events", "watermark_columns": ["id"]},
        "destination": {"connection_name": connection, "table": "events", "load_type": "append"},
        "transform": {"system_columns": False},
    }


def asked(project: RemoteProject, guard: Guard) -> list[Request]:
    """Load and return what was asked."""
    before = len(guard.requests)
    project.load()
    return guard.requests[before:]


def test_states_leases_and_tokens_take_few_requests(project: RemoteProject, guard: Guard) -> None:
    asked(project, guard)
    project.land("events/2.parquet", pl.DataFrame({"id": [2]}))
    load = [one for one in asked(project, guard) if "/state/" in one.path]
    # Read the state, take the lease, look at it before the commit, save both, and the record of the run.
    assert [one.method for one in load] == ["GET", "PUT", "GET", "PUT", "PUT"]
    nothing_new = [one for one in asked(project, guard) if "/state/" in one.path]
    assert [one.method for one in nothing_new] == ["GET", "PUT"]


@pytest.mark.parametrize(("load_type", "replaced"), [("append", 0), ("overwrite", 2)])
def test_flat_files_take_few_requests_too(project: RemoteProject, guard: Guard, load_type: str, replaced: int) -> None:
    whole = flow("out_parquet")
    project.write({**whole, "destination": {**cast("Record", whole["destination"]), "load_type": load_type}})
    asked(project, guard)
    project.land("events/2.parquet", pl.DataFrame({"id": [2]}))
    found = [_purpose(one) for one in asked(project, guard)]
    # Six for state, lease and token. The data's own: what was staged is listed, and what an overwrite replaces, before
    # a look that says that nobody committed since the first one.
    replacing = ["list", "look"]
    state = ["GET state", "PUT state", "look", "staged", "GET state", *replacing[:replaced], "commit", "PUT state"]
    assert [one for one in found if one] == state
    assert [one for one in (_purpose(one) for one in asked(project, guard)) if one] == ["GET state"]


def _purpose(request: Request) -> str:
    """Return what a request is for; nothing for data files, the source and records of runs."""
    path = unquote(request.path)
    if "/state/flows/" in path:
        return f"{request.method} state"
    if "/out/events/" not in path or "/staged/" in path:
        return ""
    if "list-type" in path:
        if re.search(r"_datacoolie/[^/&]+/", path):
            return "staged"
        return "look" if "_datacoolie/" in path else "list"
    return {"GET": "read", "PUT": "commit"}[request.method] if "/_datacoolie/" in path else ""


def test_a_run_looks_once_for_old_records(project: RemoteProject, guard: Guard) -> None:
    asked(project, guard)
    listed = [one for one in asked(project, guard) if "%2Fstate%2F" in one.path]
    assert [one.method for one in listed] == ["GET"]


@pytest.mark.parametrize(
    ("refused", "error", "message"),
    [
        (
            ("GET", "/landing/events/1.parquet"),
            "SourceError",
            r"landing/events/1.parquet.* failed: AccessDenied: No\. Check",
        ),
        (("PUT", "/lake/events/dc-part"), "DestinationError", r"writing .*dc-part.* failed: AccessDenied: No\. Check"),
        (("GET", "/lake/events/dc-part"), "AccessDeniedError", r"dc-part.*the right to do so"),
        (("PUT", "/_delta_log/"), "DestinationError", r"_delta_log/0+\.json failed: AccessDenied: No\. Check"),
        (("GET", "/_delta_log/"), "DestinationError", r"no Delta table that can be read.*AccessDenied"),
        (("PUT", "/state/flows/"), "AccessDeniedError", r"Can't write 's3://.*state/flows/.*the right to do so"),
    ],
)
def test_a_refusal_in_the_middle(
    project: RemoteProject, guard: Guard, refused: tuple[str, str], error: str, message: str
) -> None:
    guard.method, guard.part = refused
    record = project.attempt()
    guard.method = ""
    assert record.error is not None
    assert (record.error.type, record.error.error_class) == (error, ErrorClass.CONFIGURATION)
    assert re.search(message, record.error.message), record.error.message
    assert project.names("lake") == []
    project.load()
    assert project.table("events")["id"].to_list() == [1]


def test_credentials_that_change_while_a_load_lasts(
    project: RemoteProject, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(project, guard)
    project.land("events/2.parquet", pl.DataFrame({"id": [2]}))
    issued: list[int] = []

    def keys(_: AwsSession) -> tuple[ReadOnlyCredentials, datetime]:
        issued.append(len(guard.requests))
        return ReadOnlyCredentials(f"key{len(issued)}", "secret", None), datetime.now(UTC) + timedelta(hours=1)

    monkeypatch.setattr(AwsSession, "keys", keys)
    commit = next(one for one in asked(project, guard) if one.method == "PUT" and "_delta_log" in one.path)
    key = key_of(commit).removeprefix("key")
    # The commit is made by credentials that were asked for after the data had been written.
    written = max(at for at, one in enumerate(guard.requests) if one.method == "PUT" and "/dc-part" in one.path)
    assert issued[int(key) - 1] > written
    assert sorted(project.table("events")["id"]) == [1, 2]


def test_credentials_that_end_before_an_iceberg_commit(
    project: RemoteProject, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(flow("ice"))

    def keys(_: AwsSession) -> tuple[ReadOnlyCredentials, datetime]:
        return ReadOnlyCredentials(guard.key, "secret", None), datetime.now(UTC) + timedelta(hours=1)

    with monkeypatch.context() as patch:
        patch.setattr(AwsSession, "keys", keys)
        for number in (1, 2):  # the first load creates the table
            project.land(f"events/{number}.parquet", pl.DataFrame({"id": [number]}))
            commit = [one for one in asked(project, guard) if one.method == "PUT" and "/metadata/" in one.path]
            assert {key_of(one) for one in commit} == {guard.key}
    location = {"uri": f"sqlite:///{project.folder}/catalog.db", "warehouse": project.place("warehouse")}
    options = project.platform.storage_options(project.root, Dialect.ICEBERG)
    catalog = load_catalog("tests", type="sql", **location, **options)
    try:
        rows = catalog.load_table("db.events").scan().to_arrow().to_pydict()
    finally:
        catalog.close()
    assert sorted(rows["id"]) == [1, 2]


@pytest.mark.parametrize("retries", [0, 1])
def test_credentials_that_end_while_an_iceberg_table_is_read(
    project: RemoteProject, guard: Guard, monkeypatch: pytest.MonkeyPatch, retries: int
) -> None:
    """Polars has no way to ask for others then, so the load begins again."""
    project.write(flow("ice"))
    project.load()
    source = {"connection_name": "ice", "table": "events"}
    destination = {"connection_name": "lake", "table": "copy", "load_type": "overwrite"}
    copy: Record = {"name": "copy", "source": source, "destination": destination}
    project.write(copy, run={"retry_count": retries, "retry_delay": 0})
    before = len(guard.requests)

    def keys(_: AwsSession) -> tuple[ReadOnlyCredentials, datetime]:
        ended = any(map(reads_by_a_stale_key, guard.requests[before:]))
        return ReadOnlyCredentials("fresh" if ended else "stale", "secret", None), datetime.now(UTC) + timedelta(
            hours=1
        )

    monkeypatch.setattr(AwsSession, "keys", keys)
    record = project.attempt()
    assert any(map(reads_by_a_stale_key, guard.requests[before:]))
    if not retries:
        assert record.error is not None
        assert record.error.error_class is ErrorClass.TRANSIENT
        assert "ExpiredToken: It has expired. The credentials ended in the middle: run again" in record.error.message
        project.load()
    assert project.table("copy")["id"].to_list() == [1]
