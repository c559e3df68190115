"""What an engine is given to get at files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datacoolie.platforms.base import BasePlatform, Dialect
from datacoolie.platforms.local import LocalPlatform

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """How an engine gets at the files of a connection.

    Attributes:
        platform: lists, describes, reads and removes single files.
        overrides: the connection's own `storage_options`, under the names that the engine's library has.
    """

    platform: BasePlatform = field(default_factory=LocalPlatform)
    overrides: Mapping[str, str] = field(default_factory=dict, repr=False)

    def options(self, uri: str, dialect: Dialect = Dialect.OBJECT_STORE) -> dict[str, str]:
        """Return what the engine's library needs to read and write `uri`.

        Raises:
            PlatformError: there are no credentials.
        """
        return {**self.platform.storage_options(uri, dialect), **self.overrides}
