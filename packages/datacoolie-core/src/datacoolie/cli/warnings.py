"""What the framework logs as a warning and what libraries warn of, printed as one line while a command runs."""

from __future__ import annotations

import logging
import threading
import traceback
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from datacoolie.core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator


class _OneLine(logging.Handler):
    """Prints to what is standard error then, which a live display may have taken over; never a traceback."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the message."""
        _say(f"{record.levelname.lower()}: {record.getMessage()}")


def _say(text: str) -> None:
    click.echo(redact(text), err=True)


@contextmanager
def warnings_shown() -> Iterator[logging.Handler]:
    """Print warnings and errors that are logged meanwhile; yields the handler that does.

    What else Python itself would print to standard error, warnings of libraries and what ends a thread, is printed
    without secrets.
    """
    logger, handler = logging.getLogger("datacoolie"), _OneLine(logging.WARNING)
    show, end_thread = warnings.showwarning, threading.excepthook
    logger.addHandler(handler)
    warnings.showwarning = lambda message, *_, **__: _say(f"warning: {message}")
    threading.excepthook = lambda ended: _say("".join(traceback.format_exception(ended.exc_value)))
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
        warnings.showwarning, threading.excepthook = show, end_thread
