"""Logins, what Vault lends for a while, and servers that do not answer as they should."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import boto3
import hvac
import psycopg
import pytest
from botocore.exceptions import ClientError

from datacoolie.core.exceptions import ConfigurationError, ErrorClass
from datacoolie.core.redaction import get_registered_secret_values
from datacoolie_resolver_vault import VaultResolver, renewal
from datacoolie_resolver_vault.client import VaultError
from datacoolie_resolver_vault.settings import settings_from
from tools.services.running import started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.services.model import Running

READ = 'path "secret/data/*" { capabilities = ["read"] }\npath "database/creds/*" { capabilities = ["read"] }'


@pytest.fixture(scope="module")
def approle(root: hvac.Client) -> dict[str, str]:
    """A role whose tokens live for half a minute, unless they are renewed."""
    root.secrets.kv.v2.create_or_update_secret("session/app", {"password": "hunter2"})
    root.sys.create_or_update_policy("reader", READ)
    root.sys.enable_auth_method("approle", path="teams/approle")
    where = {"mount_point": "teams/approle"}
    root.auth.approle.create_or_update_approle(
        "app", token_policies=["reader"], token_ttl="30s", token_max_ttl="300s", **where
    )
    role_id = root.auth.approle.read_role_id("app", **where)["data"]["role_id"]
    secret_id = root.auth.approle.generate_secret_id("app", **where)["data"]["secret_id"]
    return {"role_id": role_id, "secret_id": secret_id, "mount": "teams/approle"}


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renew after a tenth of the time, not after a half."""
    monkeypatch.setattr(renewal, "_SHARE", 0.1)


def token_of(resolver: VaultResolver) -> str:
    return str(resolver._session._client.api.token)


def test_approle(options: dict[str, object], approle: dict[str, str], root: hvac.Client) -> None:
    resolver = VaultResolver(**options, **approle)
    assert resolver.resolve("password", "secret/session/app") == "hunter2"
    token = token_of(resolver)
    assert get_registered_secret_values() == {approle["secret_id"], token}
    assert approle["secret_id"] not in repr(settings_from({**options, **approle}))
    resolver.close()
    with pytest.raises(hvac.exceptions.Forbidden):
        root.auth.token.lookup(token)


