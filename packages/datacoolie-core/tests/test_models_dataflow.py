from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from datacoolie.core.models import (
    Backward,
    ChunkInterval,
    Connection,
    DataFlow,
    Destination,
    LoadType,
    PartitionColumn,
    RangeBound,
    RangeParam,
    RunSettings,
    SchemaHint,
    Source,
    SourceSettings,
    Transform,
    TrimRule,
    parse_duration,
)
from datacoolie.core.types import DecimalType, IntegerType, TimestampType


def flow(**fields: object) -> DataFlow:
    ends = {"source": {"connection": "a", "table": "t"}, "destination": {"connection": "b", "table": "t"}}
    return DataFlow.model_validate({"name": "f", **ends, **fields})


def test_a_flow_with_nothing_but_what_is_required() -> None:
    made = flow()
    assert made.dataflow_id == "21390124-5f32-5567-bc18-9b18bec6e939"
    assert (made.source.connection_name, made.destination.connection_name) == ("a", "b")
    assert made.destination.load_type is LoadType.APPEND
    assert made.transform.system_columns is True
    assert made.is_active is True


def test_a_renamed_flow_keeps_its_id() -> None:
    assert flow(name="new", previous_name="f").dataflow_id == flow().dataflow_id
    assert flow(name="new").dataflow_id != flow().dataflow_id


def test_a_flow_without_name_is_called_by_its_id() -> None:
    made = flow(name=None, dataflow_id="17")
    assert (made.name, made.dataflow_id) == ("17", "17")


def test_null_is_the_default() -> None:
    assert flow(transform=None, depends_on=None, is_active=None, group_number=None, configure=None) == flow()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        ('["a", "b"]', ["a", "b"]),
        ("a, b", ["a", "b"]),
        ("a", ["a"]),
        ("", []),
        (None, []),
    ],
)
def test_forms_of_a_list(written: object, expected: list[str]) -> None:
    assert flow(depends_on=written).depends_on == expected


def test_forms_of_partition_columns_and_rules() -> None:
    def partitions(written: object) -> list[PartitionColumn]:
        return Destination.model_validate(
            {"connection": "b", "table": "t", "partition_columns": written}
        ).partition_columns

    month = PartitionColumn(column="m", expression="month(d)")
    assert partitions(["y", {"column": "m", "expression": "month(d)"}]) == [PartitionColumn(column="y"), month]
    assert partitions('[{"column": "m", "expression": "month(d)"}]') == [month]
    assert partitions({"column": "m", "expression": "month(d)"}) == [month]
    rules = Transform.model_validate({"value_rules": {"operation": "trim", "columns": "a,b"}}).value_rules
    assert rules == [TrimRule(operation="trim", columns=["a", "b"])]


def test_json_text_for_maps() -> None:
    source = Source.model_validate({"connection": "a", "configure": '{"backward_days": 3}', "secrets_ref": "{}"})
    assert source.configure == {"backward_days": 3}
    assert source.settings.look_back == Backward(days=3)


def test_an_inline_connection() -> None:
    source = Source.model_validate({"connection": {"name": "x", "format": "csv"}, "table": "t"})
    assert isinstance(source.connection, Connection)
    assert source.connection_name == "x"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"backward_months": 1, "backward_days": 2}, Backward(months=1, days=2)),
        ({"backward": {"closing_day": 5}}, Backward(closing_day=5)),
        ({"backward": '{"hours": 4}'}, Backward(hours=4)),
        ({"backward_closing_day": 5}, Backward(closing_day=5)),
        ({}, None),
    ],
)
def test_look_backs(written: dict[str, object], expected: Backward | None) -> None:
    assert SourceSettings.model_validate(written).look_back == expected


