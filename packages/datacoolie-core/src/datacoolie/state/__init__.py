"""The load state of dataflows: marks, the store, leases, and commits into folders of flat files."""

from datacoolie.state.history import Change, History
from datacoolie.state.lease import HeldLease, LeaseHeldError, LeaseKeeper, LeaseLostError, live_run, may_be_unlocked
from datacoolie.state.model import Lease, LoadState, Mark, UnknownStateVersionError
from datacoolie.state.store import BaseStateStore, PlatformStateStore, Stored, kept_private

__all__ = [
    "BaseStateStore",
    "Change",
    "HeldLease",
    "History",
    "Lease",
    "LeaseHeldError",
    "LeaseKeeper",
    "LeaseLostError",
    "LoadState",
    "Mark",
    "PlatformStateStore",
    "Stored",
    "UnknownStateVersionError",
    "kept_private",
    "live_run",
    "may_be_unlocked",
]
