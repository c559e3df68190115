from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from tools.bench import __main__ as bench
from tools.bench import by_hand, compare, data
from tools.bench.jobs import JOBS, Job, NothingNew, Promise, Side, TinyFlows, cpu_ratio, memory_ratio, wall_ms
from tools.bench.process import CommandError, Usage, measure
from tools.bench.report import Result, markdown
from tools.bench.run import main, run

ROWS = 1000
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench") / "generated"
    data.make("generated", ROWS, folder)
    return folder


def test_what_is_measured_is_installed_as_users_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "ENVIRONMENT", tmp_path / "environment")
    python = bench.install()
    found = "from importlib.util import find_spec as f; print(f('datacoolie').origin, f('pyiceberg').name, f('pytest'))"
    origin, iceberg, development = subprocess.check_output([python, "-c", found], text=True, cwd=tmp_path).split()
    assert Path(origin).is_relative_to(tmp_path)
    assert (iceberg, development) == ("pyiceberg", "None")


def test_measure_counts_cpu_wall_and_memory() -> None:
    code = "import time; time.sleep(0.2); b = bytearray(200_000_000); sum(range(2_000_000))"
    # In a process of its own: the memory of a parent counts towards the peak of what it starts.
    measuring = f"import sys; from tools.bench.process import measure; print(measure([sys.executable, '-c', {code!r}]))"
    printed = subprocess.run([sys.executable, "-c", measuring], check=True, capture_output=True, text=True, cwd=ROOT)
    values = re.fullmatch(r"Usage\(cpu=(.+), wall=(.+), memory=(.+), jobs=0\)\n", printed.stdout)
    assert values is not None
    cpu, wall, memory = map(float, values.groups())
    assert wall > 0.2
    assert 0.01 < cpu < wall
    assert 200_000_000 < memory < 240_000_000


def test_measure_shows_the_output_of_what_fails() -> None:
    with pytest.raises(CommandError, match=r"-c print\('words'\); exit\(3\) ends with 3\nwords\n"):
        measure([sys.executable, "-c", "print('words'); exit(3)"])


def test_the_same_rows_each_time(made: Path) -> None:
    rows = pl.read_parquet(made / "parquet/*.parquet")
    assert rows.row(7, named=True) == {
        "id": 7,
        "customer": 36344,
        "quantity": 73,
        "price": 68.27,
        "discount": 0.745,
        "status": "sent",
        "city": "city 210",
        "note": "note 900542462103530711",
        "express": False,
        "day": date(2023, 2, 15),
        "updated_at": datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC),
    }
    assert rows.height == ROWS


def test_the_data_of_all_jobs(made: Path) -> None:
    rows = pl.read_parquet(made / "parquet/*.parquet")
    assert pl.read_csv(made / "csv/*.csv").height == ROWS
    assert pl.read_delta(str(made / "base")).sort("id").equals(rows)
    changes = pl.read_parquet(made / "changes/*.parquet")
    assert changes.select(pl.col("status").unique()).to_series().to_list() == ["changed"]
    assert 0.07 * ROWS < changes.filter(pl.col("id") < ROWS).height < 0.13 * ROWS
    assert changes.filter(pl.col("id") >= ROWS)["id"].to_list() == list(range(ROWS, ROWS + 10))
    assert len(list((made / "tiny").iterdir())) == 200
    assert json.loads((made / "keys.json").read_text()) == ["id"]


def test_an_unknown_kind_of_data(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"No data is called 'tpc'. Possible: generated, tpch"):
        data.make("tpc", ROWS, tmp_path / "tpc")


def test_by_hand_files(made: Path, tmp_path: Path) -> None:
    by_hand.csv_to_parquet(made / "csv", tmp_path / "one", ["id"])
    by_hand.parquet_to_parquet(made / "parquet", tmp_path / "two", ["id"])
    assert compare.differences("parquet", tmp_path / "two", made / "parquet") == []
    moments = pl.col("updated_at").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us")
    from_csv = pl.read_parquet(tmp_path / "one/data.parquet").with_columns(moments, pl.col("day").str.to_date())
    assert from_csv.equals(pl.read_parquet(tmp_path / "two/data.parquet"))


def test_by_hand_tables(made: Path, tmp_path: Path) -> None:
    by_hand.parquet_to_delta(made / "parquet", tmp_path / "table", ["id"])
    assert compare.differences("delta", tmp_path / "table", made / "base") == []
    by_hand.upsert(made / "changes", tmp_path / "table", ["id"])
    merged = pl.read_delta(str(tmp_path / "table"))
    changed = pl.read_parquet(made / "changes/*.parquet")
    assert merged.height == ROWS + 10
    assert merged.filter(pl.col("status") == "changed").sort("id").equals(changed.sort("id"))


def test_by_hand_iceberg_tables(made: Path, tmp_path: Path) -> None:
    by_hand.iceberg_append(made / "parquet", tmp_path / "lake/one", ["id"])
    by_hand.iceberg_append(made / "parquet", tmp_path / "lake/two", ["id"])
    assert compare.differences("iceberg", tmp_path / "lake/one", tmp_path / "lake/two") == []
    by_hand.iceberg_upsert(made / "changes", tmp_path / "lake/two", ["id"])
    (rows, *others) = compare.differences("iceberg", tmp_path / "lake/one", tmp_path / "lake/two")
    assert rows == "number of rows: 1000 and 1010"
    assert others


