"""Loads of one case that are killed at random moments, a reader beside them, and what has to be true at each moment."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tools.crash.arena import Arena
from tools.crash.children import PATIENCE, Child, Loaded, load
from tools.crash.places import HERE, Place
from tools.crash.victims import Victim

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from random import Random

    from tools.crash.cases import Case

_LOADS_PER_TABLE = 20
"""After so many loads a case goes on with an empty table, so that first loads are killed too."""

_PAUSE = 0.02
"""Seconds between two looks of a reader, which would take the processor from the load otherwise."""

_AGAIN = 0.4
"""How often the run after a kill is killed as well."""


@dataclass(slots=True)
class Tally:
    """What was done.

    Attributes:
        case: which load type on which format.
        kills: processes that were alive when they were killed.
        committed: kills after which the load was in the table.
        loads: runs that ended by themselves and after which everything was compared.
        reads: how often a reader looked at the table.
    """

    case: str
    kills: int = 0
    committed: int = 0
    loads: int = 0
    reads: int = 0

    def add(self, other: Tally) -> None:
        """Add the counts of another case."""
        self.kills += other.kills
        self.committed += other.committed
        self.loads += other.loads
        self.reads += other.reads

    def __str__(self) -> str:
        """Return one line of a table."""
        before = self.kills - self.committed
        return f"{self.case:30}{self.kills:>7}{before:>15}{self.committed:>7}{self.loads:>7}{self.reads:>8}"


@dataclass(frozen=True, slots=True)
class Harm:
    """What must never happen.

    Attributes:
        text: in which case, and what.
    """

    text: str

    def __str__(self) -> str:
        """Return the text."""
        return self.text


class _HarmError(Exception):
    """The table holds what it must not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What loads are run by.

    Attributes:
        settings: as in a project file; the default engine when they are not given.
        usual: seconds that a first load takes, about.
        patience: seconds after which a load hangs.
        place: where tables and states are.
        victim: what is killed.
    """

    settings: Mapping[str, object] | None = None
    usual: float = 0.3
    patience: float = PATIENCE
    place: Place = HERE
    victim: Victim = field(default_factory=Victim)


DEFAULT = Engine()


def kill_often(  # noqa: PLR0913 - all of it is said by the caller
    case: Case, folder: Path, *, kills: int, rows: int, random: Random, engine: Engine = DEFAULT
) -> Tally | Harm:
    """Load batch after batch, killing so many of the runs.

    Args:
        case: what is loaded into what.
        folder: for the projects; made here.
        kills: how many processes are killed.
        rows: rows per batch.
        random: chooses the moments.
        engine: what loads are run by.
    """
    tally = Tally(case=str(case))
    try:
        while tally.kills < kills:
            arena = Arena(folder / str(tally.loads), case, rows=rows, engine=engine.settings, place=engine.place)
            usual = engine.usual
            while len(arena.batches) < _LOADS_PER_TABLE and tally.kills < kills:
                arena.land()
                again = True
                while again and tally.kills < kills:
                    _kill(arena, tally, engine, after=usual * random.uniform(0.1, 1))
                    again = random.random() < _AGAIN
                usual = _settle(arena, tally, engine)
    except (_HarmError, AssertionError) as error:
        return Harm(f"{case}: {error} ({tally.kills} kills before)")
    return tally


def _kill(arena: Arena, tally: Tally, engine: Engine, *, after: float) -> None:
    """Start a load, read the table until its time has come, and kill it, or what it works on."""
    child = _loading(arena, engine)
    end = time.monotonic() + after
    try:
        while time.monotonic() < end and child.process.is_alive():
            _look(arena, tally)
            time.sleep(_PAUSE)
        killed = engine.victim.strike(child, engine.patience)
    finally:
        child.kill()
    committed = _look(arena, tally) == len(arena.batches)
    tally.kills += killed
    tally.committed += killed and committed


def _loading(arena: Arena, engine: Engine) -> Child[Loaded]:
    return Child(load, arena.document, {**arena.place.environment, **engine.victim.environment})


def _settle(arena: Arena, tally: Tally, engine: Engine) -> float:
    """Load without a kill, compare everything and return the seconds that the load took."""
    began = time.monotonic()
    ended = _loading(arena, engine).value(engine.patience) or _loading(arena, engine).value(engine.patience)
    took = time.monotonic() - began
    if ended is None or ended.status not in {"succeeded", "skipped"}:
        message = f"the run after a kill ended with {ended}"
        raise _HarmError(message)
    if _look(arena, tally) != len(arena.batches) or arena.read_as_others() != arena.expected():
        message = f"after load {len(arena.batches)} rows are missing: they were taken for loaded"
        raise _HarmError(message)
    if arena.leftovers():
        message = f"staged files stay: {arena.leftovers()}"
        raise _HarmError(message)
    tally.loads += 1
    return took


def _look(arena: Arena, tally: Tally) -> int:
    """Read the table and return how many batches are in it."""
    tally.reads += 1
    loaded = arena.loaded()
    if loaded is None:
        found = arena.read()
        message = f"a reader saw {len(found)} rows, which are not those of {len(arena.batches)} loads or one less"
        raise _HarmError(message)
    return loaded
