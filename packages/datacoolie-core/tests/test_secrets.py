from __future__ import annotations

from typing import Any

import pytest

from datacoolie.core.exceptions import ConfigurationError, DataCoolieError, ErrorClass, PlatformError
from datacoolie.core.models import Connection
from datacoolie.core.models.settings import DatabaseSettings
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


SERVER: dict[str, object] = {"database_type": "postgresql", "host": "h", "database": "d"}


def shop(configure: dict[str, object], secrets_ref: dict[str, list[str]], kind: str = "database") -> Connection:
    return Connection.model_validate(
        {"name": "shop", "connection_type": kind, "configure": configure, "secrets_ref": secrets_ref}
    )


def test_secrets_take_the_place_of_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCTEST_PW", "hunter2")
    configure: dict[str, object] = {**SERVER, "username": "user-key", "password": "PW", "token": "token-key"}
    connection = shop(configure, {"scope": ["username", "token"], "env:DCTEST_": ["password"]})
    written = connection.configure
    resolve_secrets(connection, Vault(), resolver_lookup=lookup)
    assert connection.configure == {
        **SERVER,
        "username": "<scope|user-key#1>",
        "password": "hunter2",
        "token": "<scope|token-key#2>",
    }
    assert written == configure
    assert get_registered_secret_values() == {"<scope|user-key#1>", "hunter2", "<scope|token-key#2>"}
    assert redact("password hunter2") == "password ***"
    assert "hunter2" not in f"{connection} {connection!r}"


def test_what_the_connection_reads_from_its_settings_follows_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCTEST_PORT", "5433")
    monkeypatch.setenv("DCTEST_DB", "sales")
    connection = shop({**SERVER, "port": "PORT", "database": "DB"}, {"env:DCTEST_": ["port", "database"]})
    assert connection.database == "DB"
    resolve_secrets(connection, Vault(), resolver_lookup=lookup)
    assert connection.database == "sales"
    assert connection.settings_as(DatabaseSettings).port == 5433


def test_a_secret_that_is_no_valid_setting_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCTEST_PORT", "s3cret")
    monkeypatch.setenv("DCTEST_DB", "sales")
    connection = shop({**SERVER, "port": "PORT", "database": "DB"}, {"env:DCTEST_": ["database", "port"]})
    with pytest.raises(ConfigurationError, match=r"Connection 'shop': configure\.port: ") as caught:
        resolve_secrets(connection, Vault(), resolver_lookup=lookup)
    assert "s3cret" not in str(caught.value)
    assert connection.configure == {**SERVER, "port": "PORT", "database": "DB"}
    assert connection.database == "DB"


def test_dotted_fields_reach_nested_settings() -> None:
    headers = {"Authorization": "auth-key", "Accept": "json"}
    connection = shop(
        {"base_url": "https://x", "default_headers": headers}, {"scope": ["default_headers.Authorization"]}, kind="api"
    )
    resolve_secrets(connection, Vault())
    assert connection.configure == {
        "base_url": "https://x",
        "default_headers": {"Authorization": "<scope|auth-key#1>", "Accept": "json"},
    }
    assert headers == {"Authorization": "auth-key", "Accept": "json"}


def test_settings_are_filled_in_a_copy_and_a_key_with_dots_comes_before_a_path() -> None:
    configure = {"a.b": "flat", "a": {"b": "deep", "c": "path"}}
    filled = resolve_configure(configure, {"scope": ["a.b", "a.c"]}, Vault(), where="flow 'f'")
    assert filled == {"a.b": "<scope|flat#1>", "a": {"b": "deep", "c": "<scope|path#2>"}}
    assert configure == {"a.b": "flat", "a": {"b": "deep", "c": "path"}}


def test_without_references_the_connection_is_left_alone() -> None:
    connection, vault = shop({**SERVER, "password": "literal"}, {}), Vault()
    written = connection.configure
    resolve_secrets(connection, vault)
    assert connection.configure is written
    assert vault.asked == []


def test_an_unknown_prefix_goes_to_the_platform_whole() -> None:
    connection, vault = shop({**SERVER, "password": "PW"}, {"arn:aws:x": ["password"]}), Vault()
    resolve_secrets(connection, vault, resolver_lookup=lookup)
    assert vault.asked == [("arn:aws:x", "PW")]