def test_by_hand_tiny_flows_load_only_what_is_new(made: Path, tmp_path: Path) -> None:
    source, tables = tmp_path / "source", tmp_path / "tables"
    (source / "flow_000").mkdir(parents=True)
    tables.mkdir()
    data.generated(0, 100).sink_parquet(source / "flow_000/1.parquet")
    by_hand.tiny_flows(source, tables, [])
    by_hand.tiny_flows(source, tables, [])
    assert pl.read_delta(str(tables / "flow_000")).height == 100
    (source / "flow_000/2.parquet").write_bytes((made / "more.parquet").read_bytes())
    by_hand.tiny_flows(source, tables, [])
    assert sorted(pl.read_delta(str(tables / "flow_000"))["id"]) == list(range(200))


def test_compare_names_what_differs(tmp_path: Path) -> None:
    for name, frame in {"one": {"a": [1, 2], "b": [3, 4]}, "two": {"a": [2, 1], "b": [3, 5]}}.items():
        (tmp_path / name).mkdir()
        pl.DataFrame(frame).write_parquet(tmp_path / name / "x.parquet")
    (difference,) = compare.differences("parquet", tmp_path / "one", tmp_path / "two")
    assert difference.startswith("b: ")
    pl.DataFrame({"a": [1, 2], "b": ["3", "4"]}).write_parquet(tmp_path / "two/x.parquet")
    (difference,) = compare.differences("parquet", tmp_path / "one", tmp_path / "two")
    assert difference == "columns: {'a': Int64, 'b': Int64} and {'a': Int64, 'b': String}"


@dataclass(frozen=True)
class Takes(Job):
    """A job whose baseline takes more time of the processor; it notes the order of its repetitions."""

    order: list[Side]
    name: str = "takes"
    title: str = "Takes"
    promises: tuple[Promise, ...] = (wall_ms(10),)

    def command(self, side: Side, data: Path, work: Path) -> list[str]:
        assert list(work.iterdir()) == []
        assert data in work.parents
        self.order.append(side)
        return [sys.executable, "-c", f"sum(range({0 if side == 'datacoolie' else 10_000_000}))"]


def test_run_alternates_in_fresh_folders(tmp_path: Path) -> None:
    job = Takes(order=[])
    result = run(job, tmp_path, repeat=3)
    first = ["datacoolie", "baseline"]
    assert job.order == [*first, "datacoolie", "baseline", "baseline", "datacoolie", "datacoolie", "baseline"]
    assert len(result.pairs) == 3
    assert all(ours.cpu < base.cpu for ours, base in result.pairs)
    assert list(tmp_path.iterdir()) == []


class Disagree(Takes):
    """A job whose two results are different."""

    def command(self, side: Side, data: Path, work: Path) -> list[str]:
        command = super().command(side, data, work)
        pl.DataFrame({"a": [side]}).write_parquet(work / "x.parquet")
        return command

    def results(self, work: Path) -> tuple[str, Path, Path]:
        return "parquet", work / "datacoolie", work / "baseline"


def test_run_refuses_results_that_differ(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"tools.bench.compare .* ends with 1\na: \d+ and \d+"):
        run(Disagree(order=[]), tmp_path, repeat=1)


def test_report() -> None:
    job = Takes(order=[], promises=(cpu_ratio(0.85), memory_ratio(1.0), wall_ms(500)))
    base = Usage(cpu=2, wall=1, memory=100_000_000)
    pairs = [(Usage(cpu=cpu, wall=0.5, memory=120_000_000), base) for cpu in (1.0, 1.5, 9.0)]
    result = Result(job=job, pairs=pairs)
    assert [(round(value, 2), kept) for _, value, kept in result.kept()] == [(0.75, True), (1.2, False), (500, True)]
    header, _, row = markdown([result]).splitlines()
    assert header == "| job | CPU s | wall s | peak MB | measured and promised |"
    assert row == (
        "| Takes | 1.50 / 2.00 = 0.75x | 0.50 / 1.00 = 0.50x | 120 / 100 = 1.20x | "
        "CPU ratio 0.750 of at most 0.85: kept; memory ratio 1.200 of at most 1: **missed**; "
        "wall ms 500.000 of at most 500: kept |"
    )


def test_nothing_new_is_counted_per_flow() -> None:
    (promise,) = next(job for job in JOBS if job.name == "nothing-new").promises
    one, many = Usage(cpu=0.5, wall=1, memory=1), Usage(cpu=0.5 + 199 * 0.003, wall=1, memory=1)
    assert promise.value(many, one) == pytest.approx(3)


def test_main_goes_on_when_a_job_fails(
    tmp_path: Path, made: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"generated-{ROWS}").symlink_to(made)
    jobs = (Disagree(order=[], name="disagree"), Takes(order=[], promises=(wall_ms(60_000),)))
    monkeypatch.setattr("tools.bench.run.JOBS", jobs)
    arguments = [f"--rows={ROWS}", "--repeat=1", f"--cache={tmp_path}"]
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert "disagree failed: " in printed.err
    assert printed.out.splitlines()[0] == "1,000 rows, generated; medians of 1; datacoolie / baseline = ratio"
    assert printed.out.splitlines()[-1].startswith("| Takes | ")
    assert main(["takes", *arguments]) == 0


def test_main_refuses_an_unknown_job(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["csv"])
    assert "no job is called csv; there are: csv-parquet, parquet-parquet" in capsys.readouterr().err


def small(job: Job) -> Job:
    return replace(job, flows=3) if isinstance(job, TinyFlows | NothingNew) else job


@pytest.mark.parametrize("job", [small(job) for job in JOBS], ids=lambda job: job.name)
def test_each_job_does_what_its_baseline_does(job: Job, made: Path) -> None:
    """`run` compares the rows of both sides."""
    (pair,) = run(job, made, repeat=1).pairs
    assert all(used.cpu > 0 and used.memory > 0 for used in pair)
    assert all(path.name[:4] != "run-" for path in made.iterdir())
