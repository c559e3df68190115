from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datacoolie.core.exceptions import ConfigurationError, DataCoolieError, ErrorClass
from datacoolie.core.secret_cache import CachedResolver, Keeping
from datacoolie.core.secret_resolver import BaseSecretResolver

if TYPE_CHECKING:
    from collections.abc import Sequence


class Backend(BaseSecretResolver):
    """Answers each request with a new number, or not at all."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.failure: ErrorClass | None = None
        self.events: list[str] = []

    def resolve(self, key: str, source: str) -> str:
        return self.resolve_all([key], source)[key]

    def resolve_all(self, keys: Sequence[str], source: str) -> dict[str, str]:
        if self.failure:
            message = "no answer"
            raise DataCoolieError(message).classed(self.failure)
        self.asked.append((source, *keys))
        return {key: f"{source}/{key}#{len(self.asked)}" for key in keys}

    def forget(self) -> None:
        self.events.append("forget")

    def close(self) -> None:
        self.events.append("close")


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, set by hand."""
    now = [5000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_secrets_of_a_source_are_of_one_moment(backend: Backend, clock: list[float]) -> None:
    resolver = CachedResolver(backend, Keeping(ttl=10))
    assert resolver.resolve("user", "app") == "app/user#1"
    assert resolver.resolve_all(["password", "user"], "app") == {"password": "app/password#2", "user": "app/user#2"}
    assert resolver.resolve("user", "other") == "other/user#3"
    clock[0] += 9
    assert resolver.resolve("user", "app") == "app/user#2"
    clock[0] += 1
    assert resolver.resolve("password", "app") == "app/password#4"
    assert backend.asked[-1] == ("app", "user", "password")


def test_a_reference_says_how_long(backend: Backend, clock: list[float]) -> None:
    resolver = CachedResolver(backend, Keeping(ttl=10))
    for expected in ("app?version=2/k#1", "app?version=2/k#2"):
        assert resolver.resolve("k", "app?version=2&ttl=60&allow_stale=false") == expected
        clock[0] += 59
        assert resolver.resolve("k", "app?ttl=60&version=2") == expected
        clock[0] += 1
    assert [resolver.resolve("k", "now?ttl=0"), resolver.resolve("k", "now?ttl=0")] == ["now/k#3", "now/k#4"]


@pytest.mark.parametrize("query", ["ttl=soon", "ttl=-1", "ttl=", "allow_stale=perhaps"])
def test_wrong_parameters(backend: Backend, query: str) -> None:
    with pytest.raises(ConfigurationError, match="must say ttl in seconds and allow_stale as true or false"):
        CachedResolver(backend, Keeping(ttl=10)).resolve("k", f"app?{query}")


@pytest.mark.parametrize("failure", [ErrorClass.TRANSIENT, ErrorClass.CONFIGURATION])
@pytest.mark.parametrize("source", ["app", "app?allow_stale=true"])
def test_old_secrets_are_used_only_if_the_reference_allows_it(
    backend: Backend, clock: list[float], caplog: pytest.LogCaptureFixture, source: str, failure: ErrorClass
) -> None:
    resolver = CachedResolver(backend, Keeping(ttl=10))
    first = resolver.resolve("k", source)
    clock[0] += 10
    backend.failure = failure
    if source == "app" or failure is ErrorClass.CONFIGURATION:
        with pytest.raises(DataCoolieError, match="no answer"):
            resolver.resolve("k", source)
        return
    assert resolver.resolve("k", source) == first
    assert "Older secrets of 'app' are used, as allow_stale says: no answer" in caplog.text
    with pytest.raises(DataCoolieError, match="no answer"):
        resolver.resolve("never fetched", source)
    backend.failure = None
    assert resolver.resolve("k", source) == "app/k#2"


def test_forgetting_and_closing(backend: Backend) -> None:
    resolver = CachedResolver(backend, Keeping(ttl=10))
    resolver.resolve("k", "app")
    resolver.forget()
    assert resolver.resolve("k", "app") == "app/k#2"
    backend.failure = ErrorClass.TRANSIENT
    resolver.forget()
    assert resolver.resolve("k", "app?allow_stale=true") == "app/k#2"
    resolver.close()
    with pytest.raises(DataCoolieError, match="no answer"):
        resolver.resolve("k", "app?allow_stale=true")
    assert backend.events == ["forget", "forget", "close"]