def test_a_secret_that_can_not_be_fetched_changes_nothing_and_says_where() -> None:
    connection = shop({**SERVER, "username": "u", "password": "absent"}, {"scope": ["username", "password"]})
    with pytest.raises(DataCoolieError) as caught:
        resolve_secrets(connection, Vault())
    assert str(caught.value) == (
        "Connection 'shop': configure.username ('u') and configure.password ('absent') can't be retrieved "
        "from 'scope': scope has no absent"
    )
    assert isinstance(caught.value.__cause__, PlatformError)
    assert (caught.value.error_class, caught.value.details) == (ErrorClass.TRANSIENT, {"vault": "scope"})
    assert connection.configure == {**SERVER, "username": "u", "password": "absent"}
    assert redact("<scope|u#1>") == "***"


def test_a_missing_environment_variable_is_named_with_its_field() -> None:
    connection = shop({**SERVER, "password": "DCTEST_NOT_SET"}, {"env:": ["password"]})
    with pytest.raises(
        DataCoolieError,
        match=r"configure.password \('DCTEST_NOT_SET'\) can't be retrieved from 'env:': .* 'DCTEST_NOT_SET' is not set",
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
def test_a_field_that_is_not_there_is_named_and_no_value(configure: dict[str, object], field: str, fault: str) -> None:
    connection, vault = shop(SERVER, {}), Vault()
    connection.configure, connection.secrets_ref = configure, {"scope": [field]}
    with pytest.raises(ConfigurationError) as caught:
        resolve_secrets(connection, vault)
    assert (
        str(caught.value) == f"Connection 'shop': secrets_ref names configure.{fault} must be the name of the secret."
    )
    assert vault.asked == []


def test_a_field_that_holds_no_text_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve_configure({"port": 5432}, {"scope": ["port"]}, Vault(), where="Flow 'f'")
    assert str(caught.value) == (
        "Flow 'f', configure.port from 'scope' must hold the name of the secret as text, not as int."
    )


@pytest.mark.parametrize("secrets_ref", [{"a": ["password"], "b": ["password"]}, {"a": ["password", "password"]}])
def test_a_field_named_twice_is_refused(secrets_ref: dict[str, list[str]]) -> None:
    vault = Vault()
    with pytest.raises(ConfigurationError, match=r"names 'password' twice, in 'a' and '[ab]'\. Keep one\."):
        resolve_configure({"password": "PW"}, secrets_ref, vault, where="Flow 'f'")
    assert vault.asked == []


@pytest.mark.parametrize("secrets_ref", [["password"], "env:", {"scope": "password"}, {"scope": [1]}, {"scope": None}])
def test_references_of_another_shape_are_refused(secrets_ref: Any) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(ConfigurationError, match="Flow 'f': secrets_ref must map each source to a list of fields"):
        resolve_configure({"password": "PW"}, secrets_ref, Vault(), where="Flow 'f'")


def test_a_resolver_that_returns_no_text_is_refused() -> None:
    class Broken(BaseSecretResolver):
        def resolve(self, key: str, source: str) -> str:
            return {key: source}  # type: ignore[return-value]

    connection = shop({**SERVER, "password": "PW"}, {"broken:x": ["password"]})
    with pytest.raises(
        ConfigurationError, match=r"password from 'broken:x' got a secret 'PW' that is dict; it must be"
    ):
        resolve_secrets(connection, Vault(), resolver_lookup=lambda _: Broken())


def test_resolving_twice_does_not_print_the_secret_as_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCTEST_PW", "hunter2")
    connection = shop({**SERVER, "password": "DCTEST_PW"}, {"env:": ["password"]})
    resolve_secrets(connection, Vault(), resolver_lookup=lookup)
    with pytest.raises(DataCoolieError) as caught:
        resolve_secrets(connection, Vault(), resolver_lookup=lookup)
    assert "hunter2" not in f"{caught.value} {caught.value.__cause__}"
    assert connection.configure == {**SERVER, "password": "hunter2"}
