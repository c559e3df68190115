"""The Polars engine: what it can do, and its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import polars as pl

from datacoolie.core.exceptions import EngineError, ErrorClass
from datacoolie.core.models import LoadType
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.engines import BaseEngine, EngineCapabilities, QueryOps
from datacoolie_engine_polars.files.diagnosis import ScanLog
from datacoolie_engine_polars.files.ops import PolarsFiles
from datacoolie_engine_polars.files.scan import READERS
from datacoolie_engine_polars.files.sinks import SINKS
from datacoolie_engine_polars.frames import PolarsFrames
from datacoolie_engine_polars.passes import Passes
from datacoolie_engine_polars.staging import Stager

if TYPE_CHECKING:
    from datacoolie.engines import QueryScan, TableOps, TableRef


class PolarsEngine(BaseEngine[pl.LazyFrame]):
    """Lazy and streaming from end to end; data is staged in one pass, then committed."""

    contract_version: ClassVar[int] = 1
    name: ClassVar[str] = "polars"
    capabilities: ClassVar[EngineCapabilities] = EngineCapabilities(
        reads=frozenset(READERS),
        writes=frozenset(SINKS),
        tables={"delta": frozenset(LoadType), "iceberg": frozenset(LoadType)},
        table_paths=frozenset({"delta"}),
        table_names=frozenset({"iceberg"}),
        optimizes=frozenset({"delta"}),
        vacuums=frozenset({"delta", "iceberg"}),
    )

    def __init__(self) -> None:
        """Make the engine's parts; nothing is evaluated."""
        self._passes = Passes()
        self._stager = Stager(self._passes, ScanLog())
        self.frames = PolarsFrames(self._passes, self._stager.scans)
        self.files = PolarsFiles(self._stager)
        self.queries = PolarsQueries()

    def table(self, ref: TableRef) -> TableOps[pl.LazyFrame]:
        """Open a Delta or Iceberg table.

        Raises:
            EngineError: there is no such format, or pyiceberg is not installed.
        """
        if ref.format not in self.capabilities.tables:
            possible = listed(self.capabilities.tables)
            near = did_you_mean(ref.format, self.capabilities.tables)
            message = f"The engine 'polars' has no {ref.format!r} tables yet. Possible: {possible}.{near}"
            raise EngineError(message, {"format": ref.format}).classed(ErrorClass.CONFIGURATION)
        return (_delta if ref.format == "delta" else _iceberg)(ref, self._stager)

    def interrupt(self) -> None:
        """End the passes that are running."""
        self._passes.interrupt()


def _delta(ref: TableRef, stager: Stager) -> TableOps[pl.LazyFrame]:
    from datacoolie_engine_polars.delta.table import DeltaTableOps  # noqa: PLC0415 - flat files don't need deltalake

    return DeltaTableOps(ref, stager)


def _iceberg(ref: TableRef, stager: Stager) -> TableOps[pl.LazyFrame]:
    try:
        from datacoolie_engine_polars.iceberg.table import IcebergTableOps  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        message = (
            f"{ref}: Iceberg tables need the package {error.name!r}, which is not installed. Install it: "
            'pip install "datacoolie-engine-polars[iceberg]"'
        )
        raise EngineError(message, {"package": error.name}).classed(ErrorClass.CONFIGURATION) from error
    return IcebergTableOps(ref, stager)


class PolarsQueries(QueryOps[pl.LazyFrame]):
    """SQL sources, which this engine does not have yet."""

    def scan(self, request: QueryScan) -> pl.LazyFrame:
        """Refuse by name."""
        message = f"{request.url}: SQL sources are not supported yet by the engine 'polars'"
        raise EngineError(message).classed(ErrorClass.CONFIGURATION)
