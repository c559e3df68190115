"""What a service is, and one that runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class MissingError(Exception):
    """A service can't be had here; the message says in one line what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that runs.

    Attributes:
        name: of its service.
        folder: all that it keeps.
        pid: its process.
        address: what clients need, by name: `url`, `port`, ...
    """

    name: str
    folder: Path
    pid: int
    address: Mapping[str, str] = field(default_factory=dict)


class Service(ABC):
    """A server that tests talk to."""

    name: ClassVar[str]

    @abstractmethod
    def start(self, folder: Path) -> Running:
        """Start a server that keeps everything in an empty folder, and wait until it answers.

        Raises:
            MissingError: it can't be had, or doesn't answer.
        """

    @abstractmethod
    def stop(self, running: Running) -> None:
        """Stop it; one that has ended already is fine."""
