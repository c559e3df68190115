"""What the tests of all packages share."""

from __future__ import annotations

import pytest

from datacoolie.core import redaction

pytest_plugins = ["tools.services.fixtures", "tools.skipped"]


@pytest.fixture(autouse=True)
def _forget_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test mask what another one registered."""
    monkeypatch.setattr(redaction, "_secrets", redaction._Secrets())  # noqa: SLF001 - the set is one per process
