"""The load protocol as a model that is explored exhaustively: two workers, a crash, a pause, a foreign writer.

A world is a value. `successors` gives every world that one step of anybody leads to; `explore` visits all of them and
looks at each. The source has rows 1, 2, ... in this order; a mark is the number of the last row that was loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 2

LeftOut: TypeAlias = Literal["adoption", "condition", "check", "compare", "frozen window", ""]
"""A part of the protocol that a model does without."""


class Store(NamedTuple):
    """The state of the flow: `save` compares `version`. `lease` is the worker and which of its lives holds it."""

    version: int = 0
    seq: int = 0
    mark: int = 0
    lease: tuple[int, int] | None = None
    expired: bool = False


class Table(NamedTuple):
    """The destination: how often each row is in it, how many rows of the foreign writer, and the newest token."""

    version: int = 0
    seq: int = 0
    mark: int = 0
    rows: tuple[int, ...] = (0,) * ROWS
    foreign: int = 0


class Worker(NamedTuple):
    """What a worker does next, and what it remembers: its state as saved, and the table as it was opened."""

    step: str = "idle"
    runs: int = 2
    life: int = 0
    state: Store = Store()
    opened: Table = Table()
    high: int = 0


class World(NamedTuple):
    """Everything, and what the world may still do to the workers."""

    landed: int = 1
    foreign: int = 1
    crashes: int = 1
    pauses: int = 1
    store: Store = Store()
    table: Table = Table()
    workers: tuple[Worker, ...] = (Worker(), Worker(runs=1))


class Model(NamedTuple):
    """A load type, and what is left out of the protocol. A merge writes again what it read of the table."""

    merge: bool = False
    left_out: LeftOut = ""

    def explore(self) -> int:
        """Visit every world and return how many there are.

        Raises:
            AssertionError: a world breaks a promise.
        """
        seen, pending = {World()}, [World()]
        while pending:
            world = pending.pop()
            _look_at(world)
            following = list(self.successors(world))
            if not following:
                self._finish(world)
            pending += dict.fromkeys(one for one in following if one not in seen)
            seen.update(following)
        return len(seen)

    def successors(self, world: World) -> Iterator[World]:
        """Return what can happen next."""
        if world.landed < ROWS:
            yield world._replace(landed=world.landed + 1)
        if world.foreign:
            table = world.table._replace(version=world.table.version + 1, foreign=world.table.foreign + 1)
            yield world._replace(foreign=world.foreign - 1, table=table)
        if world.pauses and world.store.lease and not world.store.expired:
            yield world._replace(pauses=world.pauses - 1, store=world.store._replace(expired=True))
        for number, worker in enumerate(world.workers):
            yield from self._steps(world, number, worker)
            if world.crashes and worker.step != "idle":
                dead = Worker(runs=worker.runs, life=worker.life + 1)
                yield _with(world._replace(crashes=world.crashes - 1), number, dead)

    def _steps(self, world: World, number: int, worker: Worker) -> Iterator[World]:
        match worker.step:
            case "idle" if worker.runs and world.landed > world.store.mark:
                yield _with(world, number, worker._replace(step="take", runs=worker.runs - 1))
            case "take":
                yield self._take(world, number, worker)
            case "open":
                yield _with(world, number, worker._replace(step="adopt", opened=world.table))
            case "adopt":
                yield self._adopt(world, number, worker)
            case "check":
                lost = self.left_out != "check" and world.store.version != worker.state.version
                yield _with(world, number, worker._replace(step="idle" if lost else "commit"))
            case "commit":
                yield from self._commit(world, number, worker)
            case "save":
                mark = world.landed if self.left_out == "frozen window" else worker.high
                yield self._save(world, number, worker._replace(step="idle"), worker.state.seq + 1, mark, None)
            case _:
                return

    def _take(self, world: World, number: int, worker: Worker) -> World:
        lease = world.store.lease
        if lease and not world.store.expired and world.workers[lease[0]].life == lease[1]:
            return _with(world, number, worker._replace(step="idle"))
        worker = worker._replace(step="open", state=world.store)
        return self._save(world, number, worker, world.store.seq, world.store.mark, (number, worker.life))

    def _adopt(self, world: World, number: int, worker: Worker) -> World:
        """Take over a newer commit; the window ends at what has landed by now."""
        state, opened = worker.state, worker.opened
        if opened.seq > state.seq and self.left_out != "adoption":
            again = worker._replace(step="open")
            return self._save(world, number, again, opened.seq, opened.mark, (number, worker.life))
        if state.mark == world.landed:
            return self._save(world, number, worker._replace(step="idle"), state.seq, state.mark, None)
        return _with(world, number, worker._replace(step="check", high=world.landed))

    def _commit(self, world: World, number: int, worker: Worker) -> Iterator[World]:
        """Commit, or plan again; an answer that gets lost is asked for as well."""
        table, opened, state = world.table, worker.opened, worker.state
        moved = table.version != opened.version if self.merge else table.seq >= state.seq + 1
        if moved and self.left_out != "condition":
            lost = world.store.version != state.version
            yield _with(world, number, worker._replace(step="idle" if lost else "open"))
            return
        base = opened if self.merge else table
        rows = tuple(count + (state.mark < row <= worker.high) for row, count in enumerate(base.rows, 1))
        after = Table(table.version + 1, state.seq + 1, worker.high, rows, base.foreign)
        world = world._replace(table=after)
        yield _with(world, number, worker._replace(step="save"))
        yield _with(world, number, worker._replace(step="open"))

    def _save(  # noqa: PLR0913, PLR0917 - who saves what
        self, world: World, number: int, worker: Worker, seq: int, mark: int, lease: tuple[int, int] | None
    ) -> World:
        """Save a state by compare-and-swap; a worker whose state was replaced ends."""
        if world.store.version != worker.state.version and self.left_out != "compare":
            return _with(world, number, worker._replace(step="idle"))
        store = Store(world.store.version + 1, seq, mark, lease)
        return _with(world._replace(store=store), number, worker._replace(state=store))

    def _finish(self, world: World) -> None:
        """Let one more worker run alone where nothing can happen any more: all rows have to be there once."""
        world = world._replace(workers=(*world.workers, Worker(runs=1)), store=world.store._replace(expired=True))
        alone = len(world.workers) - 1
        for _ in range(20):
            following = next(self._steps(world, alone, world.workers[alone]), None)
            if following is None:
                break
            world = following
        if world.table.rows != (1,) * ROWS or world.table.foreign != 1:
            message = f"lost: {world}"
            raise AssertionError(message)


def _with(world: World, number: int, worker: Worker) -> World:
    workers = world.workers
    if worker.step == "idle":  # what it remembers no longer matters
        worker = Worker(runs=worker.runs, life=worker.life)
    return world._replace(workers=(*workers[:number], worker, *workers[number + 1 :]))


def _look_at(world: World) -> None:
    """Look at one world: nothing is doubled, nothing of others is lost, and no mark is ahead of the data."""
    table, committed = world.table, 1 - world.foreign
    if max(table.rows) > 1:
        message = f"doubled: {world}"
        raise AssertionError(message)
    if table.foreign != committed:
        message = f"foreign rows lost: {world}"
        raise AssertionError(message)
    if not all(table.rows[: max(world.store.mark, table.mark)]):
        message = f"mark ahead of data: {world}"
        raise AssertionError(message)
