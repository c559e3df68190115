"""The platform `databricks`: volumes by the Files API, and as a cluster has them."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, ClassVar

import pytest
from databricks.sdk.config import Config

from datacoolie.core.exceptions import ConfigurationError, ErrorClass, PlatformError
from datacoolie.plugins import platform_registry
from datacoolie.testing import Gap, PlatformSuite, RemotePlatformSuite
from datacoolie.testing.bad_days import PATIENCE
from datacoolie.testing.proxy import Answer
from datacoolie_platform_databricks import DatabricksPlatform
from tools.services.databricks import TOKEN, VOLUME, Workspace, running_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from datacoolie.platforms import BasePlatform

PART = 1 << 20

NO_SWAPS = Gap("the Files API has no compare-and-swap, so it is refused", PlatformError)


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    with running_workspace() as workspace:
        yield workspace


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing in the environment say of another workspace."""
    for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_RUNTIME_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", "/dev/null")


@pytest.fixture(scope="module")
def platform(workspace: Workspace) -> BasePlatform:
    return DatabricksPlatform(host=workspace.url, token=TOKEN)


@pytest.fixture
def folder() -> str:
    return f"{VOLUME}/{uuid.uuid4().hex}"


def set_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have files go in parts of a MiB."""
    monkeypatch.setattr(Config, "files_ext_multipart_upload_min_stream_size", PART)
    monkeypatch.setattr(Config, "files_ext_multipart_upload_part_size_options", [PART])


class TestVolumes(PlatformSuite):
    large: ClassVar[int] = 3 * PART + 1024
    foreign: ClassVar[str] = "gs:/elsewhere"
    gaps: ClassVar[dict[str, Gap]] = dict.fromkeys(
        (
            "test_a_large_file_is_created_once",
            "test_any_name_has_versions",
            "test_versions_are_compared",
            "test_of_many_writers_one_wins",
            "test_no_swap_is_lost",
        ),
        NO_SWAPS,
    )

    @pytest.fixture(autouse=True)
    def _small_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        set_parts(monkeypatch)


def refusal(code: str, status: int, headers: dict[str, str] | None = None) -> Answer:
    body = json.dumps({"error_code": code, "message": "Sorry."}).encode()
    return Answer(status=status, body=body, headers={"Content-Type": "application/json", **(headers or {})})


class TestVolumesOnBadDays(RemotePlatformSuite):
    busy: ClassVar[tuple[Answer, ...]] = (
        refusal("REQUEST_LIMIT_EXCEEDED", 429, {"Retry-After": "0"}),
        refusal("TEMPORARILY_UNAVAILABLE", 503, {"Retry-After": "0"}),
    )
    refusals: ClassVar[dict[str, Answer]] = {
        r"the login failed: Sorry\. Check the token": refusal("UNAUTHENTICATED", 401),
        r"no right to do so: Sorry\. Give the user .* READ VOLUME": refusal("PERMISSION_DENIED", 403),
    }
    gaps: ClassVar[dict[str, Gap]] = {
        "test_a_server_that_stays_busy": Gap("databricks-sdk tries for a time, not a number of times", AssertionError),
        "test_who_won_knows_it_although_the_answer_was_lost": NO_SWAPS,
    }

    @pytest.fixture
    def connect(self) -> Callable[[str], BasePlatform]:
        return lambda url: DatabricksPlatform(
            host=url, token=TOKEN, http_timeout_seconds=PATIENCE, retry_timeout_seconds=3
        )

    @pytest.fixture
    def server(self, workspace: Workspace) -> str:
        return workspace.url

    @pytest.fixture
    def secrets(self) -> tuple[str, ...]:
        return (TOKEN,)


def test_paths_are_resolved(platform: BasePlatform) -> None:
    for path in (f"{VOLUME}/a", f"dbfs:{VOLUME}//a/", f"{VOLUME}/a//"):
        assert platform.resolve(path) == f"{VOLUME}/a"
    refused = {
        "/Workspace/Shared/a": r"files of the workspace are there on a cluster only",
        "dbfs:/tmp/a": r"other folders of DBFS are for Databricks itself",
        "/Volumes/main/sales": r"names no volume",
    }
    for path, why in refused.items():
        with pytest.raises(PlatformError, match=why) as caught:
            platform.resolve(path)
        assert caught.value.error_class is ErrorClass.CONFIGURATION
    with pytest.raises(PlatformError, match="is a whole volume"):
        platform.delete(VOLUME)


def test_a_large_file_goes_in_parts(
    workspace: Workspace, platform: BasePlatform, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_parts(monkeypatch)
    workspace.asked.clear()
    platform.write(f"{folder}/f", bytes(2 * PART + 1))
    assert len([asked for asked in workspace.asked if asked.startswith("PUT /cloud/")]) == 3
    assert workspace.files[f"{folder}/f"][0] == bytes(2 * PART + 1)
    assert workspace.uploads == {}


def test_volumes_of_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are folders of the machine, which nobody asks databricks-sdk for."""
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    platform = DatabricksPlatform()
    assert platform.resolve(f"dbfs:{VOLUME}/a/") == f"{VOLUME}/a"
    assert not platform.exists(f"{VOLUME}/a")
    assert platform.resolve("/Workspace/Shared/a") == "/Workspace/Shared/a"
    for version in (None, "v"):
        with pytest.raises(PlatformError, match="nothing makes sure that of two writers one wins"):
            platform.write_if_match(f"{VOLUME}/a", b"", version)


def test_it_is_registered_and_knows_its_settings() -> None:
    assert platform_registry.get_class("databricks") is DatabricksPlatform
    with pytest.raises(ConfigurationError, match=r"platform 'databricks' .*hots: .*Did you mean 'host'\?"):
        DatabricksPlatform(hots="x")
