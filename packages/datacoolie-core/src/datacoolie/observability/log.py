"""Logging: the standard library's, under `datacoolie`, without handlers until `configure_logging` is called."""

from __future__ import annotations

import json as json_format
import logging
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.redaction import RedactingFilter
from datacoolie.core.suggest import did_you_mean, listed

Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
"""Names of levels, the most talkative first."""

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_NAME = "datacoolie"
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure_logging(level: Level = "INFO", json: bool = False) -> logging.Handler:  # noqa: FBT001, FBT002 - the public signature
    """Print what `datacoolie` logs to standard error, without secrets. A second call replaces the first.

    Args:
        level: the least severe level to print.
        json: print one JSON object per line, with what `extra` added, in place of text.

    Returns:
        The handler, to change it further or to remove it.

    Raises:
        ConfigurationError: no level is called `level`.
    """
    if level not in _LEVELS:
        message = f"No log level is called {level!r}. Possible: {listed(_LEVELS)}.{did_you_mean(level, _LEVELS)}"
        raise ConfigurationError(message, {"level": level})
    logger = logging.getLogger(_NAME)
    for handler in [handler for handler in logger.handlers if handler.get_name() == _NAME]:
        logger.removeHandler(handler)
    handler = logging.StreamHandler()
    handler.set_name(_NAME)
    handler.setFormatter(
        _JsonFormatter() if json else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    handler.addFilter(RedactingFilter())
    logger.addHandler(handler)
    logger.setLevel(level)
    # Handlers of the application's root logger would print it a second time, and unredacted.
    logger.propagate = False
    return handler


class _JsonFormatter(logging.Formatter):
    """One JSON object per record, times in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        data: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        data |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info or record.exc_text:
            data["traceback"] = record.exc_text or self.formatException(record.exc_info)  # type: ignore[arg-type] # one is set
        return json_format.dumps(data, default=str, ensure_ascii=False)
