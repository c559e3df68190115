"""What an error of Spark means: which side failed, why, and what to do."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import ArithmeticException, DateTimeException, NumberFormatException, PySparkException
from pyspark.errors.exceptions.captured import CapturedException

from datacoolie.core.exceptions import (
    DataCoolieError,
    DestinationError,
    EngineError,
    ErrorClass,
    SourceError,
    TransformError,
)
from datacoolie.engines import CommitConflictError, InterruptedPassError
from datacoolie_engine_spark import faults
from datacoolie_engine_spark.jars import missing_class
from datacoolie_engine_spark.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_.]{3,})\] ?")
_END = re.compile(r"\n\s*at |\n==|\nCaused by|\n\nJVM|\n'")
_STATE = re.compile(r"\s*SQLSTATE: (\w{5})")
_CAUSE = re.compile(r"Caused by: ([\w.$]+): ([^\n]+)")
_JAVA = re.compile(r"^(?:An error occurred while calling [^\n]*\n: |\()?([\w.$]+\.[A-Z]\w*)[:)] ([^\n]*)")
_TASK = re.compile(r"Lost task [^\n]*?\): ([\w.$]+): ([^\n]*)")
_ADVICE = re.compile(
    r" If necessary set .* to bypass this error(?:, and return NULL instead)?\.?"
    r"| Use `?'?try_\w+`?'? to tolerate .*? instead\."
)
_PATH = re.compile(r"(?:\bfile |exist: |^)((?:[a-z][a-z0-9+]*:)?/[^\s:,]*)")

_CANCELLED = re.compile(r"OPERATION_CANCELED|JOB_CANCELLED|cancelled part of cancelled job|\[INTERRUPTED")
_STOPPED = re.compile(
    r"NO_ACTIVE_SESSION|SESSION_NOT_FOUND|SESSION_CLOSED|SESSION_CHANGED|stopped SparkContext"
    r"|SparkContext was shut down|No active or default Spark session|'NoneType' object has no attribute"
)
_LOST = re.compile(
    r"StatusCode\.UNAVAILABLE|failed to connect to all addresses|Connection refused|Connection reset|Socket closed"
)
_PASSING = re.compile(r"ExecutorLostFailure|FetchFailed|TimeoutException|Connection timed out")
_EXHAUSTED = re.compile(r"java\.lang\.(?:OutOfMemoryError|VirtualMachineError)")
_CONFLICT = re.compile(r"DELTA_CONCURRENT_\w+|Concurrent\w+Exception|(?:Metadata|Protocol)Changed\w*Exception")

_EVALUATING = (ArithmeticException, DateTimeException, NumberFormatException)
"""What functions of Java raise in expressions, without a name of Spark's."""

_EVALUATED = re.compile(
    r"java\.lang\.ArithmeticException|java\.time\.DateTimeException|Input byte array|Illegal base64|Last unit does"
)

_BEST_FIRST = (("22", "P0"), ("KD", "42K03"), ("",))
"""Beginnings of SQLSTATEs, most telling first: bad data, sources, and what follows from these."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What Spark says in one place: name of the error, one line, SQLSTATE."""

    condition: str
    line: str
    state: str


