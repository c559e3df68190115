from __future__ import annotations

import pytest

from datacoolie.core import redaction


@pytest.fixture(autouse=True)
def _forget_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin each test without secrets: the masking set is one per process, and a short value masks much."""
    monkeypatch.setattr(redaction, "_secrets", redaction._Secrets())
