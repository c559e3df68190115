from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest

from datacoolie.core.exceptions import ConfigurationError, DataCoolieError, ErrorClass, MetadataError, PlatformError
from datacoolie.core.redaction import redact
from datacoolie.core.secret_provider import (
    BaseSecretProvider,
    EnvSecretProvider,
    get_registered_secret_values,
    resolve_configure,
    resolve_secrets,
)
from datacoolie.core.secret_resolver import (
    BaseSecretResolver,
    EnvResolver,
    NativeProviderResolver,
    parse_source,
)


class Vault(BaseSecretProvider):
    """A provider that counts what it is asked, and knows everything but the key `absent`."""

    def __init__(self, cache_ttl: int = 300, **kwargs: object) -> None:
        super().__init__(cache_ttl, **kwargs)
        self.asked: list[tuple[str, str]] = []

    def _fetch_secret(self, key: str, source: str) -> str:
        self.asked.append((source, key))
        if key == "absent":
            message = f"{source} has no {key}"
            raise PlatformError(message, {"vault": source}).classed(ErrorClass.TRANSIENT)
        return f"<{source}|{key}#{len(self.asked)}>"


@pytest.fixture(autouse=True)
def _only_this_tests_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datacoolie.core.redaction._secrets.values", frozenset())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, set by hand."""
    now = [5000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def lookup(prefix: str) -> BaseSecretResolver | None:
    return EnvResolver() if prefix == "env" else None


def test_a_provider_asks_the_vault_once_within_its_ttl(clock: list[float]) -> None:
    vault = Vault(cache_ttl=10)
    assert vault.get_secret("k", "a") == "<a|k#1>"
    clock[0] += 9.9
    assert vault.get_secret("k", "a") == "<a|k#1>"
    clock[0] += 0.2
    assert vault.get_secret("k", "a") == "<a|k#2>"
    assert vault.asked == [("a", "k"), ("a", "k")]


def test_the_cache_keeps_sources_and_keys_apart() -> None:
    vault = Vault()
    assert vault.get_secrets(["k", "l"], "a") == {"k": "<a|k#1>", "l": "<a|l#2>"}
    assert vault.get_secret("k", "b") == "<b|k#3>"
    assert vault.get_secret("k") == "<|k#4>"
    assert vault.get_secret("k", "a") == "<a|k#1>"
    vault.clear_cache()
    assert vault.get_secret("k", "a") == "<a|k#5>"


def test_a_ttl_of_zero_keeps_nothing() -> None:
    vault = Vault(cache_ttl=0)
    assert [vault.get_secret("k", "a"), vault.get_secret("k", "a")] == ["<a|k#1>", "<a|k#2>"]
    assert vault._cache == {}


def test_a_negative_ttl_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="cache_ttl is -1"):
        Vault(cache_ttl=-1)


def test_providers_take_arguments_meant_for_others() -> None:
    assert Vault(5, region="eu").get_secret("k") == "<|k#1>"
    assert NativeProviderResolver(Vault(), region="eu").resolve("k", "s") == "<s|k#1>"


def test_a_failure_is_not_cached() -> None:
    vault = Vault()
    for _ in range(2):
        with pytest.raises(PlatformError, match="s has no absent"):
            vault.get_secret("absent", "s")
    assert len(vault.asked) == 2


def test_environment_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCTEST_DB_PASSWORD", "hunter2")
    assert EnvResolver().resolve("DB_PASSWORD", "DCTEST_") == "hunter2"
    provider = EnvSecretProvider()
    assert provider.get_secret("DB_PASSWORD", "DCTEST_") == "hunter2"
    assert provider.get_secret("DCTEST_DB_PASSWORD") == "hunter2"
    monkeypatch.setenv("DCTEST_DB_PASSWORD", "changed")
    assert provider.get_secret("DB_PASSWORD", "DCTEST_") == "changed"
    monkeypatch.setenv("DCTEST_DB_PASSWORD", "")
    assert provider.get_secret("DB_PASSWORD", "DCTEST_") == ""


def test_a_missing_environment_variable_names_the_nearest_but_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCTEST_DB_PASSWORD", "hunter2")
    with pytest.raises(ConfigurationError) as caught:
        EnvSecretProvider().get_secret("DB_PASWORD", "DCTEST_")
    assert str(caught.value) == (
        "The environment variable 'DCTEST_DB_PASWORD' is not set. Did you mean 'DCTEST_DB_PASSWORD'? "
        "Set it, or correct its name."
    )


