from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datacoolie.core.secret_resolver import EnvResolver
from datacoolie.testing import ResolverSuite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.testing.resolvers import Stored


class TestEnvironment(ResolverSuite):
    @pytest.fixture
    def resolver(self) -> EnvResolver:
        return EnvResolver()

    @pytest.fixture
    def stored(self, monkeypatch: pytest.MonkeyPatch) -> Stored:
        def store(values: Mapping[str, str]) -> str:
            for key, value in values.items():
                monkeypatch.setenv(f"DCSUITE_{key}", value)
            return "DCSUITE_"

        return store
