"""Secrets of Databricks, by its own library from a server that follows the public documentation."""

from __future__ import annotations

import base64
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from datacoolie.core.exceptions import ConfigurationError, ErrorClass
from datacoolie.core.redaction import get_registered_secret_values
from datacoolie.testing import ResolverSuite
from datacoolie_platform_databricks import DatabricksResolver
from datacoolie_platform_databricks.scopes import ScopeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datacoolie.testing.resolvers import Stored

TOKEN = "dapi-of-the-tests"


class Workspace(BaseHTTPRequestHandler):
    """The interface of secrets."""

    scopes: ClassVar[dict[str, dict[str, bytes]]] = {}
    answers: ClassVar[list[int]] = []
    strange: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        known = {"/api/2.0/secrets/get": self._get, "/api/2.0/secrets/list": self._list}
        if parts.path == "/.well-known/databricks-config":
            self._answer(404, _error("NOT_FOUND", "no such page"))
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401, _error("UNAUTHENTICATED", "Credential was not sent or was of an unsupported type."))
        elif self.answers:
            status = self.answers.pop(0)
            code = {403: "PERMISSION_DENIED", 429: "REQUEST_LIMIT_EXCEEDED"}.get(status, "TEMPORARILY_UNAVAILABLE")
            self._answer(status, _error(code, "as the test asked"), {"Retry-After": "1"})
        elif parts.path == "/api/2.0/secrets/scopes/list":
            self._answer(200, {"scopes": [{"name": name} for name in self.scopes]})
        elif parts.path in known:
            known[parts.path](asked)
        else:
            self.strange.append(self.path)
            self._answer(400, _error("BAD_REQUEST", "not in the documentation"))

    def _get(self, asked: Mapping[str, str]) -> None:
        secrets = self.scopes.get(asked["scope"])
        if secrets is None or asked["key"] not in secrets:
            what = f"Scope {asked['scope']}" if secrets is None else f"Secret with key {asked['key']}"
            self._answer(404, _error("RESOURCE_DOES_NOT_EXIST", f"{what} does not exist"))
        else:
            self._answer(200, {"key": asked["key"], "value": base64.b64encode(secrets[asked["key"]]).decode()})

    def _list(self, asked: Mapping[str, str]) -> None:
        self._answer(200, {"secrets": [{"key": key} for key in self.scopes[asked["scope"]]]})

    def _answer(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        length = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        for name, value in {**length, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _error(code: str, message: str) -> dict[str, str]:
    return {"error_code": code, "message": message}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Workspace)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    assert Workspace.strange == []


@pytest.fixture
def host(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The server, without secrets; and nothing in the environment says of another one."""
    Workspace.scopes.clear()
    Workspace.answers.clear()
    for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_RUNTIME_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", "/dev/null")
    return server


@pytest.fixture
def resolver(host: str) -> DatabricksResolver:
    return DatabricksResolver(host=host, token=TOKEN, retry_timeout_seconds=30)


class TestScopes(ResolverSuite):
    @pytest.fixture
    def stored(self) -> Stored:
        def store(values: Mapping[str, str]) -> str:
            Workspace.scopes["shop"] = {key: value.encode() for key, value in values.items()}
            return "shop"

        return store


def test_what_is_not_there_names_near_ones(resolver: DatabricksResolver) -> None:
    Workspace.scopes["shop"] = {"user": b"ann", "password": b"hunter2"}
    with pytest.raises(
        ScopeError, match=r"'pasword' .*does not exist\. Secrets: user, password\. Did you mean 'password'"
    ):
        resolver.resolve("pasword", "shop")
    with pytest.raises(ScopeError, match=r"Scope shp does not exist\. Scopes: shop\. Did you mean 'shop'"):
        resolver.resolve("password", "shp")
    with pytest.raises(ConfigurationError, match="'a/b' must be the name of a scope"):
        resolver.resolve("password", "a/b")


def test_a_binary_secret(resolver: DatabricksResolver) -> None:
    Workspace.scopes["shop"] = {"key": b"\xff\xfe"}
    with pytest.raises(ConfigurationError, match="is binary, which no setting can be"):
        resolver.resolve("key", "shop")


def test_a_right_that_is_missing(resolver: DatabricksResolver) -> None:
    Workspace.answers[:] = [403]
    with pytest.raises(ScopeError, match=r"no right to do so: as the test asked\. The permission READ") as caught:
        resolver.resolve("key", "shop")
    assert caught.value.error_class is ErrorClass.CONFIGURATION


def test_answers_that_may_be_others_soon(host: str, resolver: DatabricksResolver) -> None:
    Workspace.scopes["shop"] = {"key": b"hunter2"}
    Workspace.answers[:] = [429, 503]
    assert resolver.resolve("key", "shop") == "hunter2"
    Workspace.answers[:] = [429] * 100
    impatient = DatabricksResolver(host=host, token=TOKEN, retry_timeout_seconds=1)
    with pytest.raises(ScopeError, match="as the test asked") as caught:
        impatient.resolve("key", "shop")
    assert caught.value.error_class is ErrorClass.TRANSIENT


def test_logins_that_fail(host: str) -> None:
    with pytest.raises(ScopeError, match="the login failed: Credential was not sent") as caught:
        DatabricksResolver(host=host, token="dapi-wrong").resolve("key", "shop")
    assert caught.value.error_class is ErrorClass.CONFIGURATION
    assert "dapi-wrong" in get_registered_secret_values()
    with pytest.raises(
        ConfigurationError, match=r"Databricks: .*Set host and who asks in the settings of the platform or resolver"
    ):
        DatabricksResolver().resolve("key", "shop")


def test_the_environment_says_who_asks(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Workspace.scopes["shop"] = {"key": b"hunter2"}
    monkeypatch.setenv("DATABRICKS_HOST", host)
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
    assert DatabricksResolver().resolve("key", "shop") == "hunter2"


def test_settings_that_are_wrong() -> None:
    with pytest.raises(ConfigurationError, match=r"hots: is not a known setting; .*Did you mean 'host'\?"):
        DatabricksResolver(hots="x")


def test_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the `dbutils` of a cluster."""

    def get(scope: str, key: str) -> str:
        if key == "absent":
            message = "Secret does not exist with scope: shop and key: absent"
            raise Exception(message)  # noqa: TRY002 - as Py4J's, of a type that nobody has here
        return f"{scope}/{key}"

    runtime = SimpleNamespace(dbutils=SimpleNamespace(secrets=SimpleNamespace(get=get)))
    monkeypatch.setitem(sys.modules, "databricks.sdk.runtime", runtime)
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    resolver = DatabricksResolver()
    assert resolver.resolve("key", "shop") == "shop/key"
    with pytest.raises(ScopeError, match="Can't read 'absent' of the scope 'shop': Secret does not exist"):
        resolver.resolve("absent", "shop")
    resolver.close()
