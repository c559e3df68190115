"""The suites of tables and of whole engines: all that is tested of each part."""

from __future__ import annotations

from datacoolie.testing.avro import AvroSuite
from datacoolie.testing.commits import CommitSuite
from datacoolie.testing.delta import DeltaSuite
from datacoolie.testing.evolution import SchemaSuite
from datacoolie.testing.expressions import ExpressionSuite
from datacoolie.testing.frames import FrameSuite
from datacoolie.testing.iceberg import IcebergSuite
from datacoolie.testing.merges import MergeSuite
from datacoolie.testing.reading import ReadingSuite
from datacoolie.testing.transforms import TransformSuite
from datacoolie.testing.writing import WritingSuite


class FileSuite(AvroSuite, ReadingSuite, WritingSuite):
    """Tests the flat files that an engine reads and writes. A subclass has a fixture `engine`."""


class TableSuite(CommitSuite, MergeSuite, SchemaSuite, DeltaSuite, IcebergSuite):
    """Tests the tables of each format that an engine has. A subclass has a fixture `engine`."""


class EngineSuite(FrameSuite, ExpressionSuite, TransformSuite, FileSuite, TableSuite):
    """Tests a whole engine. A subclass has a fixture `engine`, and says its gaps and differences."""
