"""Secrets of Azure Key Vault, by Azure's own libraries from a server that follows the public documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient

from datacoolie.core.exceptions import ConfigurationError, ErrorClass
from datacoolie.orchestration.secrets import Secrets
from datacoolie.testing import ResolverSuite
from datacoolie_platform_fabric import FabricPlatform, KeyVaultResolver
from datacoolie_platform_fabric.key_vault import KeyVaultError, vault_address
from tools.services.key_vault import CLIENT, SECRET, TENANT, KeyVault, key_vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from unittest.mock import MagicMock

    from datacoolie.testing.resolvers import Stored


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyVault]:
    with key_vault(tmp_path_factory.mktemp("vault")) as server:
        yield server
        assert server.strange == []


@pytest.fixture
def vault(server: KeyVault) -> KeyVault:
    """The server, without secrets."""
    server.secrets.clear()
    server.answers.clear()
    server.lifetime = 3600
    return server


def options(vault: KeyVault, **changes: object) -> dict[str, object]:
    principal = {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": SECRET, "authority": vault.url}
    return {**principal, "ca": str(vault.ca), "verify_challenge": False, "retries": 2, "timeout": 10, **changes}


@pytest.fixture
def resolver(vault: KeyVault) -> Iterator[KeyVaultResolver]:
    resolver = KeyVaultResolver(**options(vault))
    yield resolver
    resolver.close()


class TestKeyVault(ResolverSuite):
    @pytest.fixture
    def stored(self, vault: KeyVault) -> Stored:
        def store(values: Mapping[str, str]) -> str:
            for key, value in values.items():
                vault.put(key, value)
            return f"{vault.url}/"

        return store


def test_versions(vault: KeyVault, resolver: KeyVaultResolver) -> None:
    first = vault.put("app", "old")
    vault.put("app", "new")
    assert resolver.resolve("app", vault.url) == "new"
    assert resolver.resolve(f"app/{first}", vault.url) == "old"
    with pytest.raises(KeyVaultError, match="there is no such secret or version"):
        resolver.resolve(f"app/{'f' * 32}", vault.url)


def test_a_secret_that_is_not_there_names_near_ones(vault: KeyVault, resolver: KeyVaultResolver) -> None:
    """The list has several pages."""
    for name in ("shop-password", "shop-user", "a", "b", "c"):
        vault.put(name, "x")
    with pytest.raises(
        KeyVaultError, match=r"Secrets: a, b, c, shop-password, shop-user\. Did you mean 'shop-password'"
    ):
        resolver.resolve("shop-pasword", vault.url)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"enabled": False}, "it is disabled. Enable it"),
        ({"exp": 1_700_000_000}, "it expired at 2023-11-14 22:13 UTC. Store a new version."),
        ({"nbf": 4_000_000_000}, "it is not valid before 2096-10-02 07:06 UTC."),
    ],
)
def test_secrets_that_are_not_valid(
    vault: KeyVault, resolver: KeyVaultResolver, attributes: dict[str, object], message: str
) -> None:
    vault.put("app", "hunter2", **attributes)
    with pytest.raises(KeyVaultError, match=f"Can't read 'app' of https://.*: {message}") as caught:
        resolver.resolve("app", vault.url)
    assert caught.value.error_class not in {ErrorClass.TRANSIENT, ErrorClass.CONFLICT}
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_answers_that_may_be_others_soon(vault: KeyVault, resolver: KeyVaultResolver, status: int) -> None:
    vault.put("app", "hunter2")
    vault.answers[:] = [status, status]
    assert resolver.resolve("app", vault.url) == "hunter2"
    vault.answers[:] = [status] * 3
    with pytest.raises(KeyVaultError, match=rf"as the test asked.* \[{status}\]") as caught:
        resolver.resolve("app", vault.url)
    assert caught.value.error_class is ErrorClass.TRANSIENT


def test_a_right_that_is_missing(vault: KeyVault, resolver: KeyVaultResolver) -> None:
    vault.answers[:] = [403] * 9
    with pytest.raises(KeyVaultError, match=r"no right to do so \[403\].*Key Vault Secrets User") as caught:
        resolver.resolve("app", vault.url)
    assert caught.value.error_class is ErrorClass.CONFIGURATION


def test_tokens_are_replaced_before_they_end(vault: KeyVault, resolver: KeyVaultResolver) -> None:
    """One that ends within five minutes is not used any more."""
    vault.put("app", "hunter2")
    vault.lifetime = 60
    before = len(vault.tokens)
    for _ in range(2):
        assert resolver.resolve("app", vault.url) == "hunter2"
    assert len(vault.tokens) >= before + 2


def test_logins_that_fail(vault: KeyVault) -> None:
    with pytest.raises(KeyVaultError, match=r"the login failed: .*AADSTS7000215") as caught:
        KeyVaultResolver(**options(vault, client_secret="wrong-login-secret")).resolve("app", vault.url)
    assert caught.value.error_class is ErrorClass.CONFIGURATION
    assert "wrong-login-secret" not in str(caught.value)


def test_a_vault_that_can_not_be_reached(vault: KeyVault) -> None:
    with pytest.raises(KeyVaultError, match="the vault does not answer") as caught:
        KeyVaultResolver(**options(vault, retries=0)).resolve("app", "https://127.0.0.1:1")
    assert caught.value.error_class is ErrorClass.TRANSIENT
    with pytest.raises(KeyVaultError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        KeyVaultResolver(**options(vault, ca=None, retries=0)).resolve("app", vault.url)
    assert caught.value.error_class is ErrorClass.CONFIGURATION


def test_a_vault_that_asks_for_the_token_of_another_domain(vault: KeyVault) -> None:
    vault.put("app", "hunter2")
    with pytest.raises(KeyVaultError, match="it asks for a token of another domain"):
        KeyVaultResolver(**options(vault, verify_challenge=True)).resolve("app", vault.url)


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("my-vault", "https://my-vault.vault.azure.net"),
        ("https://my-vault.vault.azure.cn/", "https://my-vault.vault.azure.cn"),
    ],
)
def test_vaults(source: str, address: str) -> None:
    assert vault_address(source, "vault.azure.net") == address


@pytest.mark.parametrize(
    "source", ["", "1st", "a", "my_vault", "http://v.vault.azure.net", "https://ann@v", "https://v/secrets", "https://"]
)
def test_what_is_no_vault(source: str) -> None:
    with pytest.raises(ConfigurationError, match="is no vault; write its name"):
        vault_address(source, "vault.azure.net")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tenant": "x"}, r"tenant: is not a known setting; possible: .*Did you mean 'tenant_id'"),
        ({"client_id": "x"}, "a service principal needs tenant_id, client_secret too"),
    ],
)
def test_settings_that_are_wrong(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        KeyVaultResolver(**given)


def test_names_that_no_secret_has(vault: KeyVault, resolver: KeyVaultResolver) -> None:
    with pytest.raises(ConfigurationError, match="'shop_password' can't be a secret in Azure Key Vault"):
        resolver.resolve("shop_password", vault.url)


def test_a_notebook_of_fabric(notebookutils: MagicMock) -> None:
    def get_secret(_: str, name: str) -> str:
        if name == "absent":
            message = "An error occurred while calling z:getSecret. SecretNotFound"
            raise Exception(message)  # noqa: TRY002 - as Py4J's, of a type that nobody has here
        return "hunter2"

    notebookutils.credentials.getSecret.side_effect = get_secret
    resolver = KeyVaultResolver()
    assert resolver.resolve("app", "my-vault") == "hunter2"
    notebookutils.credentials.getSecret.assert_called_once_with("https://my-vault.vault.azure.net/", "app")
    with pytest.raises(
        KeyVaultError, match=r"Can't read 'absent' of https://my-vault\.vault\.azure\.net: .*SecretNotFound"
    ):
        resolver.resolve("absent", "my-vault")
    with pytest.raises(ConfigurationError, match="leave out the version"):
        resolver.resolve(f"app/{'0' * 32}", "my-vault")
    resolver.close()


def test_the_platform_asks_for_secrets_too(vault: KeyVault, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[type] = []

    def watched(close: Callable[..., None]) -> Callable[[object], None]:
        def call(self: object) -> None:
            closed.append(type(self))
            close(self)

        return call

    for kind in (SecretClient, ClientSecretCredential):
        monkeypatch.setattr(kind, "close", watched(kind.close))
    vault.put("app", "hunter2")
    who = {name: value for name, value in options(vault).items() if name not in {"verify_challenge", "retries"}}
    secrets = Secrets(FabricPlatform(**who), {})
    with pytest.raises(KeyVaultError, match="another domain"):
        secrets.provider.get_secret("app", vault.url)
    with pytest.raises(ConfigurationError, match="'' is no vault"):
        secrets.provider.get_secret("app")
    secrets.close()
    assert closed == [SecretClient, ClientSecretCredential]
