"""What `doctor` says of storages that do not do what they have to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from datacoolie.core.exceptions import ErrorClass, PlatformError
from datacoolie.orchestration.doctor import Check, storage_checks
from datacoolie.platforms.base import AccessDeniedError, FileInfo
from datacoolie.platforms.local import LocalPlatform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Unconditional(LocalPlatform):
    """Replaces what another writer has changed."""

    def write_if_match(self, path: str, data: bytes, version: str | None) -> str | None:  # noqa: ARG002 - ignored, which is the fault
        return self.write(path, data)


class Replacing(LocalPlatform):
    """Replaces what is there already."""

    def write_if_absent(self, path: str, data: bytes) -> str | None:
        return self.write(path, data)


class Slow(LocalPlatform):
    """Has a clock that is a minute behind."""

    def stat(self, path: str) -> FileInfo | None:
        found = super().stat(path)
        return found and replace(found, modified=found.modified - timedelta(minutes=1))


class ReadOnly(LocalPlatform):
    """Lets nobody write."""

    def write(self, path: str, data: bytes) -> str:  # noqa: ARG002 - refused whatever it is
        message = f"Can't write {path!r}."
        raise AccessDeniedError(message)


class Closed(LocalPlatform):
    """Lets nobody look."""

    def list(self, folder: str) -> Iterator[FileInfo]:
        message = f"Can't list {folder!r}."
        raise AccessDeniedError(message)


class Silent(LocalPlatform):
    """Does not answer."""

    def list(self, folder: str) -> Iterator[FileInfo]:
        message = f"Can't list {folder!r}: it does not answer."
        raise PlatformError(message).classed(ErrorClass.TRANSIENT)


def results(checks: list[Check]) -> dict[str, bool | None]:
    return {check.what: check.ok for check in checks}


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        (LocalPlatform(), {"list": True, "write": True, "conditional write": True, "clock": True}),
        (Unconditional(), {"list": True, "write": True, "conditional write": False, "clock": True}),
        (Replacing(), {"list": True, "write": True, "conditional write": False, "clock": True}),
        (Slow(), {"list": True, "write": True, "conditional write": True, "clock": False}),
        (ReadOnly(), {"list": True, "write": False}),
        (Closed(), {"list": False}),
    ],
    ids=lambda each: type(each).__name__,
)
def test_storages(tmp_path: Path, platform: LocalPlatform, expected: dict[str, bool]) -> None:
    checks = list(storage_checks("it", platform, str(tmp_path), writes=True))
    assert results(checks) == expected
    assert all(check.fix for check in checks if not check.ok)
    assert not any(check.fix for check in checks if check.ok)
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_answer_is_no_matter_of_rights(tmp_path: Path) -> None:
    (check,) = storage_checks("it", Silent(), str(tmp_path), writes=True)
    assert (check.what, check.ok, check.fix) == ("list", False, "Ask again when it answers.")


def test_a_path_of_another_platform() -> None:
    (check,) = storage_checks("it", LocalPlatform(), "s3://bucket/x", writes=True)
    assert (check.what, check.ok) == ("path", False)
    assert "not on platform 'local'" in check.detail
