"""Replays: a range of a source is loaded again, chunk by chunk, each with a commit of its own.

Which chunks are finished stands in the state, and in the metadata of each commit, from which the state is rebuilt. So a
replay that was stopped, or killed at any moment, goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, Self, TypeVar, cast

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.marks import Json, decode_value, encode_value
from datacoolie.core.models import MODIFIED, LoadType
from datacoolie.observability.records import FlowStatus
from datacoolie.observability.units import counted
from datacoolie.orchestration.adoption import check_target
from datacoolie.orchestration.chunks import Value, chunks, read_value
from datacoolie.orchestration.emptying import REPLACING
from datacoolie.orchestration.load import Load
from datacoolie.sources.base import Bound
from datacoolie.state import LoadState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datacoolie.core.models import DataFlow, ReplaySettings
    from datacoolie.observability.records import CommitRecord, WindowRecord
    from datacoolie.orchestration.load import Run
    from datacoolie.sources.base import BaseSource, Window
    from datacoolie.state import HeldLease, Mark

Frame = TypeVar("Frame")


def refusals(flow: DataFlow, settings: ReplaySettings) -> Iterator[str]:
    """Yield a sentence for each reason why a flow can't be replayed."""
    load_type, columns = flow.destination.load_type, flow.source.watermark_columns
    if load_type in REPLACING:
        yield f"a replay of load_type {load_type.value} would leave nothing but its last chunk in the target"
    if load_type is LoadType.SCD2 and flow.destination.settings.scd2_full_snapshot:
        yield "a replay reads a part of the source, and scd2_full_snapshot would close all other keys"
    if not columns and settings.chunk_column is None:
        yield "a replay needs chunk_column, for the source has no watermark_columns"
    if settings.save_watermark and not columns:
        yield "save_watermark needs watermark_columns in the source"
    elif settings.save_watermark and flow.source.settings.watermark.boundary == "inclusive":
        yield "save_watermark would not remember which rows at the mark are loaded, as boundary inclusive has to"
    elif settings.save_watermark and flow.source.by_files and column_of(flow, settings) != MODIFIED:
        yield f"save_watermark needs chunk_column {MODIFIED}, by which the files of this source are new or not"