@pytest.fixture
def assumed(moto_server: Running, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Credentials of a role of AWS, for this process."""
    client = partial(boto3.client, endpoint_url=moto_server.address["url"], region_name="us-east-1")
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    with suppress(ClientError):
        client("iam", **keys).create_role(RoleName="loader", AssumeRolePolicyDocument="{}")
    arn = "arn:aws:iam::123456789012:role/loader"
    given = client("sts", **keys).assume_role(RoleArn=arn, RoleSessionName="run")["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", given["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", given["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", given["SessionToken"])
    return {"arn": arn, "sts": moto_server.address["url"], "secret": given["SecretAccessKey"]}


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning:hvac")
def test_aws(options: dict[str, object], root: hvac.Client, assumed: dict[str, str]) -> None:
    root.secrets.kv.v2.create_or_update_secret("session/app", {"password": "hunter2"})
    root.sys.create_or_update_policy("reader", READ)
    root.sys.enable_auth_method("aws", path="teams/aws")
    where = {"mount_point": "teams/aws"}
    endpoints = {"iam_endpoint": assumed["sts"], "sts_endpoint": assumed["sts"], "sts_region": "us-east-1"}
    root.auth.aws.configure(
        access_key="test", secret_key="test", iam_server_id_header_value="vault.here", **endpoints, **where
    )
    root.auth.aws.create_role(
        "app",
        auth_type="iam",
        bound_iam_principal_arn=assumed["arn"],
        resolve_aws_unique_ids=False,
        policies=["reader"],
        **where,
    )

    settings = {**options, "auth": "aws", "mount": "teams/aws", "role": "app"}
    resolver = VaultResolver(**settings, aws_server_id="vault.here")
    assert resolver.resolve("password", "secret/session/app") == "hunter2"
    assert assumed["secret"] in get_registered_secret_values()
    resolver.close()
    with pytest.raises(VaultError, match=r"Can't log in by aws \(auth/teams/aws\).*X-Vault-AWS-IAM-Server-ID"):
        VaultResolver(**settings).resolve("password", "secret/session/app")


@pytest.mark.parametrize(
    ("hidden", "message"), [("boto3", "pip install 'datacoolie-resolver-vault"), ("", "Set AWS_PROFILE")]
)
def test_a_login_by_aws_that_lacks_something(
    options: dict[str, object], monkeypatch: pytest.MonkeyPatch, hidden: str, message: str
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    if hidden:
        monkeypatch.setitem(sys.modules, hidden, None)
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        VaultResolver(**options, auth="aws").resolve("password", "secret/session/app")


@pytest.mark.usefixtures("early")
def test_a_token_is_renewed_while_it_is_in_use(
    options: dict[str, object], approle: dict[str, str], root: hvac.Client
) -> None:
    resolver = VaultResolver(**options, **approle)
    resolver.resolve("password", "secret/session/app")
    token = token_of(resolver)
    wait_until(lambda: root.auth.token.lookup(token)["data"].get("last_renewal"))
    assert resolver.resolve("password", "secret/session/app") == "hunter2"
    assert token_of(resolver) == token
    thread = resolver._session.renewals._thread
    resolver.close()
    assert thread is not None
    assert not thread.is_alive()


def test_a_token_that_was_revoked_is_replaced(
    options: dict[str, object], approle: dict[str, str], root: hvac.Client
) -> None:
    resolver = VaultResolver(**options, **approle)
    resolver.resolve("password", "secret/session/app")
    token = token_of(resolver)
    root.auth.token.revoke(token)
    assert resolver.resolve("password", "secret/session/app") == "hunter2"
    assert token_of(resolver) != token
    resolver.close()


def test_what_can_not_be_renewed_for_lack_of_a_login_ends() -> None:
    """And the thread that renews goes on for the others."""
    renewed, renewals = threading.Event(), renewal.Renewals()

    def refuse() -> float:
        message = "The token to log in with is gone."
        raise ConfigurationError(message)

    def succeed() -> float:
        renewed.set()
        return 60

    first = renewal.Loan(what="One", seconds=60, renew=refuse)
    second = renewal.Loan(what="Another", seconds=60, renew=succeed)
    first.due, second.due = 1, 2  # long ago
    renewals.add(first)
    renewals.add(second)
    assert renewed.wait(60)
    renewals.close()
    assert (first.valid, second.valid) == (False, True)


def test_logins_that_are_refused(options: dict[str, object], approle: dict[str, str]) -> None:
    with pytest.raises(VaultError, match=r"Can't log in by approle \(auth/teams/approle\) .* \[400\]") as caught:
        VaultResolver(**options, **{**approle, "secret_id": "wrong-secret-id"}).resolve("k", "secret/session/app")
    assert caught.value.error_class is ErrorClass.CONFIGURATION
    assert "wrong-secret-id" not in str(caught.value)
    with pytest.raises(VaultError, match=r"Can't look at the token .* Is it expired, or of another Vault\?"):
        VaultResolver(**options, token="wrong-token").resolve("k", "secret/session/app")


@pytest.fixture(scope="module")
def signed(root: hvac.Client, vault_server: Running) -> str:
    """A token that Vault signed as an identity provider, which its own auth method accepts."""
    issuer = f"{vault_server.address['url']}/v1/identity/oidc"
    root.sys.create_or_update_policy("signs", 'path "identity/oidc/token/app" { capabilities = ["read"] }')
    root.secrets.identity.create_or_update_entity("app")
    root.sys.enable_auth_method("userpass")
    root.auth.userpass.create_or_update_user("app", "pw", policies=["signs"])
    root.secrets.identity.create_named_key("app", allowed_client_ids=["*"])
    client_id = root.secrets.identity.create_or_update_role("app", "app") and root.secrets.identity.read_role("app")
    user = hvac.Client(url=root.url, verify=vault_server.address["ca"])
    user.auth.userpass.login("app", "pw")
    for mount in ("jwt", "kubernetes"):
        root.sys.enable_auth_method("jwt", path=mount)
        root.auth.jwt.configure(
            oidc_discovery_url=issuer, oidc_discovery_ca_pem=Path(vault_server.address["ca"]).read_text(), path=mount
        )
        root.auth.jwt.create_role(
            "app",
            user_claim="sub",
            allowed_redirect_uris=[],
            role_type="jwt",
            bound_audiences=[client_id["data"]["client_id"]],
            token_policies=["reader"],
            path=mount,
        )
    return str(user.secrets.identity.generate_signed_id_token("app")["data"]["token"])


@pytest.mark.usefixtures("approle")
@pytest.mark.parametrize("auth", ["jwt", "kubernetes"])
def test_signed_tokens(options: dict[str, object], signed: str, tmp_path: Path, auth: str) -> None:
    """Vault's Kubernetes method takes the same request as its JWT method, which stands in for it here."""
    file = tmp_path / "token"
    file.write_text(f"{signed}\n")
    resolver = VaultResolver(**options, auth=auth, role="app", jwt_file=str(file))
    assert resolver.resolve("password", "secret/session/app") == "hunter2"
    resolver.close()
    assert signed in get_registered_secret_values()
    file.unlink()
    with pytest.raises(ConfigurationError, match=r"can't be read from '.*token': No such file"):
        resolver.resolve("password", "secret/session/app")


@pytest.mark.usefixtures("approle")
def test_the_environment_and_what_vault_login_left(
    vault_server: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VAULT_ADDR", vault_server.address["url"])
    monkeypatch.setenv("VAULT_CACERT", vault_server.address["ca"])
    monkeypatch.setenv("VAULT_CLIENT_TIMEOUT", "20s")
    with pytest.raises(ConfigurationError, match=r"auth 'token' needs token \(or set VAULT_TOKEN\)"):
        VaultResolver()
    (tmp_path / ".vault-token").write_text(vault_server.address["token"])
    assert VaultResolver().resolve("password", "secret/session/app") == "hunter2"
    assert settings_from({}).timeout == 20
    monkeypatch.setenv("VAULT_TOKEN", "wrong-token")
    with pytest.raises(VaultError, match="Can't look at the token"):
        VaultResolver().resolve("password", "secret/session/app")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adress": "x"}, r"adress: is not a known setting; possible: .*Did you mean 'address'\?"),
        ({"token": "t", "retries": -1}, "retries: Input should be greater than or equal to 0"),
        ({"auth": "ldap"}, "auth: Input should be 'token', 'approle', 'aws', 'kubernetes' or 'jwt'"),
        ({"auth": "kubernetes"}, "auth 'kubernetes' needs role"),
        ({"auth": "approle"}, r"auth 'approle' needs role_id \(or set VAULT_ROLE_ID\)"),
    ],
)
def test_settings_that_are_wrong(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"settings of the resolver 'vault' are wrong: {message}"):
        VaultResolver(**options)


