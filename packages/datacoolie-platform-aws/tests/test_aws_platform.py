"""The platform `aws` on two servers that speak S3."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

import boto3
import pytest

from datacoolie.testing import PlatformSuite, RemotePlatformSuite
from datacoolie.testing.bad_days import ATTEMPTS, PATIENCE
from datacoolie.testing.proxy import Answer
from datacoolie_platform_aws import AwsPlatform, objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from datacoolie.platforms import BasePlatform
    from tools.services.model import Running

BUCKET = "suite"


def with_bucket(running: Running) -> Running:
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=running.address["url"],
        aws_access_key_id=running.address["key"],
        aws_secret_access_key=running.address["secret"],
    )
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=BUCKET)
    return running


@pytest.fixture(scope="module", autouse=True)
def credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
        patch.setenv("AWS_REGION", "us-east-1")
        yield


@pytest.fixture
def folder() -> str:
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture(scope="module", params=["moto_server", "versitygw"])
def platform(request: pytest.FixtureRequest) -> BasePlatform:
    running = with_bucket(request.getfixturevalue(request.param))
    return AwsPlatform(endpoint=running.address["url"])


@pytest.fixture(scope="module")
def server(versitygw: Running) -> str:
    return with_bucket(versitygw).address["url"]


class TestS3(PlatformSuite):
    large: ClassVar[int] = 6 << 20
    foreign: ClassVar[str] = "gs://bucket/file"

    @pytest.fixture(autouse=True)
    def _small_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(objects, "PART_BYTES", 5 << 20)


def test_files_move_between_this_machine_and_s3(platform: BasePlatform, folder: str, tmp_path: Path) -> None:
    here = (tmp_path / "a #1").as_posix()
    platform.write(here, b"x")
    platform.copy(here, f"{folder}/a")
    platform.move(f"{folder}/a", f"{here}2")
    assert (tmp_path / "a #12").read_bytes() == b"x"
    assert list(platform.list(folder)) == []
    platform.move(here, f"{folder}/b")
    assert [file.path for file in platform.list(folder)] == [f"{folder}/b"]
    assert not (tmp_path / "a #1").exists()
    platform.delete_files([f"{folder}/b", (tmp_path / "a #12").as_uri()])
    assert [*platform.list(folder), *platform.list(str(tmp_path))] == []


def test_uris_are_resolved() -> None:
    platform = AwsPlatform()
    for uri in ("s3://bucket/f", "s3a://bucket/f/", "S3N://bucket/f//"):
        assert platform.resolve(uri) == "s3://bucket/f"
    assert platform.resolve("s3://bucket//a//b") == "s3://bucket//a//b"


def refusal(code: str, status: int) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>Sorry.</Message></Error>"
    return Answer(status=status, body=body.encode(), headers={"Content-Type": "application/xml"})


class TestS3OnBadDays(RemotePlatformSuite):
    busy: ClassVar[tuple[Answer, ...]] = (
        refusal("SlowDown", 503),
        refusal("TooManyRequests", 429),
        Answer(status=503),
        refusal("InternalError", 500),
    )
    refusals: ClassVar[dict[str, Answer]] = {
        r"The credentials have expired.*aws sso login": refusal("ExpiredToken", 400),
        r"does not know this access key": refusal("InvalidAccessKeyId", 403),
        r"The secret key is not that": refusal("SignatureDoesNotMatch", 403),
        r"Give the user or role.*the right": refusal("AccessDenied", 403),
        r"clock is wrong": refusal("RequestTimeTooSkewed", 403),
    }

    @pytest.fixture
    def connect(self) -> Callable[[str], BasePlatform]:
        return lambda url: AwsPlatform(endpoint=url, timeout=PATIENCE, attempts=ATTEMPTS)

    @pytest.fixture
    def secrets(self, versitygw: Running) -> tuple[str, ...]:
        return (versitygw.address["secret"],)