def column_of(flow: DataFlow, settings: ReplaySettings) -> str:
    """Return the column of a replay's range."""
    return settings.chunk_column or flow.source.watermark_columns[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a replay has come.

    Attributes:
        column: the column of the range.
        start: where the range begins, inclusive.
        end: where it ends, exclusive.
        done: before which value everything is loaded.
        run_id: the run that began it.
        epoch: the epoch of the state; a reset forgets what was finished before.
    """

    column: str
    start: Value
    end: Value
    done: Value
    run_id: str
    epoch: int

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left."""
        return self.done == self.end

    def is_of(self, other: Progress) -> bool:
        """Whether both are of the same range, whatever the chunks."""
        return (self.column, self.start, self.end, self.epoch) == (other.column, other.start, other.end, other.epoch)

    def to_json(self) -> dict[str, Json]:
        """Return JSON data, from which `from_json` makes an equal one."""
        values = {name: encode_value(getattr(self, name)) for name in ("start", "end", "done")}
        return {"column": self.column, **values, "run_id": self.run_id, "epoch": self.epoch}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Self:
        """Read what `to_json` returned."""
        found = cast("Mapping[str, Json]", data)
        start, end, done = (cast("Value", decode_value(found[name])) for name in ("start", "end", "done"))
        return cls(
            column=str(found["column"]),
            start=start,
            end=end,
            done=done,
            run_id=str(found["run_id"]),
            epoch=cast("int", found["epoch"]),
        )


class Replay(Load[Frame], Generic[Frame]):
    """A replay of one flow in one run: a load for each chunk, under one lease."""

    def __init__(self, flow: DataFlow, run: Run[Frame], settings: ReplaySettings) -> None:
        """Prepare a replay; nothing is read yet."""
        super().__init__(flow, run)
        self._settings = settings
        self._column = column_of(flow, settings)
        self._done: list[tuple[WindowRecord, CommitRecord]] = []

    def execute(self) -> tuple[FlowStatus, str]:
        """Load the chunks that are left and return how that ended.

        Raises:
            DataCoolieError: a chunk failed; those before it are committed, and the next run goes on after them.
        """
        self._whole = self._range(self.run.workspace.source(self.flow))
        stored = self.run.store.read(self.flow.dataflow_id)
        state = stored.state or LoadState(dataflow_id=self.flow.dataflow_id, name=self.flow.name)
        self._enter("lease")
        with self._leased(stored, state) as lease:
            finished = self._progress(lease.state).is_finished
            while not self._progress(lease.state).is_finished:
                self._check(lease)
                self._attempt_until_settled(lease, None)
            lease.finish(lease.state)
        what = f"{self._column} from {self._whole.start} to {self._whole.end}"
        if finished:
            return FlowStatus.SKIPPED, f"the replay of {what} was finished before; restart loads it again"
        if not self._done:
            return FlowStatus.SKIPPED, f"nothing was left to load by the replay of {what}"
        return FlowStatus.SUCCEEDED, f"replayed {what} in {counted(len(self._done), 'chunk')}"

    def finish(self) -> None:
        """Close the running stage's time, and sum up what was done."""
        super().finish()
        self.window = _joined([window for window, _ in self._done])
        self.commit = _summed([commit for _, commit in self._done])

    def _attempt(self, lease: HeldLease, window: Window | None) -> tuple[FlowStatus, str]:
        """Load the next chunk; none when the destination says that a run before has loaded the last one."""
        self._enter("token")
        source = self.run.workspace.source(self.flow)
        destination = self.run.workspace.destination(self.flow)
        destination.recover()
        self._adopt(destination, lease)
        check_target(self.flow, lease.state, destination.identity, destination.location)
        progress = self._progress(lease.state)
        if progress.is_finished:
            return FlowStatus.SUCCEEDED, ""
        self._enter("window")
        low, high = next(chunks(progress.done, progress.end, self._settings.chunk_interval))
        bounds = Bound(values={self._column: low}, inclusive=True), Bound(values={self._column: high}, inclusive=False)
        window = source.span(*bounds, lease.state.mark)
        if window is None:
            lease.update(replace(lease.state, replay=replace(progress, done=high).to_json()))
        else:
            self._write(source, destination, window, lease)
        return FlowStatus.SUCCEEDED, ""

    def _state_after(self, state: LoadState, window: Window, mark: Mark) -> LoadState:
        """Move on to the end of the chunk; the mark moves only when that is asked for."""
        done = cast("Value", window.high.values[self._column]) if window.high else self._whole.end
        progress = replace(self._progress(state), done=done)
        moved = mark if self._settings.save_watermark else state.mark
        return replace(state, seq=state.seq + 1, mark=moved, replay=progress.to_json())

    def _save(self, lease: HeldLease, state: LoadState) -> None:
        """Save the state and keep the lease."""
        lease.update(state)
        if self.window and self.commit:
            self._done.append((self.window, self.commit))

    def _range(self, source: BaseSource[Frame]) -> Progress:
        """Read the range in the type of its column."""
        kind = source.column_type(self._column)
        start = read_value(self._settings.start, kind, "The start of the replay")
        end = read_value(self._settings.end, kind, "The end of the replay")
        if next(chunks(start, end, self._settings.chunk_interval), None) is None:
            message = f"The replay begins at {start}, which is not before its end, {end}"
            raise ConfigurationError(message, {"start": str(start), "end": str(end)})
        return Progress(column=self._column, start=start, end=end, done=start, run_id=self.run.run_id, epoch=0)

    def _progress(self, state: LoadState) -> Progress:
        """Return how far a replay of this range has come, in this run or one before it."""
        whole = replace(self._whole, epoch=state.epoch)
        found = Progress.from_json(state.replay) if state.replay else whole
        anew = self._settings.restart and found.run_id != self.run.run_id
        return whole if anew or not found.is_of(whole) else found


def _joined(windows: Sequence[WindowRecord]) -> WindowRecord | None:
    """Return the window of all chunks."""
    if not windows:
        return None
    files, size = (sum(getattr(window, name) for window in windows) for name in ("files", "size"))
    return replace(windows[-1], low=windows[0].low, files=files, size=size)


def _summed(commits: Sequence[CommitRecord]) -> CommitRecord | None:
    """Return the last commit's token and version, with what all of them did."""
    if not commits:
        return None
    return replace(
        commits[-1],
        rows=sum(commit.rows for commit in commits),
        inserted=_sum_of_known([commit.inserted for commit in commits]),
        updated=_sum_of_known([commit.updated for commit in commits]),
        size=sum(commit.size for commit in commits),
        files=sum(commit.files for commit in commits),
        removed_files=sum(commit.removed_files for commit in commits),
        schema_changes=tuple(dict.fromkeys(change for commit in commits for change in commit.schema_changes)),
    )


def _sum_of_known(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