@pytest.fixture(scope="module")
def reader(root: hvac.Client, postgres_server: Running) -> str:
    """Credentials of a PostgreSQL server, which live for half a minute unless they are renewed."""
    root.sys.enable_secrets_engine("database")
    url = f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{postgres_server.address['port']}/postgres"
    root.secrets.database.configure(
        name="shop",
        plugin_name="postgresql-database-plugin",
        allowed_roles=["reader"],
        connection_url=url,
        username="postgres",
        password="trusted",
    )
    creation = ["CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"]
    root.secrets.database.create_role("reader", "shop", creation, default_ttl="30s", max_ttl="300s")
    return "database/creds/reader"


def users(server: Running) -> set[str]:
    with psycopg.connect(server.address["url"]) as connection:
        return {name for (name,) in connection.execute("select rolname from pg_roles").fetchall()}


@pytest.mark.usefixtures("early")
def test_credentials_for_a_run(
    options: dict[str, object], root: hvac.Client, postgres_server: Running, reader: str
) -> None:
    resolver = VaultResolver(**options, token=root.token)
    made = resolver.resolve_all(["username", "password"], reader)
    assert resolver.resolve_all(["username"], reader) == {"username": made["username"]}
    url = f"postgresql://127.0.0.1:{postgres_server.address['port']}/postgres"
    with psycopg.connect(url, user=made["username"], password=made["password"]) as connection:
        assert connection.execute("select current_user").fetchone() == (made["username"],)
    lease = resolver._borrowed[reader].lease_id
    wait_until(lambda: root.sys.read_lease(lease)["data"]["last_renewal"])
    assert made["username"] in users(postgres_server)
    assert resolver.resolve_all(["username"], reader) == {"username": made["username"]}
    resolver.close()
    assert made["username"] not in users(postgres_server)


