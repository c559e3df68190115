"""The lease of a dataflow: one run at a time, wherever it runs, and no waiting for the dead.

A lease is part of the stored load state and changes by the same compare-and-swap, so taking it, keeping it and giving
it back together with a new mark are one write each.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from datacoolie.core.exceptions import ConfigurationError, DataCoolieError, ErrorClass, PlatformError
from datacoolie.core.redaction import get_logger
from datacoolie.state.model import Lease, LoadState
from datacoolie.state.process import ProcessIdentity, is_alive, is_dead, this_process

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from datacoolie.state.store import BaseStateStore, Stored

DEFAULT_TTL = 60.0
"""Seconds for which a lease is believed without being renewed."""

_LONGEST = timedelta(days=1)
"""A lease that ends later than this was written under a wrong clock."""

_TRIES = 20
"""How often a lease is judged again because its state changed at the same moment."""

_log = get_logger(__name__)


class LeaseHeldError(DataCoolieError):
    """Another run is loading the flow.

    Attributes:
        lease: who holds it, since when and until when.
    """

    default_class = ErrorClass.CONFLICT

    def __init__(self, state: LoadState, lease: Lease) -> None:
        """Say who holds the lease of the flow."""
        super().__init__(
            f"Dataflow {state.name!r} is being loaded by run {lease.run_id} (process {lease.pid} on {lease.host}) "
            f"since {_text(lease.acquired_at)}; its lease ends at {_text(lease.expires_at)} unless it is renewed. "
            "Wait for that run, or stop it: the flow is free when the process has ended (from another machine: when "
            "the lease has).",
            {"dataflow_id": state.dataflow_id, **lease.to_json()},
        )
        self.lease = lease


class LeaseLostError(DataCoolieError):
    """The lease ended while the flow was loaded; another run may have taken it."""

    default_class = ErrorClass.CONFLICT


class HeldLease:
    """The lease of one flow, held by this process, and the state that goes with it. Safe to use from several threads.

    As a context manager it gives the lease back at the end, unless `finish` did.
    """

    def __init__(
        self,
        store: BaseStateStore,
        state: LoadState,
        version: str,
        *,
        ttl: timedelta,
        keeper: LeaseKeeper | None = None,
    ) -> None:
        """Take over a state that was just saved as `version` with this process' lease; `LeaseKeeper.take` does."""
        self._store = store
        self._state = state
        self._version: str | None = version
        self._ttl = ttl
        self._keeper = keeper
        self._lock = threading.RLock()
        self._tried = time.monotonic()

    @property
    def state(self) -> LoadState:
        """The state as this process saved it last, with the lease."""
        return self._state

    @property
    def age(self) -> float:
        """Seconds since the lease was taken, or since it was last tried to renew it."""
        return time.monotonic() - self._tried

    def renew(self) -> None:
        """Hold the lease for its full time from now on.

        Raises:
            LeaseLostError: another run took it.
            PlatformError: the store can't be reached.
        """
        self.update(self._state)

    def renew_if_held(self) -> None:
        """Renew the lease unless it was given back or lost; raises as `renew`."""
        with self._lock:
            if self._version is not None:
                self.renew()

    def check(self) -> None:
        """Make sure, just before a commit, that no other run could have begun.

        A lease that ended while the process slept, or by a clock that was set, and that nobody took is renewed.

        Raises:
            LeaseLostError: another run took it.
            PlatformError: the store can't be reached.
        """
        with self._lock:
            lease = self._state.lease
            if self._version is None or lease is None:
                raise self._lost()
            if _is_over(lease, datetime.now(UTC)):
                self.renew()
            elif self._store.read(self._state.dataflow_id).version != self._version:
                raise self._lost()

    def update(self, state: LoadState) -> None:
        """Save a new state under the same lease, which is renewed.

        Raises:
            LeaseLostError: another run took it.
            PlatformError: the store can't be reached.
        """
        with self._lock:
            now, self._tried = datetime.now(UTC), time.monotonic()
            lease = self._state.lease and replace(self._state.lease, expires_at=now + self._ttl)
            self._save(state.with_lease(lease, now))

    def finish(self, state: LoadState) -> None:
        """Save a new state and give the lease back, in one write.

        Raises:
            LeaseLostError: another run took it; the state was not saved.
            PlatformError: the store can't be reached.
        """
        with self._lock:
            self._save(state.with_lease(None, datetime.now(UTC)))
            self._end()

    def release(self) -> None:
        """Give the lease back with the state as saved last; when that fails it simply runs out."""
        with self._lock:
            if self._version is None:
                return
            try:
                self.finish(self._state)
            except LeaseLostError:
                pass
            except PlatformError as error:
                self._end()
                _log.warning("%s: the lease was not given back, it runs out by itself: %s", self._state.name, error)

    def __enter__(self) -> Self:
        """Return the lease."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Release the lease unless it was finished."""
        self.release()

    def _save(self, state: LoadState) -> None:
        version = self._version and self._store.save(state, self._version)
        if version is None:
            raise self._lost()
        self._state, self._version = state, version

    def _lost(self) -> LeaseLostError:
        """End the lease on this side, and say who has it now."""
        self._end()
        stored = self._store.read(self._state.dataflow_id).state
        now = stored.lease if stored else None
        by = f"run {now.run_id} (process {now.pid} on {now.host}) has it" if now else "another run has had it since"
        message = (
            f"The lease of dataflow {self._state.name!r} was lost: {by}. Nothing more is written by this run; the next "
            "run starts from what was committed."
        )
        return LeaseLostError(message, {"dataflow_id": self._state.dataflow_id})

    def _end(self) -> None:
        self._version = None
        if self._keeper:
            self._keeper.forget(self)


