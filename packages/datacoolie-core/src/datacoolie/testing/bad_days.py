"""What every platform that is asked over HTTP does when its server is busy, silent, or refuses."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, ClassVar

import pytest

from datacoolie.core.exceptions import ErrorClass, PlatformError
from datacoolie.platforms import AccessDeniedError, BasePlatform
from datacoolie.testing.proxy import Answer, Fault, FaultyProxy
from datacoolie.testing.suite import Suite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Connect = Callable[[str], BasePlatform]

ATTEMPTS = 3
"""How often the platform that `connect` makes sends a request at most."""

PATIENCE = 1.0
"""Seconds for which it waits for an answer."""

_SLACK = 45.0
"""Seconds for pauses between attempts, and for a busy machine."""


class RemotePlatformSuite(Suite):
    """Tests a `BasePlatform` through a proxy that answers as a server does on a bad day.

    A subclass has the fixtures `server`, the URL of a real server; `folder`, a folder there; `connect`, which makes a
    platform of a server's URL, with `ATTEMPTS` and `PATIENCE`; and `secrets`, texts that no error may hold.

    Attributes:
        busy: how the server says that it is busy.
        refusals: how it refuses credentials, by what the error says of it.
    """

    busy: ClassVar[tuple[Answer, ...]]
    refusals: ClassVar[dict[str, Answer]]

    @pytest.fixture
    def proxy(self, server: str) -> Iterator[FaultyProxy]:
        """Return a proxy before the server."""
        with FaultyProxy(server) as proxy:
            yield proxy

    @pytest.fixture
    def platform(self, proxy: FaultyProxy, connect: Connect) -> BasePlatform:
        """Return a platform that asks the proxy."""
        return connect(proxy.url)

    def test_a_busy_server_is_asked_again(self, platform: BasePlatform, proxy: FaultyProxy, folder: str) -> None:
        for number, busy in enumerate(self.busy):
            path = f"{folder}/{number}"
            proxy.disturb(busy)
            platform.write(path, b"x")
            proxy.disturb(busy)
            assert platform.read(path).data == b"x"
            proxy.disturb(busy)
            assert [file.path for file in platform.list(folder)][number:] == [path]

    def test_a_server_that_stays_busy(
        self, platform: BasePlatform, proxy: FaultyProxy, folder: str, secrets: tuple[str, ...]
    ) -> None:
        for busy in self.busy:
            before = len(proxy.requests)
            proxy.disturb(*[busy] * 10)
            with pytest.raises(PlatformError) as caught:
                platform.read(f"{folder}/f")
            assert caught.value.error_class is ErrorClass.TRANSIENT
            assert len(proxy.requests) - before == ATTEMPTS
            _check_text(caught.value, f"{folder}/f", secrets)

    def test_a_server_that_stops_answering(
        self, platform: BasePlatform, proxy: FaultyProxy, folder: str, secrets: tuple[str, ...]
    ) -> None:
        proxy.disturb(*[Fault.SILENCE] * 10)
        begun = time.monotonic()
        with pytest.raises(PlatformError) as caught:
            platform.write(f"{folder}/f", b"x")
        assert time.monotonic() - begun < ATTEMPTS * PATIENCE + _SLACK
        assert caught.value.error_class is ErrorClass.TRANSIENT
        _check_text(caught.value, f"{folder}/f", secrets)

    def test_a_server_that_is_not_there(self, connect: Connect, folder: str, secrets: tuple[str, ...]) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            platform = connect(f"http://127.0.0.1:{taken.getsockname()[1]}")
            with pytest.raises(PlatformError) as caught:
                platform.read(f"{folder}/f")
        assert caught.value.error_class is ErrorClass.TRANSIENT
        _check_text(caught.value, f"{folder}/f", secrets)

    def test_who_won_knows_it_although_the_answer_was_lost(
        self, platform: BasePlatform, proxy: FaultyProxy, folder: str
    ) -> None:
        proxy.disturb(Fault.LOST_ANSWER)
        first = platform.write_if_absent(f"{folder}/f", b"mine")
        assert first == platform.read(f"{folder}/f").version
        proxy.disturb(Fault.LOST_ANSWER)
        second = platform.write_if_match(f"{folder}/f", b"mine again", first)
        assert second == platform.read(f"{folder}/f").version
        proxy.disturb(*self.busy[:1])
        assert platform.write_if_match(f"{folder}/f", b"too late", first) is None
        assert platform.read(f"{folder}/f").data == b"mine again"

    def test_refused_credentials(
        self, platform: BasePlatform, proxy: FaultyProxy, folder: str, secrets: tuple[str, ...]
    ) -> None:
        for said, refusal in self.refusals.items():
            proxy.disturb(*[refusal] * 10)
            with pytest.raises(AccessDeniedError, match=said) as caught:
                platform.read(f"{folder}/f")
            assert caught.value.error_class is ErrorClass.CONFIGURATION
            _check_text(caught.value, f"{folder}/f", secrets)


def _check_text(error: PlatformError, path: str, secrets: tuple[str, ...]) -> None:
    """Make sure that an error names the path, and holds neither a credential nor a signature."""
    assert path in error.message
    text = f"{error.message} {error.details} {error.__cause__}"
    for secret in (*secrets, "Signature=", "sig=", "X-Amz-Credential"):
        assert secret not in text
