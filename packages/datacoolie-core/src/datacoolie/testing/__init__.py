"""Conformance suites for plugins: inherit one, give it your plugin as a fixture, and it tests the whole contract.

    class TestMyEngine(EngineSuite):
        gaps = {"test_every_type_comes_and_goes": Gap("binary columns come next")}

        @pytest.fixture
        def engine(self) -> MyEngine:
            return MyEngine()

Needs the extra `testing` of datacoolie-core.
"""

import pkgutil

import pytest

# Before the suites are imported: their assertions then explain themselves as those of test modules do.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)))

from datacoolie.testing.bad_days import RemotePlatformSuite  # noqa: E402 - only now
from datacoolie.testing.engines import EngineSuite, FileSuite, TableSuite  # noqa: E402 - only now
from datacoolie.testing.expressions import ExpressionSuite  # noqa: E402 - only now
from datacoolie.testing.frames import FrameSuite  # noqa: E402 - only now
from datacoolie.testing.platforms import PlatformSuite  # noqa: E402 - only now
from datacoolie.testing.resolvers import ResolverSuite  # noqa: E402 - only now
from datacoolie.testing.states import StateStoreSuite  # noqa: E402 - only now
from datacoolie.testing.suite import Gap, Suite  # noqa: E402 - only now
from datacoolie.testing.transforms import TransformSuite  # noqa: E402 - only now

__all__ = [
    "EngineSuite",
    "ExpressionSuite",
    "FileSuite",
    "FrameSuite",
    "Gap",
    "PlatformSuite",
    "RemotePlatformSuite",
    "ResolverSuite",
    "StateStoreSuite",
    "Suite",
    "TableSuite",
    "TransformSuite",
]
