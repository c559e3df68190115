"""Secrets Manager as moto has it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest

from datacoolie.core.exceptions import ConfigurationError, DataCoolieError, ErrorClass
from datacoolie.core.models import Connection, Format
from datacoolie.core.redaction import redact
from datacoolie.core.secret_provider import resolve_secrets
from datacoolie.plugins import resolver_registry
from datacoolie.testing import ResolverSuite
from datacoolie.testing.proxy import Answer, FaultyProxy
from datacoolie_platform_aws import AwsPlatform, SecretsManagerResolver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_secretsmanager import SecretsManagerClient

    from datacoolie.testing.resolvers import Stored
    from tools.services.model import Running

NAME = "prod/warehouse"


@pytest.fixture(scope="module")
def vault(moto_server: Running) -> SecretsManagerClient:
    """Return a client of a region with some secrets."""
    client = boto3.client(
        "secretsmanager",
        region_name="eu-west-1",
        endpoint_url=moto_server.address["url"],
        aws_access_key_id="test",
        aws_secret_access_key="testtest",
    )
    client.create_secret(Name=NAME, SecretString=json.dumps({"password": "canary-old"}))
    fields = {"password": "canary-pässword", "port": 5432, "nested": {"a": 1}}
    client.put_secret_value(SecretId=NAME, SecretString=json.dumps(fields))
    client.create_secret(Name="plain", SecretString="canary-plain text")
    client.create_secret(Name="binary", SecretBinary=b"\x00\x01")
    return client


@pytest.fixture
def resolver(
    vault: SecretsManagerClient, moto_server: Running, monkeypatch: pytest.MonkeyPatch
) -> SecretsManagerResolver:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
    return SecretsManagerResolver(region=vault.meta.region_name, endpoint=moto_server.address["url"])


class TestSecretsManager(ResolverSuite):
    @pytest.fixture
    def stored(self, vault: SecretsManagerClient) -> Stored:
        def store(values: Mapping[str, str]) -> str:
            text = json.dumps(values)
            try:
                vault.create_secret(Name="suite", SecretString=text)
            except vault.exceptions.ResourceExistsException:
                vault.put_secret_value(SecretId="suite", SecretString=text)
            return "suite"

        return store


def test_fields_and_whole_secrets(resolver: SecretsManagerResolver, vault: SecretsManagerClient) -> None:
    arn = vault.describe_secret(SecretId=NAME)["ARN"]
    assert resolver.resolve("password", NAME) == "canary-pässword"
    assert resolver.resolve("port", arn) == "5432"
    assert resolver.resolve("plain", "") == "canary-plain text"
    assert redact("canary-plain text") == "***"


def test_versions(resolver: SecretsManagerResolver, vault: SecretsManagerClient) -> None:
    stages = vault.describe_secret(SecretId=NAME)["VersionIdsToStages"]
    [old] = [version for version, names in stages.items() if "AWSPREVIOUS" in names]
    assert resolver.resolve("password", f"{NAME}?stage=AWSPREVIOUS") == "canary-old"
    assert resolver.resolve("password", f"{NAME}?version={old}") == "canary-old"


def test_the_region_of_an_arn_counts(
    resolver: SecretsManagerResolver, moto_server: Running, vault: SecretsManagerClient
) -> None:
    arn = vault.describe_secret(SecretId="plain")["ARN"]
    elsewhere = SecretsManagerResolver(region="us-west-2", endpoint=moto_server.address["url"])
    assert elsewhere.resolve(arn, "") == resolver.resolve("plain", "")
    with pytest.raises(ConfigurationError, match=r"secret 'plain'.*name, version and region"):
        elsewhere.resolve("plain", "")


@pytest.mark.parametrize(
    ("key", "source", "message"),
    [
        ("missing", "", r"the secret 'missing'.*Check its name"),
        ("passwort", NAME, r"no field 'passwort'\. It has: password, port, nested\. Did you mean 'password'\?"),
        ("nested", NAME, "'nested' of the secret 'prod/warehouse' is dict"),
        ("password", "plain", "'plain' is no JSON object.*leave the source empty"),
        ("binary", "", "'binary' is binary or empty.*Store it as text"),
        ("password", f"{NAME}?stag=x", r"asks for 'stag'; possible after the \?: stage, version"),
    ],
)
def test_what_is_no_secret(resolver: SecretsManagerResolver, key: str, source: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        resolver.resolve(key, source)
    assert "canary" not in caught.value.message


def test_a_secret_that_is_not_there_names_a_near_one(
    vault: SecretsManagerClient, resolver: SecretsManagerResolver, moto_server: Running
) -> None:
    """Also one of a later page; and for whoever may not list them the answer is the same without it."""
    for number in range(101):
        vault.create_secret(Name=f"other/{number:03}", SecretString="x")
    vault.create_secret(Name="shop/warehouse", SecretString="x")
    message = r"secret 'shop/warehose': .*an ARN says its own region\)\."
    with pytest.raises(ConfigurationError, match=message + r" Did you mean 'shop/warehouse'\?$"):
        resolver.resolve("shop/warehose", "")
    denied = Answer(status=400, body=b'{"__type": "AccessDeniedException", "message": "No."}')
    with FaultyProxy(moto_server.address["url"]) as proxy:
        asking = SecretsManagerResolver(region="eu-west-1", endpoint=proxy.url)
        gone = Answer(status=400, body=b'{"__type": "ResourceNotFoundException", "message": "Not there."}')
        proxy.disturb(gone, denied)
        with pytest.raises(ConfigurationError, match=message + "$"):
            asking.resolve("shop/warehose", "")
        assert len(proxy.requests) == 2


def test_one_request_a_secret(resolver: SecretsManagerResolver, moto_server: Running) -> None:
    with FaultyProxy(moto_server.address["url"]) as proxy:
        counted = SecretsManagerResolver(region="eu-west-1", endpoint=proxy.url, attempts=2)
        assert counted.resolve("password", NAME) == resolver.resolve("password", NAME)
        counted.resolve("port", NAME)
        counted.resolve("password", NAME)
        assert len(proxy.requests) == 1
        proxy.disturb(*[Answer(status=400, body=b'{"__type": "ThrottlingException", "message": "slower"}')] * 10)
        with pytest.raises(DataCoolieError, match="slower") as caught:
            counted.resolve("plain", "")
    assert caught.value.error_class is ErrorClass.TRANSIENT


def test_a_connection_is_filled(
    resolver: SecretsManagerResolver, moto_server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server.address["url"])
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for source in (f"aws-sm:{NAME}", NAME):
        connection = Connection(
            name="warehouse",
            format=Format.SQL,
            configure={"url": "postgresql://db/app", "password": "password"},
            secrets_ref={source: ["password"]},
        )
        resolve_secrets(
            connection,
            AwsPlatform().secret_provider(),
            resolver_lookup=lambda prefix: resolver_registry.get(prefix) if prefix == "aws-sm" else None,
        )
        assert connection.configure["password"] == resolver.resolve("password", NAME)