@contextmanager
def translated(*, target: str | None = None) -> Iterator[None]:
    """Raise what Spark raises inside as errors of the framework.

    Args:
        target: where is written to, for errors of storage.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, DataCoolieError) or not is_of_spark(error):
            raise
        raise translate(error, target=target) from error


def is_of_spark(error: BaseException) -> bool:
    """Return whether Spark, or what carries its words here, raised an error."""
    of_spark = isinstance(error, (PySparkException, Py4JError))
    return of_spark or _raised_in(error.__traceback__) in {"pyspark", "py4j", "grpc"}


def translate(error: BaseException, *, target: str | None = None) -> DataCoolieError:
    """Return the framework's error for one of Spark's; raise it `from` the original.

    `details["condition"]` is Spark's name of the error, such as `DIVIDE_BY_ZERO`, where it has one.
    """
    text = _text(error)
    if _CANCELLED.search(text):
        return InterruptedPassError("The load was interrupted")
    if found := refused(text, target) or _lost(error, text):
        return found
    said = _said(text)
    details: dict[str, object] = {"condition": said.condition or None}
    if broken := faults.blamed(text, _cause(said, text)):
        return broken
    if not said.condition and (isinstance(error, _EVALUATING) or _EVALUATED.search(text)):
        return TransformError(said.line.removeprefix("IllegalArgumentException: "), details)
    return _of_surroundings(said, text, details) or _of_state(said, text, target, details)


def _of_surroundings(said: _Said, text: str, details: dict[str, object]) -> DataCoolieError | None:
    """Return the error when neither data nor storage is at fault."""
    if _CONFLICT.search(text):
        return CommitConflictError(f"Somebody else changed the table meanwhile: {said.line}", details)
    if advice := missing_class(text):
        return EngineError(f"{said.line}. {advice}", details).classed(ErrorClass.CONFIGURATION)
    if _EXHAUSTED.search(text):
        message = f"Spark's Java process is out of memory: {said.line}. Set more, such as by spark.driver.memory"
        return EngineError(message, details).classed(ErrorClass.CONFIGURATION)
    if _PASSING.search(text):
        return EngineError(f"Spark lost a part of itself: {said.line}", details).classed(ErrorClass.TRANSIENT)
    return None


def _of_state(said: _Said, text: str, target: str | None, details: dict[str, object]) -> DataCoolieError:
    """Return the error by its SQLSTATE."""
    line = f"{said.condition}: {said.line}" if said.condition else said.line
    if said.condition.startswith(("INVALID_CONF", "CANNOT_MODIFY")):
        return EngineError(line, details).classed(ErrorClass.CONFIGURATION)
    if said.state.startswith(("22", "P0")):
        return TransformError(line, details)
    if target is not None and _concerns(text, target):
        return DestinationError(f"{target}: writing failed: {line}", {**details, "path": target})
    if said.state.startswith("KD") or said.state == "42K03":
        path = _PATH.search(said.line)
        where = path[1].rstrip(".") if path else "Reading failed"
        return SourceError(f"{where}: {_cause(said, text)}", {**details, "path": where})
    return EngineError(f"Spark can't do this: {line}", details)


def _cause(said: _Said, text: str) -> str:
    """Return the innermost cause that Java names, or what is said."""
    causes = _CAUSE.findall(text)
    if causes:
        return str(causes[-1][1])
    return f"{said.condition}: {said.line}" if said.condition else said.line


def _concerns(text: str, target: str) -> bool:
    return "No space left on device" in text or "TASK_WRITE_FAILED" in text or target.rstrip("/") in text


def _lost(error: BaseException, text: str) -> EngineError | None:
    if _STOPPED.search(text) or _is_of_stopped(error):
        message = "The Spark session was stopped while it was in use. Run again: it works in a new one"
    elif isinstance(error, Py4JNetworkError) or _LOST.search(text):
        message = "The connection to Spark is lost: its process has ended, or its server does not answer any more"
    else:
        return None
    return EngineError(message).classed(ErrorClass.TRANSIENT)


def _is_of_stopped(error: BaseException) -> bool:
    """Return whether the Spark of this process was stopped, or just is: what its jobs raise then says many things."""
    if not isinstance(error, (CapturedException, Py4JError)):
        return False
    from pyspark import SparkContext  # noqa: PLC0415 - an installation for Connect alone lacks it

    context = SparkContext._active_spark_context  # noqa: SLF001 - Python's side has no public name for it
    try:
        return context is None or context._jsc is None or context._jsc.sc().isStopped()  # noqa: SLF001
    except Py4JError:
        return True


def _said(text: str) -> _Said:
    """Return what explains most."""
    found = [_read(match[1], text[match.end() :]) for match in _CONDITION.finditer(text)]
    for states in _BEST_FIRST:
        for one in found:
            if one.state.startswith(states):
                return one
    java = _TASK.search(text) or _JAVA.match(text)
    if java:
        return _Said("", _one_line(f"{java[1].rpartition('.')[2]}: {java[2]}"), "")
    return _Said("", next((_one_line(line) for line in text.splitlines() if line.strip()), ""), "")


def _read(condition: str, rest: str) -> _Said:
    said = _END.split(rest, maxsplit=1)[0]
    state = _STATE.search(said)
    line = said[: state.start()] if state else said
    return _Said(condition.partition(".")[0], _one_line(line), state[1] if state else "")


def _one_line(text: str) -> str:
    return " ".join(_ADVICE.sub("", text).split()).rstrip(".")


def _text(error: BaseException) -> str:
    """Return all that an error says, with the causes that Java names."""
    stack = getattr(error, "getStackTrace", None)
    try:
        return "\n".join(filter(None, (str(error).strip(), stack and stack())))
    except (AssertionError, AttributeError, Py4JError):
        # Classic errors ask the process that is gone.
        return "stopped SparkContext"


def _raised_in(traceback: TracebackType | None) -> str:
    """Return the top-level package whose code raised."""
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    name: str = "" if traceback is None else traceback.tb_frame.f_globals.get("__name__", "")
    return name.partition(".")[0]
