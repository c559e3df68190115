"""`python -m tools.crash`: kill loads at random moments, print how often and what was looked at."""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tools.crash.cases import CASES
from tools.crash.engines import ENGINES
from tools.crash.killing import Harm, Tally, kill_often
from tools.crash.places import HERE, on_s3

if TYPE_CHECKING:
    from collections.abc import Iterable


def main(arguments: list[str] | None = None) -> int:
    """Kill real processes at random moments and run again; 1 when a row was lost, doubled, or half a load was seen."""
    parser = argparse.ArgumentParser(prog="python -m tools.crash", description=main.__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="over all cases (1000)")
    parser.add_argument("--cases", nargs="*", metavar="CASE", help=f"of {', '.join(map(str, CASES))}")
    parser.add_argument("--rows", type=int, default=2000, help="rows per load (2000)")
    parser.add_argument("--workers", type=int, default=2, help="cases at a time (2)")
    parser.add_argument("--engine", choices=list(ENGINES), default="polars", help="what loads, and is killed (polars)")
    parser.add_argument("--s3", action="store_true", help="tables and states are on S3 (a server is started)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments; the system's timing is its own")
    options = parser.parse_args(arguments)
    unknown = sorted({*(options.cases or [])} - {str(case) for case in CASES})
    if unknown:
        parser.error(f"no case is called {', '.join(unknown)}; there are: {', '.join(map(str, CASES))}")
    cases = [case for case in CASES if not options.cases or str(case) in options.cases]
    each = -(-options.kills // len(cases))
    with (
        tempfile.TemporaryDirectory() as folder,
        on_s3() if options.s3 else nullcontext(HERE) as place,
        ENGINES[options.engine]() as engine,
        ThreadPoolExecutor(1 if engine.victim.is_shared else options.workers) as pool,
    ):
        tallies = pool.map(
            lambda numbered: kill_often(
                numbered[1],
                Path(folder) / str(numbered[1]),
                kills=each,
                rows=options.rows,
                random=Random(options.seed * 1000 + numbered[0]),  # noqa: S311 - moments, no secrets
                engine=replace(engine, place=place),
            ),
            enumerate(cases),
        )
        return _report(tallies)


def _report(tallies: Iterable[Tally | Harm]) -> int:
    print(f"{'case':30}{'kills':>7}{'before commit':>15}{'after':>7}{'loads':>7}{'reads':>8}")
    total = Tally(case="all")
    harms = []
    for one in tallies:
        if isinstance(one, Harm):
            harms.append(one)
            print(one, file=sys.stderr, flush=True)
        else:
            print(one, flush=True)
            total.add(one)
    print(total)
    print(f"{total.kills} kills, {total.reads} reads beside and after them, {len(harms)} losses or doublings")
    return 1 if harms else 0


if __name__ == "__main__":
    sys.exit(main())
