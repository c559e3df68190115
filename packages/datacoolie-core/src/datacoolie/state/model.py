"""What is saved of a dataflow: its mark, its number, and who is loading it. Frozen records and their JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self, cast

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.marks import Json, decode_value, encode_value
from datacoolie.state.shapes import json_field, json_object, json_time, json_typed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SCHEMA_VERSION = 1
"""Version of the state's JSON; raised when a field changes its meaning or goes away."""


class UnknownStateVersionError(ConfigurationError):
    """A state was written by another version of the framework, in a form that this one can't read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Up to where a flow has loaded its source.

    Attributes:
        values: the largest value loaded, by watermark column; `None` where no row had any.
        position: JSON data of the source's own: a fingerprint of its files, a table version.
    """

    values: Mapping[str, object] = field(default_factory=dict)
    position: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """Return JSON data, from which `from_json` makes an equal mark.

        Raises:
            WatermarkError: a value has a type that no watermark can have.
        """
        values: dict[str, Json] = {name: encode_value(value) for name, value in self.values.items()}
        return {"values": values, "position": cast("Json", dict(self.position))}

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read what `to_json` returned.

        Raises:
            WatermarkError: a value is not one of a watermark.
            ValueError: the data has another shape.
        """
        found = json_object(data, "a mark")
        values = json_object(json_field(found, "values"), "values")
        return cls(
            values={name: decode_value(value) for name, value in values.items()},
            position=json_object(json_field(found, "position"), "position"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who is loading a flow, and for how long the others have to believe it.

    Attributes:
        run_id: the run.
        host: name of the machine.
        pid: process on that machine.
        process_started: when the process started, as the system says; tells it from a later one with its pid.
        boot_id: which boot of the machine; `None` where the system has no such id.
        pid_namespace: in which namespace the pid counts; `None` where the system has none.
        acquired_at: UTC.
        expires_at: UTC.
    """

    run_id: str
    host: str
    pid: int
    process_started: str | None = None
    boot_id: str | None = None
    pid_namespace: str | None = None
    acquired_at: datetime
    expires_at: datetime

    def to_json(self) -> dict[str, Json]:
        """Return JSON data, times as ISO 8601 text."""
        return {
            "run_id": self.run_id,
            "host": self.host,
            "pid": self.pid,
            "process_started": self.process_started,
            "boot_id": self.boot_id,
            "pid_namespace": self.pid_namespace,
            "acquired_at": self.acquired_at.isoformat(),
            "expires_at": self.expires_at.isoformat(),
        }

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read what `to_json` returned.

        Raises:
            ValueError: the data has another shape.
        """
        found = json_object(data, "a lease")
        return cls(
            run_id=json_typed(found, "run_id", str),
            host=json_typed(found, "host", str),
            pid=json_typed(found, "pid", int),
            process_started=json_typed(found, "process_started", (str, type(None))),
            boot_id=json_typed(found, "boot_id", (str, type(None))),
            pid_namespace=json_typed(found, "pid_namespace", (str, type(None))),
            acquired_at=json_time(found, "acquired_at"),
            expires_at=json_time(found, "expires_at"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadState:
    """The load state of one dataflow: a cache of what its destination says, and a lease.

    Attributes:
        dataflow_id: identity of the flow.
        name: its name when this was saved.
        epoch: raised by each reset.
        seq: number of the last load, counted over all epochs; 0 before the first.
        mark: up to where it has loaded; `None` before the first load and after a reset.
        destination: identity of the table that was loaded into; `None` when any is fine.
        replay: JSON data about the last replay: its range, and up to where it is done.
        lease: who is loading the flow.
        updated_at: when this was saved, UTC.
    """

    dataflow_id: str
    name: str
    epoch: int = 1
    seq: int = 0
    mark: Mark | None = None
    destination: str | None = None
    replay: Mapping[str, object] | None = None
    lease: Lease | None = None
    updated_at: datetime | None = None

    def with_lease(self, lease: Lease | None, now: datetime) -> Self:
        """Return the same state under another lease (or none), saved `now`."""
        return replace(self, lease=lease, updated_at=now)

    def to_bytes(self) -> bytes:
        """Return the state as JSON text in UTF-8.

        Raises:
            WatermarkError: a value of the mark has a type that no watermark can have.
        """
        data = {
            "schema_version": SCHEMA_VERSION,
            "dataflow_id": self.dataflow_id,
            "name": self.name,
            "epoch": self.epoch,
            "seq": self.seq,
            "mark": self.mark and self.mark.to_json(),
            "destination": self.destination,
            "replay": self.replay,
            "lease": self.lease and self.lease.to_json(),
            "updated_at": self.updated_at and self.updated_at.isoformat(),
        }
        return json.dumps(data, ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, text: bytes) -> Self:
        """Read what `to_bytes` returned.

        Raises:
            UnknownStateVersionError: another version of the framework wrote it.
            WatermarkError: a value of the mark is not one of a watermark.
            ValueError: it is damaged: not JSON, or of another shape.
        """
        found = json_object(json.loads(text), "a state")
        version = json_typed(found, "schema_version", int)
        if version != SCHEMA_VERSION:
            message = (
                f"The state has schema version {version}; this version of datacoolie-core knows {SCHEMA_VERSION}. "
                "Run with the version that wrote it, or a newer one."
            )
            raise UnknownStateVersionError(message, {"schema_version": version})
        mark, lease, replay = (json_field(found, name) for name in ("mark", "lease", "replay"))
        return cls(
            dataflow_id=json_typed(found, "dataflow_id", str),
            name=json_typed(found, "name", str),
            epoch=json_typed(found, "epoch", int),
            seq=json_typed(found, "seq", int),
            mark=None if mark is None else Mark.from_json(mark),
            destination=json_typed(found, "destination", (str, type(None))),
            replay=None if replay is None else json_object(replay, "replay"),
            lease=None if lease is None else Lease.from_json(lease),
            updated_at=None if json_field(found, "updated_at") is None else json_time(found, "updated_at"),
        )
