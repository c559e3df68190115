"""What is read from a real Vault, and what is said when something can't be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datacoolie.core.exceptions import ConfigurationError, ErrorClass
from datacoolie_resolver_vault import VaultResolver
from datacoolie_resolver_vault.client import VaultError

if TYPE_CHECKING:
    import hvac


@pytest.fixture
def vault(options: dict[str, object], root: hvac.Client) -> VaultResolver:
    return VaultResolver(**options, token=root.token)


@pytest.fixture(scope="module")
def filled(root: hvac.Client) -> None:
    """Two KV engines with secrets."""
    root.sys.enable_secrets_engine("kv", path="team/one", options={"version": "1"})
    root.secrets.kv.v1.create_or_update_secret("app", {"password": "first"}, mount_point="team/one")
    root.secrets.kv.v1.create_or_update_secret("data/odd name%+", {"password": "odd"}, mount_point="team/one")
    for password in ("old", "new", "newest"):
        root.secrets.kv.v2.create_or_update_secret(
            "reading/app",
            {
                "password": password,
                "port": 5432,
                "tls": True,
                "a.b": "dotted",
                "deep": {"er": {"k": "nested"}},
                "no": None,
            },
        )
    root.secrets.kv.v2.destroy_secret_versions("reading/app", [1])
    root.secrets.kv.v2.create_or_update_secret("reading/gone", {"password": "x"})
    root.secrets.kv.v2.delete_latest_version_of_secret("reading/gone")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("source", "key", "value"),
    [
        ("secret/reading/app", "password", "newest"),
        ("/secret/reading/app/", "password", "newest"),
        ("secret/reading/app?version=2", "password", "new"),
        ("team/one/app", "password", "first"),
        ("team/one/data/odd name%+", "password", "odd"),
        ("secret/reading/app", "port", "5432"),
        ("secret/reading/app", "tls", "true"),
        ("secret/reading/app", "a.b", "dotted"),
        ("secret/reading/app", "deep.er.k", "nested"),
    ],
)
def test_fields_of_secrets(vault: VaultResolver, source: str, key: str, value: str) -> None:
    assert vault.resolve(key, source) == value


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("source", "key", "message"),
    [
        (
            "secret/reading/ap",
            "password",
            r"Can't read 'secret/reading/ap' at https://.*: there is nothing .404.. Beside it are: app, gone\. Did you",
        ),
        ("team/one/ap", "password", r"Beside it are: app, data/\. Did you mean 'app'\?$"),
        ("secret/reading/app?version=1", "password", "Version 1 was destroyed. Write a new one, or ask for another.$"),
        ("secret/reading/app?version=9", "password", "there is nothing"),
        ("secret/reading/gone", "password", "Version 1 was deleted: vault kv undelete brings it back.$"),
        ("nothere/app", "password", "find the engine of 'nothere/app' .* no right .*grant access to path"),
    ],
)
def test_secrets_that_are_not_there(vault: VaultResolver, source: str, key: str, message: str) -> None:
    with pytest.raises(VaultError, match=message) as caught:
        vault.resolve(key, source)
    assert caught.value.error_class is ErrorClass.CONFIGURATION
    assert "newest" not in str(caught.value)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("source", "key", "message"),
    [
        (
            "secret/reading/app",
            "pasword",
            r"has no field 'pasword'. Fields: a\.b, deep, no, password, port, tls\. Did you mean 'password'\?$",
        ),
        ("secret/reading/app", "deep.no", "has no field 'deep.no'"),
        ("secret/reading/app", "deep", "'deep' of 'secret/reading/app' holds dict; name a field of text or a number"),
        ("secret/reading/app", "no", "is null"),
        ("secret", "k", "'secret' must be the path of a secret in Vault: mount/name"),
        ("secret/../sys/raw", "k", "must be the path"),
        ("secret//app", "k", "must be the path"),
        ("secret/reading/app?version=new", "k", "may say .version=NUMBER"),
        ("secret/reading/app?stage=1", "k", "may say .version=NUMBER"),
        ("team/one/app?version=1", "password", "without versions: leave out"),
    ],
)
def test_references_that_are_wrong(vault: VaultResolver, source: str, key: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        vault.resolve(key, source)


def test_a_right_that_is_missing(options: dict[str, object], root: hvac.Client) -> None:
    root.sys.create_or_update_policy("lists-only", 'path "secret/metadata/*" { capabilities = ["list"] }')
    token = root.auth.token.create(policies=["lists-only"])["auth"]["client_token"]
    with pytest.raises(VaultError, match=r"the token has no right .* \[403\]\. Give the token's policies") as caught:
        VaultResolver(**options, token=token).resolve("password", "secret/reading/app")
    assert caught.value.error_class is ErrorClass.CONFIGURATION
    assert token not in str(caught.value)