def test_no_repr_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCTEST_K", "hunter2")
    provider = EnvSecretProvider(cache_ttl=60)
    assert provider.get_secret("DCTEST_K") == "hunter2"
    for shown in (repr(provider), str(provider), repr(NativeProviderResolver(provider)), repr(EnvResolver())):
        assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("source", "known", "argument"),
    [
        ("env:APP_", True, "APP_"),
        ("env:", True, ""),
        ("env:a:b", True, "a:b"),
        ("env", False, "env"),
        ("", False, ""),
        (":x", False, ":x"),
        ("my-scope", False, "my-scope"),
        ("https://my.vault/", False, "https://my.vault/"),
        ("arn:aws:secretsmanager:eu:1:secret:x", False, "arn:aws:secretsmanager:eu:1:secret:x"),
    ],
)
def test_parse_source(source: str, *, known: bool, argument: str) -> None:
    fallback = NativeProviderResolver(Vault())
    resolver, given = parse_source(source, fallback, lookup)
    assert (type(resolver), given) == (EnvResolver if known else NativeProviderResolver, argument)
    assert parse_source(source, fallback) == (fallback, source)


@dataclass
class Connection:
    """Stand-in."""

    name: str = "shop"
    configure: dict[str, Any] = field(default_factory=dict)
    secrets_ref: dict[str, list[str]] | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)

    def refresh_from_configure(self) -> None:
        self.seen.append(self.configure)


def shop(configure: dict[str, Any], secrets_ref: dict[str, list[str]] | None) -> Any:  # noqa: ANN401 - a stand-in
    return Connection(configure=configure, secrets_ref=secrets_ref)


def test_secrets_take_the_place_of_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCTEST_PW", "hunter2")
    configure = {"host": "h", "username": "user-key", "password": "PW", "token": "token-key"}
    connection = shop(configure, {"scope": ["username", "token"], "env:DCTEST_": ["password"]})
    resolve_secrets(connection, Vault(), resolver_lookup=lookup)
    expected = {"host": "h", "username": "<scope|user-key#1>", "password": "hunter2", "token": "<scope|token-key#2>"}
    assert connection.configure == expected
    assert connection.seen == [expected]
    assert configure["password"] == "PW"
    assert get_registered_secret_values() == {"<scope|user-key#1>", "hunter2", "<scope|token-key#2>"}
    assert redact("password hunter2") == "password ***"


def test_dotted_fields_reach_nested_settings() -> None:
    configure = {"default_headers": {"Authorization": "auth-key", "Accept": "json"}, "a.b": "flat", "a": {"b": "deep"}}
    connection = shop(configure, {"scope": ["default_headers.Authorization", "a.b"]})
    resolve_secrets(connection, Vault())
    assert connection.configure == {
        "default_headers": {"Authorization": "<scope|auth-key#1>", "Accept": "json"},
        "a.b": "<scope|flat#2>",
        "a": {"b": "deep"},
    }
    assert configure["default_headers"] == {"Authorization": "auth-key", "Accept": "json"}


@pytest.mark.parametrize("secrets_ref", [None, {}])
def test_without_references_nothing_is_asked(secrets_ref: dict[str, list[str]] | None) -> None:
    connection, vault = shop({"password": "PW"}, secrets_ref), Vault()
    resolve_secrets(connection, vault)
    assert (connection.configure, vault.asked) == ({"password": "PW"}, [])


def test_an_unknown_prefix_goes_to_the_platform_whole() -> None:
    connection, vault = shop({"password": "PW"}, {"arn:aws:x": ["password"]}), Vault()
    resolve_secrets(connection, vault, resolver_lookup=lookup)
    assert vault.asked == [("arn:aws:x", "PW")]


def test_a_secret_that_can_not_be_fetched_changes_nothing_and_says_where() -> None:
    connection = shop({"username": "u", "nested": {"password": "absent"}}, {"scope": ["username", "nested.password"]})
    with pytest.raises(DataCoolieError) as caught:
        resolve_secrets(connection, Vault())
    assert str(caught.value) == (
        "Connection 'shop', configure.nested.password from 'scope' (the platform's provider): "
        "the secret 'absent' can't be retrieved: scope has no absent"
    )
    assert isinstance(caught.value.__cause__, PlatformError)
    assert (caught.value.error_class, caught.value.details) == (ErrorClass.TRANSIENT, {"vault": "scope"})
    assert (connection.configure, connection.seen) == ({"username": "u", "nested": {"password": "absent"}}, [])
    assert redact("<scope|u#1>") == "***"


