"""The platform `databricks` in external locations: a workspace gives credentials for servers that speak S3."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING, ClassVar

import pytest
from obstore.store import S3Store

from datacoolie import Project
from datacoolie.core.exceptions import ConfigurationError, ErrorClass, PlatformError
from datacoolie.core.redaction import get_registered_secret_values
from datacoolie.platforms import AccessDeniedError, Dialect
from datacoolie.state import PlatformStateStore
from datacoolie.testing import Gap, PlatformSuite, RemotePlatformSuite, StateStoreSuite
from datacoolie.testing.bad_days import ATTEMPTS, PATIENCE
from datacoolie.testing.proxy import Answer, FaultyProxy
from datacoolie_platform_databricks import DatabricksPlatform
from tools.services.databricks import TOKEN, VOLUME, Workspace, running_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from datacoolie.platforms import BasePlatform
    from tools.services.model import Running

boto3 = pytest.importorskip("boto3", reason="the bucket is made by a library that this package does not need")

_SECONDS = 300
"""After these processes that still run are killed, which ends the test."""

BUCKET = "lake"
LOCATIONS = [f"s3://{BUCKET}/", f"s3://{BUCKET}/deep/er"]


@pytest.fixture(scope="module", autouse=True)
def _nothing_around() -> Iterator[None]:
    """Have nothing in the environment say of another workspace, or of other credentials."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_RUNTIME_VERSION", "AWS_ACCESS_KEY_ID"):
            patch.delenv(name, raising=False)
        patch.setenv("DATABRICKS_CONFIG_FILE", "/dev/null")
        yield


def with_bucket(running: Running) -> str:
    """Make the bucket, and return the server's URL."""
    address = running.address
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=address["url"],
        aws_access_key_id=address.get("key", "test"),
        aws_secret_access_key=address.get("secret", "testtest"),
    )
    if BUCKET not in [found["Name"] for found in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=BUCKET)
    return address["url"]


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with running_workspace() as workspace:
        workspace.unity.locations[:] = [url.rstrip("/") for url in LOCATIONS]
        workspace.unity.keys = ("test", "testtest")
        yield workspace


@pytest.fixture
def server(versitygw: Running) -> str:
    return with_bucket(versitygw)


@pytest.fixture(params=["moto_server", "versitygw"])
def platform(request: pytest.FixtureRequest, workspace: Workspace) -> BasePlatform:
    endpoint = with_bucket(request.getfixturevalue(request.param))
    return DatabricksPlatform(host=workspace.url, token=TOKEN, storage_endpoint=endpoint)


@pytest.fixture
def folder() -> str:
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


class TestLocations(PlatformSuite):
    large: ClassVar[int] = 33 << 20
    gaps: ClassVar[dict[str, Gap]] = {
        f"test_options_are_text[{server}-hadoop]": Gap("Spark gets at locations in Databricks only", PlatformError)
        for server in ("moto_server", "versitygw")
    }


class TestStates(StateStoreSuite):
    @pytest.fixture
    def store(self, platform: BasePlatform, folder: str) -> PlatformStateStore:
        return PlatformStateStore(platform, folder)


def refusal(code: str, status: int) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>Sorry.</Message></Error>"
    return Answer(status=status, body=body.encode(), headers={"Content-Type": "application/xml"})


class TestLocationsOnBadDays(RemotePlatformSuite):
    busy: ClassVar[tuple[Answer, ...]] = (
        refusal("SlowDown", 503),
        refusal("TooManyRequests", 429),
        refusal("InternalError", 500),
    )
    refusals: ClassVar[dict[str, Answer]] = {
        r"ExpiredToken: Sorry\. Check what Databricks lets": refusal("ExpiredToken", 403),
        r"AccessDenied: Sorry\. Check what Databricks lets": refusal("AccessDenied", 403),
    }

    @pytest.fixture
    def connect(self, workspace: Workspace) -> Callable[[str], BasePlatform]:
        return lambda url: DatabricksPlatform(
            host=workspace.url, token=TOKEN, storage_endpoint=url, http_timeout_seconds=PATIENCE, attempts=ATTEMPTS
        )

    @pytest.fixture
    def secrets(self) -> tuple[str, ...]:
        return (TOKEN, "testtest")


def test_credentials_are_for_the_nearest_location(workspace: Workspace) -> None:
    platform = DatabricksPlatform(host=workspace.url, token=TOKEN, region="eu-central-1")
    assert platform.storage_options("s3://lake/deep/er/f") == {
        "aws_access_key_id": "test",
        "aws_secret_access_key": "testtest",
        "aws_region": "eu-central-1",
        "aws_conditional_put": "etag",
    }
    assert platform.storage_options("s3://lake/deep/erratic", Dialect.ICEBERG) == {
        "s3.access-key-id": "test",
        "s3.secret-access-key": "testtest",
        "s3.region": "eu-central-1",
    }
    platform.storage_options("s3://lake/f")
    assert workspace.unity.given == [
        ("s3://lake/deep/er", "PATH_READ_WRITE"),
        ("s3://lake", "PATH_READ_WRITE"),
    ]
    assert "testtest" in get_registered_secret_values()
    assert platform.storage_options(f"{VOLUME}/f") == platform.storage_options("/tmp/f") == {}


