"""The exceptions of the framework: each says what, the value, what is possible and what to do, and no secret.

Every exception has an `error_class` that tells a caller whether trying again can help.
"""

from __future__ import annotations

from enum import StrEnum
from types import MemberDescriptorType
from typing import Any, ClassVar, Self, cast

from datacoolie.core.redaction import redact, redact_data

__all__ = [
    "ConfigurationError",
    "DataCoolieError",
    "DataFlowError",
    "DestinationError",
    "EngineError",
    "ErrorClass",
    "MetadataError",
    "PipelineError",
    "PlatformError",
    "SourceError",
    "TransformError",
    "WatermarkError",
]


class ErrorClass(StrEnum):
    """What kind of fault an error is. Only `transient` and `conflict` are worth another try."""

    CONFIGURATION = "configuration"
    TRANSIENT = "transient"
    CONFLICT = "conflict"
    DATA = "data"
    UNKNOWN_OUTCOME = "unknown_outcome"


class DataCoolieError(Exception):
    """Base of all errors of the framework.

    Attributes:
        message: what happened, readable by itself.
        details: structured context for logs and run records.
        error_class: whether another try can help; set by the class, or per instance by `classed`.
    """

    default_class: ClassVar[ErrorClass] = ErrorClass.DATA

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        """Keep `message` and a copy of `details`, without the secrets that are known by now."""
        self.message = redact(message)
        super().__init__(self.message)
        self.details = cast("dict[str, Any]", redact_data(dict(details or {})))
        self.error_class = self.default_class

    def classed(self, error_class: ErrorClass) -> Self:
        """Set the error class of this instance and return it, for `raise X(...).classed(...)`."""
        self.error_class = error_class
        return self

    def __str__(self) -> str:
        """Return the message."""
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy with every field, whatever the constructor of a subclass takes.

        As with any exception, `__cause__` and the traceback stay behind; notes go along.
        """
        return _blank, (type(self), self.args), {**_native_fields(self), **vars(self)}


def _blank(cls: type[DataCoolieError], args: tuple[Any, ...]) -> DataCoolieError:
    """Make an instance without running its constructor; the pickled state then sets the fields."""
    error = cls.__new__(cls)
    error.args = args
    return error


def _native_fields(error: BaseException) -> dict[str, Any]:
    """Return what a builtin base or `__slots__` keeps outside of `__dict__`, such as `errno` of an `OSError`."""
    names = {
        name
        for base in type(error).__mro__
        for name, member in vars(base).items()
        if isinstance(member, MemberDescriptorType) and not name.startswith("__")
    }
    return {name: getattr(error, name) for name in sorted(names) if hasattr(error, name)}


class ConfigurationError(DataCoolieError, ValueError):
    """Configuration is invalid or missing."""

    default_class = ErrorClass.CONFIGURATION


class MetadataError(DataCoolieError, ValueError):
    """Metadata can't be loaded or is invalid."""

    default_class = ErrorClass.CONFIGURATION


class DataFlowError(DataCoolieError):
    """A dataflow failed.

    Attributes:
        dataflow_id: the flow that failed.
        stage: the stage of the load in which it did.
    """

    def __init__(
        self,
        message: str,
        dataflow_id: str | None = None,
        stage: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Keep the flow and the stage beside the message."""
        super().__init__(message, details)
        self.dataflow_id = dataflow_id
        self.stage = stage


class DestinationError(DataCoolieError):
    """Writing to a destination failed."""


class EngineError(DataCoolieError):
    """An engine (Polars, Spark) failed."""


class PipelineError(DataCoolieError):
    """A step of a pipeline failed.

    Attributes:
        partial_result: what had been collected before the failure.
    """

    def __init__(self, message: str, partial_result: Any = None, details: dict[str, Any] | None = None) -> None:  # noqa: ANN401 - the API says any
        """Keep the partial result beside the message."""
        super().__init__(message, details)
        self.partial_result = partial_result


class PlatformError(DataCoolieError, OSError):
    """A platform (local, AWS, Fabric, Databricks) failed."""


class SourceError(DataCoolieError):
    """Reading from a source failed."""


class TransformError(DataCoolieError):
    """A transformation failed."""


class WatermarkError(DataCoolieError):
    """A watermark can't be read, written or compared."""
