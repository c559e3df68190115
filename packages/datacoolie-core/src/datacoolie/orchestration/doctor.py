"""Whether everything that a project needs is there and lets it do what it has to: storage, tables, secrets."""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from datacoolie.core.exceptions import DataCoolieError, ErrorClass
from datacoolie.core.models import ConnectionType
from datacoolie.core.redaction import redact
from datacoolie.engines.places import table_ref
from datacoolie.plugins import resolver_registry, source_registry
from datacoolie.state import kept_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from datacoolie.core.models import Connection, DataFlow
    from datacoolie.orchestration.workspace import Workspace
    from datacoolie.platforms import BasePlatform

Frame = TypeVar("Frame")

MAX_SKEW = 5.0
"""Seconds that the clock of a storage may differ from the one here: leases last a minute."""

_PATHS = (ConnectionType.FILE, ConnectionType.LAKEHOUSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        subject: what was looked at: `connection lake`, `resolver vault`, `state`.
        what: what about it: `list`, `write`, `secrets`, ...
        ok: whether it is as it has to be; `None` when it was not looked at.
        detail: what was found.
        fix: what to do about a finding.
    """

    subject: str
    what: str
    ok: bool | None
    detail: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was looked at."""

    checks: tuple[Check, ...]

    @property
    def findings(self) -> tuple[Check, ...]:
        """What is not as it has to be."""
        return tuple(check for check in self.checks if check.ok is False)

    def to_json(self) -> dict[str, object]:
        """Return JSON data."""
        return {"ok": not self.findings, "checks": [asdict(check) for check in self.checks]}


class Doctor(Generic[Frame]):
    """Looks at what the flows of a project use; leaves no file behind.

    Args:
        workspace: connections, engine and platform.
        state: folder or URI of the states.
        resolvers: names of the resolvers that the project has settings for.
    """

    def __init__(self, workspace: Workspace[Frame], state: str, resolvers: Mapping[str, object]) -> None:
        """Look at nothing yet."""
        self._workspace = workspace
        self._state = state
        self._resolvers = resolvers

    def examine(self, flows: Mapping[str, DataFlow]) -> Diagnosis:
        """Look at everything that flows use."""
        return Diagnosis(tuple(self._checks(flows)))

    def _checks(self, flows: Mapping[str, DataFlow]) -> Iterator[Check]:
        for name in self._resolvers:
            yield _tried(f"resolver {name}", "settings", partial(self._made, name))
        yield from storage_checks("state", kept_private(self._workspace.platform), self._state, writes=True)
        read = {each.name: each for flow in flows.values() for each in [self._workspace.connection(flow.source)]}
        written = {
            each.name: each for flow in flows.values() for each in [self._workspace.connection(flow.destination)]
        }
        for name, connection in sorted({**read, **written}.items()):
            yield from self._connection(connection, flows, writes=name in written)
        for name, flow in flows.items():
            if flow.source.secrets_ref or flow.destination.secrets_ref:
                yield _tried(f"dataflow {name}", "secrets", partial(self._own_secrets, flow))

    def _made(self, name: str) -> str:
        self._workspace.secrets.resolver(name)
        return resolver_registry.get_class(name).__name__

    def _own_secrets(self, flow: DataFlow) -> str:
        for end in (flow.source, flow.destination):
            self._workspace.secrets.fill(end.configure, end.secrets_ref, f"Dataflow {flow.name!r}")
        return _sources(flow.source.secrets_ref, flow.destination.secrets_ref)

    def _connection(self, connection: Connection, flows: Mapping[str, DataFlow], *, writes: bool) -> Iterator[Check]:
        subject = f"connection {connection.name}"
        if connection.secrets_ref:
            check = _tried(subject, "secrets", lambda: self._fetched(connection))
            yield check
            if not check.ok:
                return
        if connection.connection_type not in _PATHS:
            yield _not_tried(subject, connection)
        elif connection.in_catalog:
            yield _tried(subject, "catalog", lambda: self._tables(connection, flows))
        else:
            connection = self._workspace.with_secrets(connection)
            yield from storage_checks(subject, self._workspace.platform, connection.location(), writes=writes)

    def _fetched(self, connection: Connection) -> str:
        self._workspace.with_secrets(connection)
        return _sources(connection.secrets_ref)

    def _tables(self, connection: Connection, flows: Mapping[str, DataFlow]) -> str:
        """Look for the tables that flows use; the catalog answers whether or not they are there."""
        ends = [end for flow in flows.values() for end in (flow.source, flow.destination)]
        names = set()
        for end in ends:
            if self._workspace.connection(end).name == connection.name and end.table:
                ref = table_ref(end, self._workspace.with_secrets(connection), self._workspace.platform)
                if self._workspace.engine.table(ref).exists:
                    names.add(ref.name)
        return f"answers; {len(names)} of the tables are there"


def storage_checks(subject: str, platform: BasePlatform, place: str, *, writes: bool) -> Iterator[Check]:
    """Try a storage: list, write, write on a condition, compare clocks; a step that fails is the last.

    Args:
        subject: what the storage is for.
        platform: whose storage it is.
        place: path or URI of a folder, which need not be there.
        writes: whether it is written to.
    """
    where = _tried(subject, "path", lambda: platform.resolve(place))
    if not where.ok:
        yield where
        return
    folder = platform.resolve(place)
    probe = f"{folder}/_datacoolie_doctor/{secrets.token_hex(8)}"
    listing = _tried(subject, "list", lambda: _listed(platform, probe, folder))
    yield listing
    if writes and listing.ok:
        yield from _writes(subject, platform, probe)


def _tried(subject: str, what: str, action: Callable[[], str]) -> Check:
    """Do something, and say how it ended."""
    try:
        return Check(subject=subject, what=what, ok=True, detail=redact(action()))
    except DataCoolieError as error:
        # A catalog's options may also be why it does not answer.
        later = error.error_class is ErrorClass.TRANSIENT and what != "catalog"
        fix = _LATER if later else _FIXES[what]
        return Check(subject=subject, what=what, ok=False, detail=error.message, fix=fix)


_LATER = "Ask again when it answers."
_FIXES = {
    "settings": "Correct the section resolvers of datacoolie.yaml.",
    "secrets": "Correct secrets_ref, or give whoever runs this the right to read the secret.",
    "catalog": "Correct catalog_options of the connection, or start the catalog.",
    "path": "Correct the path, or choose another platform.",
    "list": "Give whoever runs this the right to list it.",
    "write": "Give whoever runs this the right to create, replace and delete files there.",
    "conditional write": "Use a storage that has conditional writes: without them two runs may load at once.",
    "clock": "Have both clocks set by the network's time.",
}


def _listed(platform: BasePlatform, probe: str, place: str) -> str:
    """List a folder that nobody has: the right is the same, and what is there may be large."""
    for _ in platform.list(probe):
        break
    return f"{place} ({'there' if platform.exists(place) else 'nothing there yet'})"


def _writes(subject: str, platform: BasePlatform, probe: str) -> Iterator[Check]:
    """Write a file, look at it, and remove it with its folder."""
    write = _tried(subject, "write", lambda: platform.write(probe, b"1"))
    if not write.ok:
        yield write
        return
    try:
        yield replace(write, detail="may create, replace and delete")
        yield _tried(subject, "conditional write", lambda: _compared(platform, probe))
        yield _clock(subject, platform, probe)
    finally:
        platform.delete(probe.rpartition("/")[0])


def _compared(platform: BasePlatform, probe: str) -> str:
    """Make sure that of two writers one is refused."""
    first = platform.read(probe).version
    second = platform.write_if_match(probe, b"2", first)
    refused = platform.write_if_match(probe, b"3", first) is None and platform.write_if_absent(probe, b"4") is None
    if second is None or not refused or platform.read(probe).data != b"2":
        message = "A file that another writer had changed was replaced."
        raise DataCoolieError(message)
    return "one of two writers wins"


def _clock(subject: str, platform: BasePlatform, probe: str) -> Check:
    """Compare the time that the storage gives a new file with the one here."""
    before = time.time()
    platform.write(probe, b"5")
    found, after = platform.stat(probe), time.time()
    written = found.modified.timestamp() if found else before
    # Some storages have whole seconds only.
    skew = max(before - 1 - written, written - after, 0.0)
    detail = f"differs by {skew:.0f} s from {datetime.fromtimestamp(after, UTC):%H:%M:%S} UTC here"
    if skew > MAX_SKEW:
        return Check(subject=subject, what="clock", ok=False, detail=detail, fix=_FIXES["clock"])
    return Check(subject=subject, what="clock", ok=True, detail="agrees")


def _not_tried(subject: str, connection: Connection) -> Check:
    """Say that nobody knows whether a connection works, and who would find out."""
    kind = connection.connection_type.value
    known = connection.connection_type is ConnectionType.PLUGIN or source_registry.is_available(kind)
    asks = f"doctor does not try connections of type {kind}; datacoolie plan asks it"
    detail = asks if known else f"nothing reads from connections of type {kind} yet"
    return Check(subject=subject, what="reachable", ok=None, detail=detail)


def _sources(*references: Mapping[str, list[str]]) -> str:
    names = dict.fromkeys(source or "the platform" for each in references for source in each)
    return f"fetched from {', '.join(names)}"
