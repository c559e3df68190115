"""What every engine does with tables, done by Spark; what loads of documents show too, where there is time for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

import pytest

from datacoolie.testing import Gap, TableSuite
from datacoolie_engine_spark.failures import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from datacoolie.testing.base import Read
    from datacoolie_engine_spark import SparkEngine

ALL = os.environ.get("DATACOOLIE_SPARK_TABLES") == "all"
"""Whether everything runs, which takes a quarter of an hour on two cores."""

ALWAYS = {
    "test_filters_find_rows_whose_bounds_were_cut[iceberg]",
    "test_a_column_is_renamed_with_all_its_rows[delta-merge]",
    "test_a_decision_that_refuses_leaves_nothing",
    "test_a_feature_that_nobody_knows_is_named",
    "test_a_generated_column_is_computed_or_compared[append]",
    "test_a_log_that_can_not_be_read",
    "test_a_rebuild_gets_the_rows_of_its_keys_and_its_result_is_merged",
    "test_a_table_that_is_dropped_and_made_again_is_another",
    "test_a_write_on_an_older_version_conflicts[delta-merge]",
    "test_a_write_on_an_older_version_conflicts[iceberg-overwrite]",
    "test_an_append_only_table_takes_appends_alone",
    "test_columns_that_must_not_be_null",
    "test_files_are_listed_by_partition",
    "test_files_that_nobody_needs_are_removed",
    "test_keys_that_are_twice_in_the_batch_are_named",
    "test_of_two_creations_one_wins",
    "test_of_two_loads_of_one_flow_at_once_one_wins[delta-append]",
    "test_of_two_loads_of_one_flow_at_once_one_wins[iceberg-append]",
    "test_rows_that_break_a_rule_are_refused[merge]",
    "test_widening_loses_no_generated_column[append]",
}
"""What no load of a document shows (`tests/test_spark_loads.py`)."""

THROUGH_CONNECT = {
    "test_a_rebuild_gets_the_rows_of_its_keys_and_its_result_is_merged",
    "test_a_table_that_is_dropped_and_made_again_is_another",
    "test_a_write_on_an_older_version_conflicts[iceberg-overwrite]",
    "test_files_are_listed_by_partition",
    "test_files_that_nobody_needs_are_removed",
    "test_keys_that_are_twice_in_the_batch_are_named",
    "test_of_two_loads_of_one_flow_at_once_one_wins[delta-append]",
    "test_rows_that_break_a_rule_are_refused[merge]",
}
"""What sessions of a server could do otherwise: keep rows, have settings and views, say errors, run side by side."""


@translated()
def read_by_spark(frame: object) -> pa.Table:
    return frame.toArrow()  # type: ignore[attr-defined] # of Spark


class OnSpark(TableSuite):
    chosen: ClassVar[set[str]]
    spark: ClassVar[str]
    gaps: ClassVar[Mapping[str, Gap]] = {
        "test_filters_find_rows_whose_bounds_were_cut[iceberg]": Gap(
            "Iceberg leaves out files that have NaN alone, which is larger than all numbers in Spark", AssertionError
        )
    }

    @pytest.fixture
    def engine(self, request: pytest.FixtureRequest) -> SparkEngine:
        if not ALL and not self.chosen & {request.node.name, request.node.originalname}:
            pytest.skip("DATACOOLIE_SPARK_TABLES is not all")
        engine: SparkEngine = request.getfixturevalue(self.spark)
        engine.sessions.renew()  # each test has a catalog of its own, of the same name
        return engine

    @pytest.fixture
    def read(self) -> Read:
        return read_by_spark


class TestTables(OnSpark):
    chosen = ALWAYS
    spark = "spark_engine"


class TestConnectTables(OnSpark):
    chosen = THROUGH_CONNECT
    spark = "spark_connect_engine"
