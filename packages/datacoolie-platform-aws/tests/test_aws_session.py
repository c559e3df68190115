"""Who we are on AWS: credentials that are missing, that change, of a role; and what libraries are told of them."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from datacoolie.core.exceptions import ConfigurationError, PlatformError
from datacoolie.core.redaction import redact
from datacoolie.platforms import AccessDeniedError, Dialect
from datacoolie.testing.proxy import FaultyProxy
from datacoolie_platform_aws import AwsPlatform, SecretsManagerResolver, objects

if TYPE_CHECKING:
    from pathlib import Path

    from tools.services.model import Running

ISSUER = """
import json, sys
calls = open(sys.argv[1], "a+")
calls.write("x")
calls.seek(0)
number = len(calls.read())
print(json.dumps({"Version": 1, "AccessKeyId": f"key-{number}", "SecretAccessKey": f"canary-secret-{number}",
                  "SessionToken": f"canary-token-{number}", "Expiration": sys.argv[2]}))
"""


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no credentials anywhere."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def issue(tmp_path: Path, expires: datetime) -> None:
    """Write a profile whose credentials come from a command that counts its calls."""
    script = tmp_path / "issuer.py"
    script.write_text(ISSUER)
    command = f"{sys.executable} {script} {tmp_path / 'calls'} {expires.isoformat()}"
    (tmp_path / "config").write_text(f"[profile issued]\nregion = eu-west-1\ncredential_process = {command}\n")


def test_no_credentials(moto_server: Running) -> None:
    platform = AwsPlatform(endpoint=moto_server.address["url"])
    for call in (platform.read, platform.stat, platform.storage_options):
        with pytest.raises(AccessDeniedError, match=r"no AWS credentials.*Set AWS_PROFILE"):
            call("s3://bucket/key")


def test_no_such_profile() -> None:
    with pytest.raises(PlatformError, match="nobody"):
        AwsPlatform(profile="nobody").read("s3://bucket/key")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"endpoint": "localhost:9000"}, "endpoint is 'localhost:9000'.*https://"),
        ({"assume_role_arn": "admin"}, "assume_role_arn is 'admin'.*arn:aws:iam"),
        ({"timeout": 0}, "timeout: Input should be greater than 0"),
        ({"timeout": "ten", "requester_pays": "often"}, "timeout: .* valid number.*; requester_pays: .* valid boolean"),
        ({"regin": "eu-west-1"}, r"regin: is not a known setting; .* Did you mean 'region'\?"),
    ],
)
def test_settings_are_checked(setting: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"The settings of the platform 'aws' are wrong: {message}"):
        AwsPlatform(**setting)
    if not {"requester_pays", "regin"} & setting.keys():
        with pytest.raises(ConfigurationError, match=f"The settings of the resolver 'aws-sm' are wrong: {message}"):
            SecretsManagerResolver(**setting)


def test_settings_of_the_environment_are_texts() -> None:
    options = AwsPlatform(attempts="2", timeout="1.5", requester_pays="false").s3._options
    assert (options.session.settings.attempts, options.session.settings.timeout) == (2, 1.5)
    assert options.requester_pays is False


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("s3://arn:aws:s3:eu-west-1:1:accesspoint/a/key", "alias"),
        ("s3://", "names no bucket"),
        ("s3://bucket/a/../b", "no parts '.' or '..'"),
        ("s3://bucket", "is a whole bucket"),
        ("gs://bucket/file", "Write s3://bucket/folder"),
    ],
)
def test_paths_that_are_refused(path: str, message: str) -> None:
    with pytest.raises(PlatformError, match=message):
        AwsPlatform().delete(path)


def test_credentials_that_end_are_asked_for_again(tmp_path: Path) -> None:
    issue(tmp_path, datetime.now(UTC) + timedelta(minutes=1))
    platform = AwsPlatform(profile="issued")
    keys = [platform.credentials("s3://bucket").options["aws_access_key_id"] for _ in range(3)]
    assert keys == ["key-2", "key-3", "key-4"]  # a first time to find them
    expires = platform.credentials("s3://bucket").expires
    assert expires is not None
    assert expires - datetime.now(UTC) < timedelta(minutes=10)
    assert redact("canary-secret-2 canary-token-3") == "*** ***"


def test_credentials_that_last_are_asked_for_once(tmp_path: Path) -> None:
    issue(tmp_path, datetime.now(UTC) + timedelta(hours=1))
    platform = AwsPlatform(profile="issued")
    assert [platform.storage_options("s3://b")["aws_session_token"] for _ in range(3)] == ["canary-token-1"] * 3


def test_a_role_is_taken_on(moto_server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
    role = "arn:aws:iam::123456789012:role/loader"
    platform = AwsPlatform(
        endpoint=moto_server.address["url"], region="eu-west-1", assume_role_arn=role, external_id="loader"
    )
    issued = platform.credentials("s3://bucket/key")
    assert issued.options["aws_access_key_id"].startswith("ASIA")
    assert issued.options["aws_session_token"]
    assert issued.expires is not None
    assert platform.credentials("s3://bucket/key").options == issued.options


@pytest.mark.parametrize("key", ["", "alias/ours"])
def test_options_of_libraries(tmp_path: Path, key: str) -> None:
    issue(tmp_path, datetime.now(UTC) + timedelta(hours=1))
    platform = AwsPlatform(profile="issued", kms_key_id=key or None, requester_pays=bool(key))
    found = {dialect.value: platform.storage_options("s3://bucket/key", dialect) for dialect in Dialect}
    expected: dict[str, dict[str, str]] = {
        "object_store": {
            "aws_access_key_id": "key-1",
            "aws_secret_access_key": "canary-secret-1",
            "aws_session_token": "canary-token-1",
            "aws_region": "eu-west-1",
            "aws_conditional_put": "etag",
        },
        "iceberg": {
            "s3.access-key-id": "key-1",
            "s3.secret-access-key": "canary-secret-1",
            "s3.session-token": "canary-token-1",
            "s3.region": "eu-west-1",
            "glue.access-key-id": "key-1",
            "glue.secret-access-key": "canary-secret-1",
            "glue.session-token": "canary-token-1",
            "glue.region": "eu-west-1",
        },
        "hadoop": {
            "fs.s3a.access.key": "key-1",
            "fs.s3a.secret.key": "canary-secret-1",
            "fs.s3a.session.token": "canary-token-1",
            "fs.s3a.endpoint.region": "eu-west-1",
            "fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider",
            "fs.s3a.attempts.maximum": "5",
            "fs.s3a.retry.limit": "1",
            "fs.s3a.connection.establish.timeout": "10s",
            "fs.s3a.connection.timeout": "60s",
        },
    }
    if key:
        expected["object_store"] |= {
            "aws_request_payer": "true",
            "aws_server_side_encryption": "aws:kms",
            "aws_sse_kms_key_id": key,
        }
        expected["iceberg"] |= {"s3.sse.type": "kms", "s3.sse.key": key}
        expected["hadoop"] |= {
            "fs.s3a.requester.pays.enabled": "true",
            "fs.s3a.encryption.algorithm": "SSE-KMS",
            "fs.s3a.encryption.key": key,
        }
    assert found == expected
    assert platform.storage_options("/a/local/path") == {}


def test_what_is_written_is_encrypted(moto_server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
    platform = AwsPlatform(endpoint=moto_server.address["url"], region="us-east-1", kms_key_id="alias/ours")
    client = platform.s3._session.s3
    client.create_bucket(Bucket="encrypted")
    version = platform.write_if_absent("s3://encrypted/f", b"x")
    assert platform.write_if_match("s3://encrypted/f", b"y", version)
    platform.copy("s3://encrypted/f", "s3://encrypted/copy")
    for key in ("f", "copy"):
        found = client.head_object(Bucket="encrypted", Key=key)
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", "alias/ours"), json.dumps(key)


def test_who_asks_pays_for_every_request(moto_server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
    monkeypatch.setattr(objects, "PART_BYTES", 5 << 20)
    with FaultyProxy(moto_server.address["url"]) as proxy:
        platform = AwsPlatform(endpoint=proxy.url, region="us-east-1", requester_pays=True)
        platform.s3._session.s3.create_bucket(Bucket="paying")
        proxy.requests.clear()
        version = platform.write("s3://paying/f", b"one")
        platform.write_if_match("s3://paying/f", b"two", version)
        assert platform.read("s3://paying/f").data == b"two"
        assert platform.read_range("s3://paying/f", 0, 1) == b"t"
        platform.write("s3://paying/large", bytes(6 << 20))
        platform.move("s3://paying/f", "s3://paying/g")
        assert platform.stat("s3://paying/f") is None
        assert len(list(platform.list("s3://paying/"))) == 2
        headers = [{name.lower(): text for name, text in one.headers.items()} for one in proxy.requests]
    assert len(headers) > 10
    assert {each.get("x-amz-request-payer") for each in headers} == {"requester"}
