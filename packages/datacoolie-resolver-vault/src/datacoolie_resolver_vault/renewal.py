"""What Vault lent for a while, a token or credentials, kept alive in the background while it is in use."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DataCoolieError, ErrorClass
from datacoolie.core.redaction import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

_log = get_logger(__name__)

_SHARE = 1 / 2
"""After this share of its time something is renewed."""

_PAUSE = 1.0
"""Seconds before a renewal that failed for now is tried again."""


@dataclass(kw_only=True, eq=False)
class Loan:
    """Something lent.

    Attributes:
        what: in words, for messages.
        seconds: for how long, from when it was lent or renewed last.
        renew: asks for more time, and returns for how many seconds it got it.
        until: when it ends, by the monotonic clock.
        due: when it is to be renewed.
    """

    what: str
    seconds: float
    renew: Callable[[], float]
    until: float = 0.0
    due: float = 0.0

    def __post_init__(self) -> None:
        """Begin now."""
        self.extend(self.seconds)

    @property
    def valid(self) -> bool:
        """Whether it has not ended."""
        return time.monotonic() < self.until

    def extend(self, seconds: float) -> None:
        """Count from now on."""
        now = time.monotonic()
        self.until, self.due = now + seconds, now + seconds * _SHARE


class Renewals:
    """Renews loans by a thread, which runs while there are any."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._loans: list[Loan] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, loan: Loan) -> None:
        """Renew something from now on."""
        with self._changed:
            self._loans.append(loan)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="datacoolie-vault", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def remove(self, loan: Loan) -> None:
        """Let it end."""
        with self._changed:
            self._loans = [each for each in self._loans if each is not loan]
            self._changed.notify_all()

    def close(self) -> None:
        """Let everything end, and wait for the thread."""
        with self._changed:
            self._loans.clear()
            self._changed.notify_all()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while (loan := self._next()) is not None:
            renew(loan)
            if not loan.valid or loan.due == float("inf"):
                self.remove(loan)

    def _next(self) -> Loan | None:
        """Wait until something is due and return it; nothing when nothing is left."""
        with self._changed:
            while self._loans:
                loan = min(self._loans, key=lambda each: each.due)
                wait = loan.due - time.monotonic()
                if wait <= 0:
                    return loan
                self._changed.wait(wait)
            self._thread = None
            return None


def renew(loan: Loan) -> bool:
    """Renew something, and return whether it goes on; it is given up when Vault refuses."""
    try:
        seconds = loan.renew()
    except DataCoolieError as error:  # of Vault, or of what a new login needs
        if error.error_class is ErrorClass.TRANSIENT:
            loan.due = time.monotonic() + _PAUSE
            return loan.valid
        _log.warning("%s was not renewed: %s", loan.what, error.message)
        loan.until, loan.due = time.monotonic(), float("inf")
        return False
    loan.extend(seconds)
    return True