def test_spark_on_a_cluster_has_rights_of_its_own(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = DatabricksPlatform(host=workspace.url, token=TOKEN)
    with pytest.raises(PlatformError, match=r"Spark gets at 's3://lake/f' in Databricks only") as caught:
        platform.storage_options("s3://lake/f", Dialect.HADOOP)
    assert caught.value.error_class is ErrorClass.CONFIGURATION
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    assert DatabricksPlatform().storage_options("s3://lake/f", Dialect.HADOOP) == {}


def test_credentials_are_asked_for_again_before_they_end(workspace: Workspace) -> None:
    workspace.unity.lifetime = 299
    platform = DatabricksPlatform(host=workspace.url, token=TOKEN)
    for _ in range(2):
        assert platform.storage_options("s3://lake/f")["aws_region"] == "us-east-1"
    assert len(workspace.unity.given) == 2


def test_clients_of_old_credentials_are_dropped(workspace: Workspace, moto_server: Running, folder: str) -> None:
    def count() -> int:
        gc.collect()
        return sum(isinstance(found, S3Store) for found in gc.get_objects())

    before = count()
    workspace.unity.lifetime = 0
    platform = DatabricksPlatform(host=workspace.url, token=TOKEN, storage_endpoint=with_bucket(moto_server))
    for number in range(5):
        workspace.unity.keys = (f"key{number}", "testtest")
        platform.write(f"{folder}/a", b"1")
    assert len(workspace.unity.given) == 5
    assert count() <= before + 1


def test_who_may_only_read_gets_credentials_to_read(workspace: Workspace) -> None:
    workspace.unity.denied = {"PATH_READ_WRITE"}
    platform = DatabricksPlatform(host=workspace.url, token=TOKEN)
    assert platform.storage_options("s3://lake/f")["aws_access_key_id"] == "test"
    assert workspace.unity.given == [("s3://lake", "PATH_READ")]
    workspace.unity.denied = {"PATH_READ_WRITE", "PATH_READ"}
    with pytest.raises(AccessDeniedError, match=r"User may not PATH_READ .* EXTERNAL USE LOCATION"):
        DatabricksPlatform(host=workspace.url, token=TOKEN).read("s3://lake/f")


def test_what_is_refused_by_name(workspace: Workspace) -> None:
    platform = DatabricksPlatform(host=workspace.url, token=TOKEN)
    refused = {
        "abfss://c@a.dfs.core.windows.net/f": "which has volumes .* and external locations on AWS",
        "s3://elsewhere/f": r"'s3://elsewhere/f' is in no external location .* There are: s3://lake, s3://lake/deep/er",
    }
    for path, why in refused.items():
        with pytest.raises(PlatformError, match=why) as caught:
            platform.read(path)
        assert caught.value.error_class is ErrorClass.CONFIGURATION
    workspace.unity.keys = None
    with pytest.raises(PlatformError, match="gives no credentials of AWS for s3://lake"):
        platform.read("s3://lake/f")


@pytest.mark.parametrize(
    ("setting", "value", "fault"),
    [
        ("attempts", "many", "attempts: Input should be a valid integer"),
        ("attempts", 0, "attempts: Input should be greater than or equal to 1"),
        ("http_timeout_seconds", "1m", "http_timeout_seconds: Input should be a valid number"),
        ("regoin", "x", r"regoin: is not a known setting; .*Did you mean 'region'\?"),
    ],
)
def test_settings_that_are_wrong(setting: str, value: object, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=f"The settings of the platform 'databricks' are wrong: {fault}"):
        DatabricksPlatform(**{setting: value})


def test_settings_of_the_environment_are_texts(workspace: Workspace, server: str, folder: str) -> None:
    texts = {"attempts": "5", "http_timeout_seconds": "60"}
    platform = DatabricksPlatform(host=workspace.url, token=TOKEN, storage_endpoint=server, **texts)
    platform.write(f"{folder}/a", b"1")
    assert platform.read(f"{folder}/a").data == b"1"


@pytest.mark.parametrize("path", ["s3://lake/f", f"{VOLUME}/f"])
def test_a_workspace_that_nothing_names_is_a_fault_of_the_configuration(path: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Set host and who asks in the settings of the platform"):
        DatabricksPlatform(auth_type="pat").read(path)


@pytest.mark.parametrize("on_a_cluster", [False, True])
def test_loads_into_volumes_are_refused_before_anything_is_read(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, on_a_cluster: bool
) -> None:
    if on_a_cluster:
        monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    (tmp_path / "flows.yaml").write_text(
        f"""
        connections:
          - {{name: here, format: csv, configure: {{base_path: {tmp_path}/in}}}}
          - {{name: volume, format: csv, configure: {{base_path: {VOLUME}/in}}}}
        dataflows:
          - name: orders
            source: {{connection_name: here, table: orders}}
            destination: {{connection_name: volume, table: orders}}
          - name: back
            source: {{connection_name: volume, table: orders}}
            destination: {{connection_name: here, table: back}}
        """
    )
    (tmp_path / "datacoolie.yaml").write_text(
        f"metadata: [flows.yaml]\nplatform: {{name: databricks, host: '{workspace.url}', token: {TOKEN}}}\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        Project.load(tmp_path).run()
    place = f"'{VOLUME}/in/orders'"
    if on_a_cluster:
        assert f"orders: {place} is in a volume, where nothing makes sure" in caught.value.message
        assert "back: " not in caught.value.message
    else:
        assert f"orders: volumes are written to by engines on a cluster only, and {place} is" in caught.value.message
        assert f"back: volumes are read from by engines on a cluster only, and {place} is" in caught.value.message
    assert workspace.asked == []


def test_files_move_between_volumes_and_locations(
    workspace: Workspace, server: str, folder: str, tmp_path: Path
) -> None:
    platform = DatabricksPlatform(host=workspace.url, token=TOKEN, storage_endpoint=server)
    platform.write(f"{VOLUME}/in/a", b"1")
    platform.move(f"{VOLUME}/in/a", f"{folder}/a")
    platform.copy(f"{folder}/a", (tmp_path / "a").as_posix())
    assert (tmp_path / "a").read_bytes() == b"1"
    assert [file.path for file in platform.list(folder)] == [f"{folder}/a"]
    assert list(platform.list(f"{VOLUME}/in")) == []
    other = "s3://lake/deep/er/" + uuid.uuid4().hex
    platform.move(f"{folder}/a", other)
    assert platform.read(other).data == b"1"


def test_files_of_several_locations_are_deleted_by_the_keys_of_each(workspace: Workspace, moto_server: Running) -> None:
    workspace.unity.own_keys = {LOCATIONS[1]: ("deeper", "testtest")}
    name = uuid.uuid4().hex
    paths = [f"s3://{BUCKET}/{name}", *(f"{LOCATIONS[1]}/{name}{number}" for number in range(2))]
    with FaultyProxy(with_bucket(moto_server)) as proxy:
        platform = DatabricksPlatform(host=workspace.url, token=TOKEN, storage_endpoint=proxy.url)
        for path in paths:
            platform.write(path, b"1")
        platform.delete_files(paths)
        deleted = [request.headers["authorization"] for request in proxy.requests if request.method == "POST"]
        assert [text.partition("Credential=")[2].partition("/")[0] for text in deleted] == ["test", "deeper"]
        assert [path for path in paths if platform.stat(path)] == []


CONTENDER = """
import sys
from datetime import datetime, timezone
from datacoolie.state import LoadState, PlatformStateStore
from datacoolie_platform_databricks.cloud import CloudFiles
from datacoolie_platform_databricks.clouds import Keys, Place

class Given:
    def keys(self, uri):
        return Keys(values=("test", "testtest", ""), expires=datetime.max.replace(tzinfo=timezone.utc))

endpoint, folder, name = sys.argv[1:]
platform = CloudFiles(Given(), lambda: Place(region="us-east-1", endpoint=endpoint), None, timeout=60, attempts=5)
store = PlatformStateStore(platform, folder)
for seq in range(5):
    version = store.read("flow").version
    print("ready", flush=True)
    sys.stdin.readline()
    saved = store.save(LoadState(dataflow_id="flow", name=name, seq=seq), version)
    print("won" if saved else "lost", flush=True)
    sys.stdin.readline()
"""


def test_of_eight_processes_one_wins(workspace: Workspace, server: str, folder: str) -> None:
    arguments = [sys.executable, "-c", CONTENDER, server, folder]
    store = PlatformStateStore(DatabricksPlatform(host=workspace.url, token=TOKEN, storage_endpoint=server), folder)
    with ExitStack() as running:
        contenders = [
            running.enter_context(
                subprocess.Popen([*arguments, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for number in range(8)
        ]

        def kill() -> None:
            for contender in contenders:
                contender.kill()

        late = threading.Timer(_SECONDS, kill)
        late.start()
        for stop in (late.join, late.cancel, kill):  # from the last to the first
            running.callback(stop)
        for seq in range(5):
            assert told(contenders) == ["ready"] * 8
            results = told(contenders)
            assert sorted(results) == ["lost"] * 7 + ["won"]
            state = store.read("flow").state
            assert state is not None
            assert (state.seq, state.name) == (seq, str(results.index("won")))


def told(contenders: list[subprocess.Popen[str]]) -> list[str]:
    """Return what each process says, and let all go on at once when the last has."""
    said = []
    for contender in contenders:
        assert contender.stdout is not None
        said.append(contender.stdout.readline().strip())
    for contender in contenders:
        assert contender.stdin is not None
        contender.stdin.write("\n")
        contender.stdin.flush()
    return said
