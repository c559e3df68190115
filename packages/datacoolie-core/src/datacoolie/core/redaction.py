"""The one redactor that everything printed, logged, recorded or raised goes through.

It knows the secret values registered in this process and the forms in which they turn up (`secret_forms`). Each
occurrence becomes `***`.
"""

from __future__ import annotations

import functools
import json
import logging
import traceback
from threading import Lock
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

from datacoolie.core.secret_forms import ESCAPING, Finder, escaped_forms, plain_forms

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

MASK = "***"
"""What stands in place of a secret."""


class _Secrets:
    """The registered values, and what finds their forms; those that few texts can hold are made when one can."""

    def __init__(self) -> None:
        self.values: set[str] = set()
        self._finder = Finder()
        self._without_escaped: list[str] = []
        self._lock = Lock()

    def add(self, values: tuple[str, ...]) -> None:
        with self._lock:
            for value in set(filter(None, values)) - self.values:
                self._finder.add(plain_forms(value))
                self._without_escaped.append(value)
                self.values.add(value)

    def finder_for(self, text: str) -> Finder:
        if self._without_escaped and ESCAPING.search(text):
            with self._lock:
                for value in self._without_escaped:
                    self._finder.add(escaped_forms(value))
                self._without_escaped = []
        return self._finder

    def snapshot(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self.values)


_secrets = _Secrets()


def register_secret_values(*values: str) -> None:
    """Have `values` masked from now on in this process; empty strings are left out.

    A value of fewer than four characters is masked only where it stands as a word of its own.
    """
    _secrets.add(values)


def get_registered_secret_values() -> frozenset[str]:
    """Return a snapshot of all registered secret values."""
    return _secrets.snapshot()


def redact(text: str) -> str:
    """Return `text` with every form of every registered secret replaced by `***`."""
    return _secrets.finder_for(text).replace(text, MASK) if _secrets.values else text


def redact_data(data: object) -> object:
    """Return JSON-like `data` with all text in it redacted, keys of dicts too.

    Dicts, lists and tuples are copied. Another object becomes its redacted text when its text holds a secret.
    """
    if isinstance(data, str):
        return redact(data)
    if data is None or isinstance(data, int | float) or not _secrets.values:
        return data
    if isinstance(data, dict):
        return {redact_data(key): redact_data(value) for key, value in data.items()}
    if isinstance(data, list):
        return [redact_data(item) for item in data]
    if isinstance(data, tuple):
        return tuple(redact_data(item) for item in data)
    text = f"{data}"
    redacted = redact(text)
    return data if redacted == text else redacted


def redacted_json(data: object) -> str:
    """Return `data` as one line of JSON without secrets; what is no JSON is written as its text."""
    text = json.dumps(data, default=str)
    return text if redact(text) == text else json.dumps(redact_data(data), default=str)


class RedactingFilter(logging.Filter):
    """Redacts log records in place: message, arguments, traceback, stack and what `extra` added.

    Add it to handlers, not to loggers: a logger's filters don't see the records of its children.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact `record` and let it pass.

        The message is rendered, so `args` is empty afterwards. A traceback that holds a secret is kept as text in
        `exc_text`, and `exc_info` is dropped, from which a formatter would print the secret again.
        """
        record.msg, record.args = _rendered(record), None
        if isinstance(record.exc_info, tuple):
            traceback = logging.Formatter().formatException(record.exc_info)
            if redact(traceback) != traceback:
                record.exc_info, record.exc_text = None, traceback
        for name, value in vars(record).items():
            if name != "exc_info":
                setattr(record, name, redact_data(value))
        return True


def _rendered(record: logging.LogRecord) -> str:
    """Return the record's message; if the arguments don't fit it, both, for logging would report them unmasked."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args!r}"


def get_logger(name: str) -> logging.Logger:
    """Return the logger of a module of the framework: what it logs is redacted, whoever's handler prints it."""
    logger = logging.getLogger(name)
    if not any(isinstance(each, RedactingFilter) for each in logger.filters):
        logger.addFilter(RedactingFilter())
    return logger


class HiddenError(Exception):
    """Stands in a chain of exceptions for another one, whose text held a secret; says the same without it."""


def secrets_hidden(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function: what it raises has no secret in its text, its notes and its chain of causes."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with _Hiding() as hiding:
            return function(*args, **kwargs)
        # Not while the other one is handled, of which it would remind in its context.
        raise hiding.stand_in

    return wrapper


class _Hiding:
    """Holds back an exception that gives a secret away, and has what to raise in its place."""

    stand_in: BaseException

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if not isinstance(error, Exception):
            return False
        self.stand_in = _hidden(error)
        return self.stand_in is not error


def _hidden(error: BaseException) -> BaseException:
    """Return `error`, or what says the same without secrets; its causes are replaced where they have to be."""
    cause, context, suppressed = error.__cause__, error.__context__, error.__suppress_context__
    shown = _stand_in(error) if _gives_away(error) else error
    shown.__cause__ = cause and _hidden(cause)
    shown.__context__ = context and _hidden(context)
    shown.__suppress_context__ = suppressed
    return shown


def _gives_away(error: BaseException) -> bool:
    text = "".join([*traceback.format_exception_only(error), repr(error)])
    return redact(text) != text


def _stand_in(error: BaseException) -> HiddenError:
    notes = getattr(error, "__notes__", ())
    text = redact("\n".join([f"{type(error).__name__}: {error}", *map(str, notes)]))
    return HiddenError(text).with_traceback(error.__traceback__)
