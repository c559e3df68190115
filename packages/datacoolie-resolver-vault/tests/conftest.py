from __future__ import annotations

import os
from typing import TYPE_CHECKING

import hvac
import pytest

from datacoolie.core import redaction

if TYPE_CHECKING:
    from tools.services.model import Running


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: str) -> None:
    """Begin each test without secrets, and without what the environment says of another Vault."""
    monkeypatch.setattr(redaction, "_secrets", redaction._Secrets())
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("VAULT_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def root(vault_server: Running) -> hvac.Client:
    """Vault as its administrator sees it."""
    address = vault_server.address
    return hvac.Client(url=address["url"], token=address["token"], verify=address["ca"])


@pytest.fixture
def options(vault_server: Running) -> dict[str, object]:
    """Settings that reach the server, without a login."""
    return {"address": vault_server.address["url"], "ca": vault_server.address["ca"], "retries": 2}
