"""What every resolver of secrets does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

import pytest

from datacoolie.core.exceptions import DataCoolieError, ErrorClass
from datacoolie.core.models import Connection
from datacoolie.core.redaction import redact
from datacoolie.core.secret_provider import EnvSecretProvider, resolve_secrets
from datacoolie.testing.suite import Suite

if TYPE_CHECKING:
    from datacoolie.core.secret_resolver import BaseSecretResolver

Stored: TypeAlias = Callable[[Mapping[str, str]], str]
"""Store secrets by their keys, in place of those of the last call, and return the source that has them."""

_VALUES = {
    "plain": "hunter2",
    "spaces": "  spaces stay ",
    "signs": "p@ss w/\"ö\\'x+?>~€𝄞",
    "lines": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n-----END PRIVATE KEY-----\n",
    "json": '{"json": [1, "text"]}',
    "templates": "${HOME} %s {0}",
    "long": "x" * 4000,
}


class ResolverSuite(Suite):
    """Tests a resolver. A subclass has fixtures `resolver`, a new one for each test, and `stored`.

        class TestMyResolver(ResolverSuite):
            @pytest.fixture
            def resolver(self) -> MyResolver:
                return MyResolver(address=...)

            @pytest.fixture
            def stored(self) -> Stored:
                def store(values: Mapping[str, str]) -> str:
                    my_backend.put("test", values)
                    return "test"

                return store

    Keys that the suite stores are of the letters a to z.
    """

    @pytest.mark.parametrize("value", list(_VALUES.values()), ids=list(_VALUES))
    def test_a_secret_is_what_was_stored(self, resolver: BaseSecretResolver, stored: Stored, value: str) -> None:
        """Not a character is changed."""
        assert resolver.resolve("password", stored({"password": value})) == value

    def test_secrets_of_one_source(self, resolver: BaseSecretResolver, stored: Stored) -> None:
        """They come together, by their keys."""
        source = stored({"user": "ann", "password": "hunter2", "other": "no"})
        assert resolver.resolve_all(["password", "user"], source) == {"user": "ann", "password": "hunter2"}

    def test_a_key_that_is_not_there(self, resolver: BaseSecretResolver, stored: Stored) -> None:
        """The error names it, is not worth another try, and shows no other secret."""
        source = stored({"password": "hunter2"})
        with pytest.raises(DataCoolieError, match="passwort") as caught:
            resolver.resolve("passwort", source)
        assert caught.value.error_class not in {ErrorClass.TRANSIENT, ErrorClass.CONFLICT}
        assert "hunter2" not in f"{caught.value} {caught.value!r} {caught.value.details}"

    def test_a_source_that_is_not_there(self, resolver: BaseSecretResolver, stored: Stored) -> None:
        """The error names the key or the source."""
        source = f"{stored({'password': 'hunter2'})}absent"
        with pytest.raises(DataCoolieError, match=r"absent|password") as caught:
            resolver.resolve("password", source)
        assert caught.value.error_class not in {ErrorClass.TRANSIENT, ErrorClass.CONFLICT}

    def test_a_secret_that_changes(self, resolver: BaseSecretResolver, stored: Stored) -> None:
        """After `forget` the new one is fetched."""
        assert resolver.resolve("password", stored({"password": "hunter2"})) == "hunter2"
        source = stored({"password": "hunter3"})
        resolver.forget()
        assert resolver.resolve("password", source) == "hunter3"

    def test_after_close(self, resolver: BaseSecretResolver, stored: Stored) -> None:
        """It can be closed twice, and used again."""
        source = stored({"password": "hunter2"})
        for _ in range(2):
            assert resolver.resolve("password", source) == "hunter2"
            resolver.close()
            resolver.close()

    def test_threads_at_the_same_time(self, resolver: BaseSecretResolver, stored: Stored) -> None:
        """Each gets what it asked for."""
        source = stored({"user": "ann", "password": "hunter2"})
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda key: resolver.resolve(key, source), ["user", "password"] * 16))
        assert found == ["ann", "hunter2"] * 16

    def test_a_connection_is_filled(self, resolver: BaseSecretResolver, stored: Stored) -> None:
        """By a reference, also to a nested field; what was fetched is masked from then on."""
        source = stored({"user": "ann-of-the-suite", "token": "hunter2-of-the-suite"})
        data = {
            "name": "api",
            "format": "api",
            "configure": {"base_url": "user", "default_headers": {"Authorization": "token"}},
            "secrets_ref": {f"mine:{source}": ["base_url", "default_headers.Authorization"]},
        }
        connection = Connection.model_validate(data)
        resolve_secrets(
            connection, EnvSecretProvider(), resolver_lookup=lambda name: resolver if name == "mine" else None
        )
        assert connection.configure == {
            "base_url": "ann-of-the-suite",
            "default_headers": {"Authorization": "hunter2-of-the-suite"},
        }
        assert redact("Bearer hunter2-of-the-suite") == "Bearer ***"
        assert "of-the-suite" not in f"{connection!r} {resolver!r}"
