"""Which columns of a history mean what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datacoolie.core.columns import DELETED, HISTORY_COLUMNS, SYSTEM_COLUMNS

if TYPE_CHECKING:
    from datacoolie.core.types import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryColumns:
    """Which columns mean what, as the frame spells them.

    Attributes:
        keys: tell whose history it is.
        effective: the column that `__valid_from` was made of, when the target has it.
        track: of which a change makes a version; empty for all but `ignore`, `effective` and what a load adds.
        ignore: of which a change makes none; the first event of a version decides.
        latest: of events of one key at one time, the one that is largest by these counts.
        full_snapshot: keys that are missing from a batch are closed at the batch's latest time.
    """

    keys: tuple[str, ...]
    effective: str | None
    track: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    full_snapshot: bool = False

    def spelled(self, schema: Schema) -> HistoryColumns:
        """Return the same columns as a schema spells them, which may be in another case."""

        def found(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(spelled_as(name, schema) or name for name in names)

        return replace(
            self,
            keys=found(self.keys),
            effective=None if self.effective is None else found((self.effective,))[0],
            track=found(self.track),
            ignore=found(self.ignore),
            latest=found(self.latest),
        )

    def tracked(self, schema: Schema) -> list[str]:
        """Return the columns of which a change makes a version."""
        if self.track:
            return [name for name in schema if name in self.track]
        other = {*self.keys, *self.ignore, self.effective, *HISTORY_COLUMNS, *SYSTEM_COLUMNS, DELETED}
        return [name for name in schema if name not in other]

    def untracked(self, schema: Schema) -> list[str]:
        """Return the other columns that come from the source."""
        other = {*self.keys, *self.tracked(schema), *HISTORY_COLUMNS, *SYSTEM_COLUMNS, DELETED}
        return [name for name in schema if name not in other]


def spelled_as(name: str, schema: Schema) -> str | None:
    """Return the column of this name, in any case."""
    return name if name in schema else next((known for known in schema if known.lower() == name.lower()), None)
