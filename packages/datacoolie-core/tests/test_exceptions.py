from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from datacoolie.core.exceptions import (
    ConfigurationError,
    DataCoolieError,
    DataFlowError,
    DestinationError,
    EngineError,
    ErrorClass,
    MetadataError,
    PipelineError,
    PlatformError,
    SourceError,
    TransformError,
    WatermarkError,
)

SIMPLE = [
    ConfigurationError,
    DataCoolieError,
    DestinationError,
    EngineError,
    MetadataError,
    PlatformError,
    SourceError,
    TransformError,
    WatermarkError,
]


class SlottedError(PlatformError, KeyError):
    """A subclass as a plugin may write it: another constructor, slots, two builtin bases."""

    __slots__ = ("bucket", "never_set")

    def __init__(self, bucket: str, *, attempts: int) -> None:
        super().__init__(f"Bucket {bucket!r} is gone", {"bucket": bucket})
        self.bucket = bucket
        self.attempts = attempts


def pickled(error: DataCoolieError) -> Any:  # noqa: ANN401 - of the type that went in
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - what was pickled just now


@pytest.mark.parametrize("kind", SIMPLE)
def test_message_and_details(kind: type[DataCoolieError]) -> None:
    details = {"table": "flights"}
    error = kind("No such table", details)
    details["table"] = "changed later"
    assert isinstance(error, DataCoolieError)
    assert (error.message, str(error), error.details) == ("No such table", "No such table", {"table": "flights"})
    assert kind(message="by keyword").details == {}
    assert repr(kind("No such table", details)) == f"{kind.__name__}('No such table')"


@pytest.mark.parametrize("kind", SIMPLE)
def test_pickled_and_copied_with_message_details_class_and_notes(kind: type[DataCoolieError]) -> None:
    error = kind("No such table", {"rows": [1, 2]}).classed(ErrorClass.TRANSIENT)
    error.add_note("seen twice")
    for same in (pickled(error), copy.copy(error), copy.deepcopy(error)):
        assert type(same) is kind
        assert (str(same), same.args) == ("No such table", ("No such table",))
        assert (same.details, same.error_class) == ({"rows": [1, 2]}, ErrorClass.TRANSIENT)
        assert same.__notes__ == ["seen twice"]


def test_a_dataflow_error_pickles_with_flow_and_stage() -> None:
    error = pickled(DataFlowError("failed", "id-1", "write", {"rows": 3}))
    assert (error.message, error.dataflow_id, error.stage, error.details) == ("failed", "id-1", "write", {"rows": 3})
    assert (DataFlowError("x").dataflow_id, DataFlowError("x").stage) == (None, None)


def test_a_pipeline_error_pickles_with_what_it_had() -> None:
    error = pickled(PipelineError("failed", ("read", 3), {"step": 2}))
    assert (error.partial_result, error.details) == (("read", 3), {"step": 2})
    assert PipelineError("x").partial_result is None


def test_a_platform_error_pickles_with_what_an_oserror_keeps() -> None:
    error = PlatformError("disk full")
    error.errno, error.filename, error.strerror = 28, "/data/part-0", "No space left on device"
    same = pickled(error)
    assert (same.errno, same.filename, same.strerror) == (28, "/data/part-0", "No space left on device")
    assert str(same) == "disk full"


def test_a_subclass_with_slots_and_another_constructor_pickles() -> None:
    same = pickled(SlottedError("raw", attempts=3))
    assert (str(same), same.bucket, same.attempts, same.details) == (
        "Bucket 'raw' is gone",
        "raw",
        3,
        {"bucket": "raw"},
    )
    assert isinstance(same, OSError)
    assert isinstance(same, KeyError)
    assert not hasattr(same, "never_set")


def test_pickling_leaves_the_cause_where_it_is() -> None:
    error = ConfigurationError("No region")
    error.__cause__ = cause = KeyError("region")
    assert pickled(error).__cause__ is None
    assert error.__cause__ is cause


@pytest.mark.parametrize(
    ("kind", "builtin", "error_class"),
    [
        (ConfigurationError, ValueError, ErrorClass.CONFIGURATION),
        (MetadataError, ValueError, ErrorClass.CONFIGURATION),
        (PlatformError, OSError, ErrorClass.DATA),
        (SourceError, Exception, ErrorClass.DATA),
    ],
)
def test_builtin_bases_and_error_classes(
    kind: type[DataCoolieError], builtin: type[Exception], error_class: ErrorClass
) -> None:
    assert issubclass(kind, builtin)
    assert kind("x").error_class == error_class


def test_classing_an_error_changes_that_one_only() -> None:
    error = SourceError("busy").classed(ErrorClass.CONFLICT)
    assert error.error_class == ErrorClass.CONFLICT
    assert SourceError("busy").error_class == ErrorClass.DATA