def test_older_keys_of_api_windows_are_read_as_the_new_one() -> None:
    old = SourceSettings.model_validate(
        {
            "watermark_param_mapping": {"updated_at": "since"},
            "watermark_to_param": "until",
            "watermark_param_location": "body",
            "watermark_param_format": "date",
        }
    )
    new = SourceSettings.model_validate(
        {
            "range_param_mapping": {
                "updated_at": {
                    "lower": {"name": "since", "location": "body"},
                    "upper": {"name": "until", "location": "body"},
                    "format": "date",
                }
            }
        }
    )
    bounds = RangeBound(name="since", location="body"), RangeBound(name="until", location="body")
    assert old.range_params == {"updated_at": RangeParam(lower=bounds[0], upper=bounds[1], format="date")}
    assert new.range_params == old.range_params


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ({"backward_days": 1, "backward": {"days": 1}}, "backward and backward_days say the same thing"),
        ({"backward_closing_day": 1, "backward_days": 1}, "backward_closing_day can't be combined"),
        ({"backward": {"closing_day": 1, "days": 1}}, "closing_day can't be combined"),
        ({"watermark": {"lag": "15 minutes"}}, "is not a duration"),
        ({"pagination_type": "cursor", "cursor_path": "a"}, "pagination_type 'cursor' needs cursor_param"),
        ({"watermark_to_param_timezone": "Mars/Olympus"}, "is not a time zone"),
        ({"range_param_mapping": {"a": {}}}, "needs lower, upper or both"),
        (
            {"range_param_mapping": {"a": {"lower": {"name": "x"}}}, "watermark_param_mapping": {"a": "x"}},
            "exclude each other",
        ),
    ],
)
def test_settings_of_a_source_that_contradict_each_other(written: dict[str, object], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        SourceSettings.model_validate(written)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ({"rename_columns": {"a": "x", "b": "X"}}, "gives two columns the name 'X'"),
        ({"rename_columns": {"a": "b", "b": "c"}}, "renames 'a' to 'b', which is renamed itself"),
        ({"rename_columns": {"a": "b", "b": "a"}}, "renames 'a' to 'b', which is renamed itself"),
        ({"rename_columns": {"a": ""}}, "gives 'a' an empty name"),
        ({"select_columns": "a", "drop_columns": "b"}, "exclude each other"),
        (
            {"masking_rules": [{"method": "nullify", "columns": "A"}, {"method": "redact", "columns": "b,a"}]},
            "mask the column 'a' twice",
        ),
        ({"hash_columns": {"target_column": "h", "columns": []}}, "columns must name at least one"),
        ({"value_rules": {"operation": "trim", "columns": []}}, "must name at least one column"),
        ({"filter_expression": {"polars": ""}}, "is not an expression"),
    ],
)
def test_transforms_that_mean_nothing(written: dict[str, object], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Transform.model_validate(written)


def test_a_rename_may_change_the_case_alone() -> None:
    assert Transform(rename_columns={"Name": "name"}).rename_columns == {"Name": "name"}


def test_types_of_schema_hints() -> None:
    def kind(**fields: object) -> object:
        return SchemaHint.model_validate({"column_name": "c", **fields}).type

    assert kind(data_type="INTEGER") == IntegerType()
    assert kind(data_type="DATETIME") == TimestampType()
    assert kind(data_type="NUMERIC", precision=12, scale=2) == DecimalType(12, 2)
    assert kind(data_type="decimal(12,2)") == DecimalType(12, 2)
    with pytest.raises(ValidationError, match="precision and scale belong to data_type decimal"):
        kind(data_type="int", precision=3)
    with pytest.raises(ValidationError, match="precision is 1 to 38"):
        kind(data_type="decimal", precision=39)
    with pytest.raises(ValidationError, match="is not a data type"):
        kind(data_type="strng")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1s", timedelta(seconds=1)),
        ("1h 30m", timedelta(minutes=90)),
        ("0.5d", timedelta(hours=12)),
        ("0", timedelta()),
    ],
)
def test_durations(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "5", "m", "5 minutes", "-1s", "1s!", "1y"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_run_settings() -> None:
    settings = RunSettings.model_validate(
        {"replay": {"start": "2024-01-01", "end": "2024-02-01", "chunk_interval": {"days": 1}}}
    )
    assert (settings.max_workers, settings.retry_delay, settings.retention_hours) == (8, 5, 168)
    assert settings.replay is not None
    assert settings.replay.chunk_interval == ChunkInterval(days=1)
    with pytest.raises(ValidationError, match="job_index 2 must be below job_num 2"):
        RunSettings(job_num=2, job_index=2)
    with pytest.raises(ValidationError, match="needs exactly one of years"):
        ChunkInterval(days=1, hours=2)


def test_settings_change_with_configure() -> None:
    source = Source.model_validate({"connection": "a", "configure": {"page_size": 5}})
    assert source.settings.page_size == 5
    assert source.with_configure({"page_size": 6}).settings.page_size == 6
    assert source.settings.page_size == 5