def test_credentials_that_were_revoked_are_made_anew(
    options: dict[str, object], root: hvac.Client, postgres_server: Running, reader: str
) -> None:
    resolver = VaultResolver(**options, token=root.token)
    first = resolver.resolve("username", reader)
    resolver.forget()
    assert resolver.resolve("username", reader) == first
    root.sys.revoke_prefix("database/creds/reader")
    resolver.forget()
    second = resolver.resolve("username", reader)
    assert second != first
    assert second in users(postgres_server)
    resolver.close()


def test_a_certificate_that_is_not_trusted(options: dict[str, object]) -> None:
    with pytest.raises(VaultError, match=r"certificate is not trusted.*Set ca \(or VAULT_CACERT\)") as caught:
        VaultResolver(address=options["address"], token="a-token").resolve("k", "secret/session/app")
    assert caught.value.error_class is ErrorClass.CONFIGURATION
    with pytest.raises(VaultError, match="Can't look at the token"):
        VaultResolver(address="vault.example.com", token="a-token").resolve("k", "secret/session/app")


def test_a_sealed_vault() -> None:
    with started("vault") as server:
        address = server.address
        root = hvac.Client(url=address["url"], token=address["token"], verify=address["ca"])
        root.secrets.kv.v2.create_or_update_secret("app", {"password": "hunter2"})
        root.sys.seal()
        resolver = VaultResolver(address=address["url"], ca=address["ca"], token=address["token"], retries=50)
        with pytest.raises(VaultError, match=r"Vault is sealed \[503\]. Unseal it: vault operator unseal.") as caught:
            resolver.resolve("password", "secret/app")
        assert caught.value.error_class is ErrorClass.TRANSIENT
        root.sys.submit_unseal_key(address["unseal_key"])
        assert resolver.resolve("password", "secret/app") == "hunter2"
        resolver.close()


class Scripted(BaseHTTPRequestHandler):
    """Gives the answers of a script, and remembers the requests."""

    script: ClassVar[list[int]] = []
    requests: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.requests.append((self.path, self.headers["X-Vault-Namespace"]))
        status = 200
        body: dict[str, object] = {"data": {"path": "kv/", "type": "kv", "password": "hunter2"}}
        if "lookup-self" not in self.path and self.script:
            status = self.script.pop(0)
            body = body if status == 200 else {"errors": ["as the script says"]}
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def scripted(*script: int) -> Iterator[str]:
    Scripted.script[:], Scripted.requests[:] = script, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("status", [412, 429, 472, 473, 500, 502, 503])
def test_answers_that_may_be_others_soon(status: int) -> None:
    with scripted(status, status) as address:
        assert VaultResolver(address=address, token="a-token", retries=2).resolve("password", "kv/app") == "hunter2"
    with scripted(status, status) as address:
        with pytest.raises(VaultError, match=rf"as the script says\) \[{status}\]") as caught:
            VaultResolver(address=address, token="a-token", retries=1).resolve("password", "kv/app")
        assert caught.value.error_class is ErrorClass.TRANSIENT


@pytest.mark.parametrize("status", [400, 403, 501])
def test_answers_that_stay(status: int) -> None:
    with scripted(status) as address:
        with pytest.raises(VaultError, match=rf"\[{status}\]") as caught:
            VaultResolver(address=address, token="a-token").resolve("password", "kv/app")
        assert caught.value.error_class is ErrorClass.CONFIGURATION
        assert len(Scripted.requests) == 2


def test_the_namespace_goes_along() -> None:
    with scripted() as address:
        VaultResolver(address=address, token="a-token", namespace="teams/one").resolve("password", "kv/app")
        assert {namespace for _, namespace in Scripted.requests} == {"teams/one"}


def test_no_server() -> None:
    with scripted() as address:
        pass
    with pytest.raises(VaultError, match=r"the server does not answer: .*refused.* Look at address") as caught:
        VaultResolver(address=address, token="a-token", retries=1).resolve("password", "kv/app")
    assert caught.value.error_class is ErrorClass.TRANSIENT
