from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datacoolie.testing import ResolverSuite
from datacoolie_resolver_vault import VaultResolver

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import hvac

    from datacoolie.testing.resolvers import Stored


class TestVault(ResolverSuite):
    @pytest.fixture
    def resolver(self, options: dict[str, object], root: hvac.Client) -> Iterator[VaultResolver]:
        resolver = VaultResolver(**options, token=root.token)
        yield resolver
        resolver.close()

    @pytest.fixture
    def stored(self, root: hvac.Client) -> Stored:
        def store(values: Mapping[str, str]) -> str:
            root.secrets.kv.v2.create_or_update_secret("suite/app", values)
            return "secret/suite/app"

        return store
