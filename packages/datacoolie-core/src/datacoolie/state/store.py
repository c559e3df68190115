"""Where load states are kept: the contract, and files of a platform."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from datacoolie.core.exceptions import WatermarkError
from datacoolie.core.redaction import get_logger
from datacoolie.platforms.base import PathNotFoundError
from datacoolie.state.model import LoadState, UnknownStateVersionError
from datacoolie.state.names import file_name

if TYPE_CHECKING:
    from datacoolie.platforms.base import BasePlatform

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a store has of a dataflow.

    Attributes:
        state: the state; `None` when there is none, or a damaged one.
        version: what `save` compares with; `None` when nothing is stored.
        damaged: something is stored that can't be read; the load rebuilds it from the destination.
    """

    state: LoadState | None
    version: str | None
    damaged: bool = False


class BaseStateStore(ABC):
    """Load states by dataflow, saved by compare-and-swap."""

    @abstractmethod
    def read(self, dataflow_id: str) -> Stored:
        """Return what is stored of a dataflow.

        Raises:
            UnknownStateVersionError: another version of the framework wrote it.
        """

    @abstractmethod
    def save(self, state: LoadState, version: str | None) -> str | None:
        """Save a state where `version` still is what is stored (`None`: nothing) and return the new version.

        Returns `None`, with nothing changed, when somebody else saved in between.
        """


@runtime_checkable
class KeepsPrivate(Protocol):
    """A platform that can keep what it writes from other users."""

    def private(self) -> BasePlatform:
        """Return the same platform, of whose new files only the owner can read."""


def kept_private(platform: BasePlatform) -> BasePlatform:
    """Return the platform, of whose new files only the owner can read where it has such."""
    return platform.private() if isinstance(platform, KeepsPrivate) else platform


class PlatformStateStore(BaseStateStore):
    """One JSON file per dataflow, `ROOT/flows/DATAFLOW_ID.json`, readable by its owner only where the platform can.

    Args:
        platform: where the files are.
        root: folder or URI of the platform.
    """

    def __init__(self, platform: BasePlatform, root: str) -> None:
        """Remember the place; nothing is read or made yet."""
        self._platform = kept_private(platform)
        self._folder = f"{root.rstrip('/')}/flows"

    def path(self, dataflow_id: str) -> str:
        """Return the path of a flow's file."""
        return f"{self._folder}/{file_name(dataflow_id)}.json"

    def read(self, dataflow_id: str) -> Stored:
        """Read and decode a flow's file; a damaged one is reported in the log and stands for no state."""
        path = self.path(dataflow_id)
        try:
            content = self._platform.read(path)
        except PathNotFoundError:
            return Stored(state=None, version=None)
        try:
            state = _decode(content.data, dataflow_id)
        except UnknownStateVersionError as error:
            message = f"{path}: {error.message}"
            raise UnknownStateVersionError(message, {**error.details, "path": path}) from error
        except (ValueError, RecursionError, WatermarkError) as error:
            _log.warning("%s is damaged (%s); the state is taken from the destination again", path, error)
            return Stored(state=None, version=content.version, damaged=True)
        return Stored(state=state, version=content.version)

    def save(self, state: LoadState, version: str | None) -> str | None:
        """Create or replace a flow's file."""
        return self._platform.write_if_match(self.path(state.dataflow_id), state.to_bytes(), version)


def _decode(data: bytes, dataflow_id: str) -> LoadState:
    state = LoadState.from_bytes(data)
    if state.dataflow_id == dataflow_id:
        return state
    message = f"it is the state of dataflow {state.dataflow_id!r}"
    raise ValueError(message)
