"""What the framework logs as a warning, printed as one line while a command runs."""

from __future__ import annotations

import logging
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
        click.echo(redact(f"{record.levelname.lower()}: {record.getMessage()}"), err=True)


@contextmanager
def warnings_shown() -> Iterator[logging.Handler]:
    """Print warnings and errors that are logged meanwhile; yields the handler that does."""
    logger, handler = logging.getLogger("datacoolie"), _OneLine(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