def test_a_missing_environment_variable_is_named_with_its_field() -> None:
    connection = shop({"password": "DCTEST_NOT_SET"}, {"env:": ["password"]})
    with pytest.raises(
        DataCoolieError,
        match=r"'shop', configure.password from 'env:' \(EnvResolver\): .*variable 'DCTEST_NOT_SET' is not set",
    ):
        resolve_secrets(connection, Vault(), resolver_lookup=lookup)


@pytest.mark.parametrize(
    ("configure", "field", "fault"),
    [
        ({"pasword": "s3cret"}, "password", "password, but configure has: pasword. Did you mean 'pasword'? Its value"),
        ({"h": {"Accept": "s3cret"}}, "h.Auth", "h.Auth, but configure.h has: Accept. Its value"),
        ({"h": "s3cret"}, "h.Auth", "h.Auth, but configure.h has no fields. Its value"),
        ({"head": {}}, "heads.Auth", "heads, but configure has: head. Did you mean 'head'? Its value"),
    ],
)
def test_a_field_that_is_not_there_is_named_and_no_value(configure: dict[str, Any], field: str, fault: str) -> None:
    connection, vault = shop(configure, {"scope": [field]}), Vault()
    with pytest.raises(ConfigurationError) as caught:
        resolve_secrets(connection, vault)
    assert (
        str(caught.value) == f"Connection 'shop': secrets_ref names configure.{fault} must be the name of the secret."
    )
    assert (connection.seen, vault.asked) == ([], [])


def test_a_field_that_holds_no_text_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve_secrets(shop({"port": 5432}, {"scope": ["port"]}), Vault())
    assert str(caught.value) == (
        "Connection 'shop', configure.port from 'scope' (the platform's provider) "
        "must hold the name of the secret as text, not as int."
    )


@pytest.mark.parametrize("secrets_ref", [{"a": ["password"], "b": ["password"]}, {"a": ["password", "password"]}])
def test_a_field_named_twice_is_refused(secrets_ref: dict[str, list[str]]) -> None:
    connection, vault = shop({"password": "PW"}, secrets_ref), Vault()
    with pytest.raises(ConfigurationError, match=r"names 'password' twice, in 'a' and '[ab]'\. Keep one\."):
        resolve_secrets(connection, vault)
    assert vault.asked == []


@pytest.mark.parametrize("secrets_ref", [["password"], "env:", {"scope": "password"}, {"scope": [1]}, {"scope": None}])
def test_references_of_another_shape_are_refused(secrets_ref: Any) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(ConfigurationError, match="flow 'f': secrets_ref must map each source to a list of fields"):
        resolve_configure({"password": "PW"}, secrets_ref, Vault(), where="flow 'f'")


def test_a_resolver_that_returns_no_text_is_refused() -> None:
    class Broken(BaseSecretResolver):
        def resolve(self, key: str, source: str) -> str:
            return {key: source}  # type: ignore[return-value]

    connection = shop({"password": "PW"}, {"broken:x": ["password"]})
    with pytest.raises(ConfigurationError, match=r"configure.password .* Broken returned dict for 'PW', which must be"):
        resolve_secrets(connection, Vault(), resolver_lookup=lambda _: Broken())


def test_resolving_twice_does_not_print_the_secret_as_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCTEST_PW", "hunter2")
    connection = shop({"password": "DCTEST_PW"}, {"env:": ["password"]})
    resolve_secrets(connection, Vault(), resolver_lookup=lookup)
    with pytest.raises(DataCoolieError) as caught:
        resolve_secrets(connection, Vault(), resolver_lookup=lookup)
    assert "hunter2" not in f"{caught.value} {caught.value.__cause__}"
    assert connection.configure == {"password": "hunter2"}
    assert os.environ["DCTEST_PW"] == "hunter2"


def test_secrets_that_the_connection_refuses_are_taken_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(connection: Connection) -> None:
        connection.seen.append(connection.configure)
        if connection.configure["port"] != "PORT":
            message = "port must be a number"
            raise MetadataError(message)

    monkeypatch.setattr(Connection, "refresh_from_configure", refuse)
    connection = shop({"port": "PORT"}, {"scope": ["port"]})
    with pytest.raises(MetadataError, match="port must be a number"):
        resolve_secrets(connection, Vault())
    assert connection.configure == {"port": "PORT"}
    assert connection.seen == [{"port": "<scope|PORT#1>"}, {"port": "PORT"}]