def _nothing() -> None:
    """Do nothing about a lease that is lost: the next check of it fails."""


class LeaseKeeper:
    """Takes leases for one run and renews them in the background: one thread for all of them.

    Args:
        run_id: the run that holds the leases.
        ttl: seconds for which a lease is believed without being renewed, at most a day; it is renewed after a third.

    Raises:
        ConfigurationError: `ttl` is out of range.
    """

    def __init__(self, run_id: str, *, ttl: float = DEFAULT_TTL) -> None:
        """Hold nothing yet; the thread starts with the first lease."""
        if not 0 < ttl <= _LONGEST.total_seconds():
            message = (
                f"The time of a lease is {ttl} seconds; possible: above 0, at most {_LONGEST.total_seconds():.0f}."
            )
            raise ConfigurationError(message, {"ttl": ttl})
        self._run_id = run_id
        self._ttl = ttl
        self._held: dict[HeldLease, Callable[[], None]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def take(
        self,
        store: BaseStateStore,
        stored: Stored,
        state: LoadState,
        *,
        on_lost: Callable[[], None] = _nothing,
    ) -> HeldLease:
        """Take the lease of a flow.

        Args:
            store: where the state is.
            stored: what was read from there.
            state: the state to start with when the store has none.
            on_lost: called in another thread, and to return at once, when it is seen that another run took the lease.

        Returns:
            The lease. Its state is newer than `stored` when another run ended in between.

        Raises:
            LeaseHeldError: another run has it.
            PlatformError: the store can't be reached.
        """
        for attempt in range(_TRIES):
            if attempt:
                stored = store.read(state.dataflow_id)
            current = stored.state or state
            now = datetime.now(UTC)
            if current.lease and not _is_free(current.lease, now):
                raise LeaseHeldError(current, current.lease)
            taken = current.with_lease(self._new_lease(now), now)
            version = store.save(taken, stored.version)
            if version is not None:
                ttl = timedelta(seconds=self._ttl)
                return self._keep(HeldLease(store, taken, version, ttl=ttl, keeper=self), on_lost)
        message = f"The state of dataflow {state.name!r} changed {_TRIES} times while its lease was taken. Run again."
        raise PlatformError(message, {"dataflow_id": state.dataflow_id}).classed(ErrorClass.CONFLICT)

    def forget(self, lease: HeldLease) -> None:
        """Renew a lease no longer."""
        with self._changed:
            self._held.pop(lease, None)

    def close(self) -> None:
        """End the thread. Leases that are still held run out by themselves."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread:
            self._thread.join()

    def __enter__(self) -> Self:
        """Return the keeper."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the keeper."""
        self.close()

    def _new_lease(self, now: datetime) -> Lease:
        me = this_process()
        return Lease(
            run_id=self._run_id,
            host=me.host,
            pid=me.pid,
            process_started=me.started,
            boot_id=me.boot_id,
            pid_namespace=me.pid_namespace,
            acquired_at=now,
            expires_at=now + timedelta(seconds=self._ttl),
        )

    def _keep(self, lease: HeldLease, on_lost: Callable[[], None]) -> HeldLease:
        with self._changed:
            self._held[lease] = on_lost
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._renew_until_closed, name="datacoolie-leases", daemon=True)
                self._thread.start()
            elif len(self._held) == 1:
                self._changed.notify()
        return lease

    def _renew_until_closed(self) -> None:
        while due := self._wait():
            for lease, on_lost in due:
                try:
                    lease.renew_if_held()
                except LeaseLostError as error:
                    _log.warning(error.message)
                    on_lost()
                except PlatformError as error:
                    _log.warning("%s: the lease was not renewed and will be tried again: %s", lease.state.name, error)

    def _wait(self) -> list[tuple[HeldLease, Callable[[], None]]]:
        """Wait until leases have to be renewed and return them, and what is called for each that is lost.

        There is none when the keeper was closed.
        """
        third = self._ttl / 3
        with self._changed:
            while not self._closed:
                if due := [(lease, on_lost) for lease, on_lost in self._held.items() if lease.age >= third]:
                    return due
                self._changed.wait(third - max(lease.age for lease in self._held) if self._held else None)
        return []


def live_run(state: LoadState | None) -> str | None:
    """Return the run that is loading a flow now; `None` when there is none, or it died."""
    lease = state.lease if state else None
    return lease.run_id if lease and not _is_free(lease, datetime.now(UTC)) else None


def may_be_unlocked(lease: Lease) -> bool:
    """Whether a lease may be taken away without asking: it is over, or its holder is not known to be alive."""
    return _is_over(lease, datetime.now(UTC)) or not is_alive(_holder(lease))


def _is_free(lease: Lease, now: datetime) -> bool:
    return _is_over(lease, now) or is_dead(_holder(lease))


def _holder(lease: Lease) -> ProcessIdentity:
    return ProcessIdentity(
        host=lease.host,
        pid=lease.pid,
        started=lease.process_started,
        boot_id=lease.boot_id,
        pid_namespace=lease.pid_namespace,
    )


def _is_over(lease: Lease, now: datetime) -> bool:
    return not now < lease.expires_at <= now + _LONGEST


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
