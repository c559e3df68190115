"""Changes of load states that people made: who, when, what it was and what it became. Entries are only ever added."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from datacoolie.state.names import file_name
from datacoolie.state.shapes import json_field, json_object, json_time, json_typed
from datacoolie.state.store import kept_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from datacoolie.core.marks import Json
    from datacoolie.platforms.base import BasePlatform


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a flow's state.

    Attributes:
        at: UTC.
        by: user and machine, `ann@laptop`.
        action: `set`, `reset` or `unlock`.
        before: what of the state was changed, as JSON data.
        after: the same afterwards.
    """

    at: datetime
    by: str
    action: str
    before: Mapping[str, Json]
    after: Mapping[str, Json]

    def to_json(self) -> dict[str, Json]:
        """Return JSON data, from which `from_json` makes an equal change."""
        return {
            "at": self.at.isoformat(),
            "by": self.by,
            "action": self.action,
            "before": dict(self.before),
            "after": dict(self.after),
        }

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read what `to_json` returned.

        Raises:
            ValueError: the data has another shape.
        """
        found = json_object(data, "a change")
        return cls(
            at=json_time(found, "at"),
            by=json_typed(found, "by", str),
            action=json_typed(found, "action", str),
            before=json_object(json_field(found, "before"), "before"),
            after=json_object(json_field(found, "after"), "after"),
        )


class History:
    """One file per change, `ROOT/history/DATAFLOW_ID/TIME-RANDOM.json`, never replaced; private where the platform can.

    Args:
        platform: where the files are.
        root: folder or URI of the platform.
    """

    def __init__(self, platform: BasePlatform, root: str) -> None:
        """Remember the place; nothing is read or made yet."""
        self._platform = kept_private(platform)
        self._folder = f"{root.rstrip('/')}/history"

    def record(self, dataflow_id: str, change: Change) -> None:
        """Write a change down; done before it is made, so that none is ever missing."""
        name = f"{change.at:%Y%m%d-%H%M%S-%f}-{secrets.token_hex(4)}.json"
        data = json.dumps(change.to_json(), ensure_ascii=False).encode()
        self._platform.write_if_absent(f"{self._folder}/{file_name(dataflow_id)}/{name}", data)

    def of(self, dataflow_id: str) -> tuple[Change, ...]:
        """Return a flow's changes, oldest first; files that can't be understood are left out."""
        found = []
        for file in self._platform.list(f"{self._folder}/{file_name(dataflow_id)}"):
            try:
                found.append(Change.from_json(json.loads(self._platform.read(file.path).data)))
            except (ValueError, RecursionError):
                continue
        return tuple(found)
