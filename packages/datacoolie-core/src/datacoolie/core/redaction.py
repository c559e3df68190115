"""The one redactor that everything printed, logged or recorded goes through.

It knows the secret values registered in this process and the forms in which they turn up: as they are, URL-quoted,
base64, JSON-escaped and `repr`-escaped. Each occurrence becomes `***`.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from functools import lru_cache
from threading import Lock
from urllib.parse import quote, quote_plus

MASK = "***"
"""What stands in place of a secret."""


class _SecretValues:
    """The registered values: an immutable set, replaced as a whole, so that readers need no lock."""

    def __init__(self) -> None:
        self.values: frozenset[str] = frozenset()
        self._lock = Lock()

    def add(self, values: tuple[str, ...]) -> None:
        with self._lock:
            added = frozenset(filter(None, values)) - self.values
            if added:
                self.values |= added


_secrets = _SecretValues()


def register_secret_values(*values: str) -> None:
    """Have `values` masked from now on in this process; empty strings are left out."""
    _secrets.add(values)


def get_registered_secret_values() -> frozenset[str]:
    """Return a snapshot of all registered secret values."""
    return _secrets.values


def redact(text: str) -> str:
    """Return `text` with every form of every registered secret replaced by `***`."""
    pattern = _pattern(_secrets.values)
    return text if pattern is None else pattern.sub(MASK, text)


def redact_data(data: object) -> object:
    """Return JSON-like `data` with all text in it redacted, keys of dicts too.

    Dicts, lists and tuples are copied, other objects are returned as they are.
    """
    if isinstance(data, str):
        return redact(data)
    if isinstance(data, dict):
        return {redact_data(key): redact_data(value) for key, value in data.items()}
    if isinstance(data, list):
        return [redact_data(item) for item in data]
    if isinstance(data, tuple):
        return tuple(redact_data(item) for item in data)
    return data


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


@lru_cache(maxsize=1)
def _pattern(values: frozenset[str]) -> re.Pattern[str] | None:
    """Compile all forms of `values`, the longest first so that no tail of a longer one is left."""
    forms = {form for value in values for form in _forms(value) if form}
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile("|".join(map(re.escape, longest_first))) if forms else None


def _forms(value: str) -> set[str]:
    """Return the ways in which `value` may be written inside other text."""
    raw = value.encode("utf-8", "surrogatepass")
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return {
        value,
        value.strip(),
        quote(raw),
        quote(raw, safe=""),
        quote_plus(raw),
        *encoded,
        *(text.rstrip("=") for text in encoded),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        # With both quotes in it `repr` escapes the single ones, as it does when a secret stands inside such a text.
        repr(value + "'\"")[1:-4],
    }
