"""Measure `datacoolie run` against the same jobs by hand, alternating, as whole processes."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tools.bench import jobs, spark
from tools.bench.process import CommandError, measure
from tools.bench.report import Result, markdown

if TYPE_CHECKING:
    from tools.bench.jobs import Job, Side
    from tools.bench.process import Usage

ROWS = 5_000_000
JOBS = (*jobs.JOBS, *spark.JOBS)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks; 0 when all promises are kept, 1 when one is not or a job fails."""
    options = _options(arguments)
    data = _data(options.data, options.rows, options.cache)
    results, failed = [], False
    for job in JOBS:
        if job.name not in options.names if options.names else job.engine != options.engine:
            continue
        print(f"{job.title} ...", file=sys.stderr, flush=True)
        try:
            results.append(run(job, data, options.repeat))
        except CommandError as error:
            failed = True
            print(f"{job.name} failed: {error}", file=sys.stderr)
    print(f"{options.rows:,} rows, {options.data}; medians of {options.repeat}; datacoolie / baseline = ratio\n")
    print(markdown(results))
    return 0 if not failed and all(kept for result in results for _, _, kept in result.kept()) else 1


def run(job: Job, data: Path, repeat: int) -> Result:
    """Measure a job `repeat` times on both sides, each time in a fresh folder beside the data.

    One more repetition comes first and does not count: it compiles modules, warms caches, and its results are compared.

    Raises:
        CommandError: a command fails, or the two results do not hold the same rows.
    """
    _pair(job, data, 0, compared=True)
    return Result(job=job, pairs=[_pair(job, data, number) for number in range(repeat)])


def _pair(job: Job, data: Path, number: int, *, compared: bool = False) -> tuple[Usage, Usage]:
    """Measure both sides; who goes first alternates."""
    sides: list[Side] = ["datacoolie", "baseline"]
    used = {}
    with tempfile.TemporaryDirectory(dir=data, prefix="run-") as temporary:
        work = Path(temporary)
        for side in sides if number % 2 == 0 else reversed(sides):
            folder = work / side
            folder.mkdir()
            used[side] = job.measured(job.command(side, data, folder), folder)
        if compared and (results := job.results(work)):
            measure([sys.executable, "-m", "tools.bench.compare", *map(str, results)])
    return used["datacoolie"], used["baseline"]


def _data(kind: str, rows: int, cache: Path) -> Path:
    """Return the folder of the data, made in another process when it is not there: this one must stay small.

    It is named after the generator too: data of an earlier one lack what later jobs read.
    """
    generator = hashlib.sha256(Path(__file__).with_name("data.py").read_bytes()).hexdigest()[:8]
    folder = cache.resolve() / f"{kind}-{rows}-{generator}"
    if not (folder / "keys.json").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"making {folder} ...", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "tools.bench.data", kind, str(rows), str(folder)], check=True)
    return folder


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    names = [job.name for job in JOBS]
    parser.add_argument("names", nargs="*", metavar="JOB", help=f"of {', '.join(names)} (default: all of the engine)")
    parser.add_argument("--engine", choices=["polars", "spark"], default="polars", help="default: %(default)s")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the large jobs (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions of each job (default: %(default)s)")
    parser.add_argument("--data", choices=["generated", "tpch"], default="generated", help="tpch needs the group bench")
    cache = Path.home() / ".cache" / "datacoolie-bench"
    parser.add_argument("--cache", type=Path, default=cache, help="where the data is kept (default: %(default)s)")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(names)):
        parser.error(f"no job is called {', '.join(unknown)}; there are: {', '.join(names)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
