"""The jobs that are measured, and what is promised of each."""

from __future__ import annotations

import json
import shutil
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from tools.bench import documents
from tools.bench.process import Usage, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Side: TypeAlias = Literal["datacoolie", "baseline"]
"""Which of the two processes of a pair is meant."""

DATACOOLIE = str(Path(sys.executable).with_name("datacoolie"))
BY_HAND = str(Path(__file__).with_name("by_hand.py"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """What is promised of a job.

    Attributes:
        what: what is measured, with its unit.
        at_most: the value that it must not exceed.
        value: computes it from what datacoolie and the baseline used.
    """

    what: str
    at_most: float
    value: Callable[[Usage, Usage], float]


def cpu_ratio(at_most: float) -> Promise:
    """Promise at most so many times the CPU seconds of the baseline."""
    return Promise(what="CPU ratio", at_most=at_most, value=lambda ours, base: ours.cpu / base.cpu)


def memory_ratio(at_most: float) -> Promise:
    """Promise at most so many times the peak memory of the baseline."""
    return Promise(what="memory ratio", at_most=at_most, value=lambda ours, base: ours.memory / base.memory)


def memory_mb(at_most: float) -> Promise:
    """Promise a peak memory of at most so many megabytes."""
    return Promise(what="peak MB", at_most=at_most, value=lambda ours, _: ours.memory / 1e6)


def wall_ms(at_most: float) -> Promise:
    """Promise a whole process in at most so many milliseconds."""
    return Promise(what="wall ms", at_most=at_most, value=lambda ours, _: ours.wall * 1000)


def no_more_jobs() -> Promise:
    """Promise no more Spark jobs than the baseline has."""
    return Promise(what="Spark jobs more", at_most=0, value=lambda ours, base: ours.jobs - base.jobs)


def cpu_ms_each(at_most: float, flows: int) -> Promise:
    """Promise at most so many milliseconds of CPU for each flow beyond the one of the baseline."""
    return Promise(
        what="CPU ms a flow",
        at_most=at_most,
        value=lambda ours, base: (ours.cpu - base.cpu) / (flows - 1) * 1000,
    )


class Job(ABC):
    """A job done by datacoolie and by its baseline.

    Attributes:
        name: what it is called on the command line.
        title: what the report calls it.
        promises: what is promised of it.
        engine: of datacoolie's side, and of the baseline's.
    """

    name: str
    title: str
    promises: tuple[Promise, ...]
    engine = "polars"

    def measured(self, command: Sequence[str], work: Path) -> Usage:
        """Run a command of this job, whose folder is `work`, and return what it used."""
        del work
        return measure(command)

    def run(self, work: Path, document: str) -> list[str]:
        """Write a project into `work` and return the command that runs it."""
        project = work / "project"
        project.mkdir()
        (project / "metadata.json").write_text(document, encoding="utf-8")
        return [DATACOOLIE, "run", str(project)]

    def by_hand(self, work: Path, job: str, source: Path, destination: Path, keys: Sequence[str] = ()) -> list[str]:
        """Return the command that does a job of `by_hand.py`."""
        del work
        return [sys.executable, BY_HAND, job, str(source), str(destination), ",".join(keys)]

    @abstractmethod
    def command(self, side: Side, data: Path, work: Path) -> list[str]:
        """Put all that a repetition needs into the empty folder `work` and return the command to measure."""

    def results(self, work: Path) -> tuple[str, Path, Path] | None:
        """Return format and places of the two results that must hold the same rows, where there are some."""
        del work
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Load(Job):
    """One flow that loads a folder of files.

    Attributes:
        source: the folder of the data.
        base: the table that is there before; `None` for none.
        table_format: the format of the destination.
        load_type: how it is loaded.
        baseline: its name in `by_hand.py`.
    """

    name: str
    title: str
    promises: tuple[Promise, ...]
    source: str
    table_format: str
    load_type: str
    baseline: str
    base: str | None = None

    def command(self, side: Side, data: Path, work: Path) -> list[str]:
        """Return the command; the table that is there before is a copy."""
        keys: list[str] = json.loads((data / "keys.json").read_text(encoding="utf-8"))
        table = work / "tables" / documents.FLOW
        load: dict[str, object] = {"load_type": self.load_type}
        table.parent.mkdir()
        if self.load_type in {"merge_upsert", "scd2"}:
            load["merge_keys"] = keys
        if self.load_type == "scd2":
            load["configure"] = {"scd2_effective_column": "updated_at"}
        if self.base:
            self._fill(data / self.base, table)
        if side == "baseline":
            return self.by_hand(work, self.baseline, data / self.source, table, keys)
        source_format = "csv" if self.source == "csv" else "parquet"
        text = documents.one_flow(data / self.source, source_format, table.parent, self.table_format, load)
        return self.run(work, text)

    def _fill(self, base: Path, table: Path) -> None:
        """Make the table that is there before."""
        if self.table_format == "iceberg":
            measure(self.by_hand(table.parent, "iceberg_append", base, table))
        else:
            shutil.copytree(base, table)

    def results(self, work: Path) -> tuple[str, Path, Path]:
        """Return the two tables."""
        table = Path("tables", documents.FLOW)
        return self.table_format, work / "datacoolie" / table, work / "baseline" / table


@dataclass(frozen=True, kw_only=True, slots=True)
class TinyFlows(Job):
    """Many flows of few rows, each by watermark into its own Delta table.

    Attributes:
        flows: how many.
        again: whether a first load precedes, and what is measured is a load of as many rows that came since.
    """

    name: str
    title: str
    promises: tuple[Promise, ...]
    flows: int
    again: bool

    def command(self, side: Side, data: Path, work: Path) -> list[str]:
        """Return the command, after a first load where one is needed."""
        source = work / "source"
        _link_flows(data, source, self.flows)
        if side == "datacoolie":
            command = self.run(work, documents.tiny_flows(source, work / "tables", self.flows))
        else:
            (work / "tables").mkdir()
            command = self.by_hand(work, "tiny_flows", source, work / "tables")
        if self.again:
            self.measured(command, work)
            for folder in source.iterdir():
                shutil.copyfile(data / "more.parquet", folder / "2.parquet")
        return command

    def results(self, work: Path) -> tuple[str, Path, Path]:
        """Return the tables of the first flow."""
        table = Path("tables", "flow_000")
        return "delta", work / "datacoolie" / table, work / "baseline" / table


@dataclass(frozen=True, kw_only=True, slots=True)
class NothingNew(Job):
    """Many flows that find nothing new, against one: the difference is what each flow costs.

    Attributes:
        flows: how many, against one.
    """

    name: str
    title: str
    promises: tuple[Promise, ...]
    flows: int

    def command(self, side: Side, data: Path, work: Path) -> list[str]:
        """Return the command, after a run that loads everything."""
        flows = self.flows if side == "datacoolie" else 1
        source = work / "source"
        _link_flows(data, source, flows)
        command = self.run(work, documents.tiny_flows(source, work / "tables", flows))
        measure(command)
        return command


@dataclass(frozen=True, kw_only=True, slots=True)
class StartUp(Job):
    """A command that does next to nothing, beside an interpreter that does nothing.

    Attributes:
        arguments: the command.
    """

    name: str
    title: str
    promises: tuple[Promise, ...]
    arguments: tuple[str, ...]

    def command(self, side: Side, data: Path, work: Path) -> list[str]:
        """Return the command."""
        del data, work
        return list(self.arguments) if side == "datacoolie" else [sys.executable, "-c", "pass"]


def _link_flows(data: Path, source: Path, flows: int) -> None:
    for number in range(flows):
        name = f"flow_{number:03}"
        shutil.copytree(data / "tiny" / name, source / name)


FLOWS = 200

JOBS: tuple[Job, ...] = (
    Load(
        name="csv-parquet",
        title="CSV to Parquet",
        promises=(cpu_ratio(1.05), memory_ratio(1)),
        source="csv",
        table_format="parquet",
        load_type="overwrite",
        baseline="csv_to_parquet",
    ),
    Load(
        name="parquet-parquet",
        title="Parquet to Parquet",
        promises=(cpu_ratio(1.05), memory_ratio(1)),
        source="parquet",
        table_format="parquet",
        load_type="overwrite",
        baseline="parquet_to_parquet",
    ),
    Load(
        name="parquet-delta",
        title="Parquet to Delta, by hand sink_delta",
        promises=(cpu_ratio(0.85), memory_ratio(1)),
        source="parquet",
        table_format="delta",
        load_type="append",
        baseline="parquet_to_delta",
    ),
    Load(
        name="upsert",
        title="Upsert of 10 % into Delta, by hand delta-rs merge",
        promises=(cpu_ratio(0.6), memory_mb(700)),
        source="changes",
        table_format="delta",
        load_type="merge_upsert",
        baseline="upsert",
        base="base",
    ),
    Load(
        name="upsert-one-file",
        title="Upsert of 1 % in one file of ten into Delta, by hand delta-rs merge",
        promises=(cpu_ratio(0.3), memory_mb(700)),
        source="neighbours",
        table_format="delta",
        load_type="merge_upsert",
        baseline="upsert",
        base="base",
    ),
    Load(
        name="append",
        title="Append of 10 % to Delta, by hand write_delta",
        promises=(cpu_ratio(0.9), memory_mb(700)),
        source="more",
        table_format="delta",
        load_type="append",
        baseline="append",
        base="base",
    ),
    Load(
        name="scd2",
        title="Later versions of 10 % into a Delta history, by hand in two passes",
        promises=(cpu_ratio(0.7), memory_mb(700)),
        source="events",
        table_format="delta",
        load_type="scd2",
        baseline="scd2",
        base="history",
    ),
    Load(
        name="iceberg-append",
        title="Parquet to Iceberg, by hand pyiceberg's append",
        promises=(cpu_ratio(1), memory_ratio(1)),
        source="parquet",
        table_format="iceberg",
        load_type="append",
        baseline="iceberg_append",
    ),
    Load(
        name="iceberg-upsert",
        title="Upsert of 10 % into Iceberg, by hand pyiceberg's upsert",
        promises=(cpu_ratio(0.1), memory_ratio(1)),
        source="changes",
        table_format="iceberg",
        load_type="merge_upsert",
        baseline="iceberg_upsert",
        base="parquet",
    ),
    TinyFlows(
        name="tiny-first",
        title=f"{FLOWS} flows of 100 rows, tables created",
        promises=(cpu_ratio(1.5),),
        flows=FLOWS,
        again=False,
    ),
    TinyFlows(
        name="tiny",
        title=f"{FLOWS} flows of 100 new rows",
        promises=(cpu_ratio(1.5),),
        flows=FLOWS,
        again=True,
    ),
    NothingNew(
        name="nothing-new",
        title=f"{FLOWS} flows with nothing new, beside one",
        promises=(cpu_ms_each(2, FLOWS),),
        flows=FLOWS,
    ),
    StartUp(
        name="import",
        title="import datacoolie, beside an empty interpreter",
        promises=(wall_ms(60),),
        arguments=(sys.executable, "-c", "import datacoolie"),
    ),
    StartUp(
        name="help",
        title="datacoolie --help, beside an empty interpreter",
        promises=(wall_ms(120),),
        arguments=(DATACOOLIE, "--help"),
    ),
)
"""All jobs, in the order in which they run."""
