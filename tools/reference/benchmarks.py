"""The page of benchmarks, from the jobs that measure."""

from __future__ import annotations

from tools.bench import jobs, spark

_HEAD = """# Benchmarks

Each job runs as `datacoolie run` and by hand in plain Polars, delta-rs, pyiceberg or PySpark, one after the other,
on the same data. What is promised is a ratio of the two, or a bound: numbers of one machine mean little on another.
Measure on yours:

```console
uv run python -m tools.bench                                # all jobs of Polars, 5 million rows
uv run python -m tools.bench --engine=spark                 # those of Spark
uv run python -m tools.bench parquet-delta --rows=1000000   # one of them
uv run --group=bench python -m tools.bench --data=tpch      # TPC-H's lineitem
```

It prints what was measured beside what is promised, and compares the rows of both sides. Both run in an environment of
their own, which has what `pip install "datacoolie[polars,iceberg]"` brings and nothing else (and Spark for its jobs).

| job | what | promised |
| --- | --- | --- |
"""
_TAIL = """
A CPU ratio is the CPU time of `datacoolie run`, with the start of the process, divided by that of the script written by
hand; a memory ratio compares the peaks. The Java of Spark counts on both sides; its jobs are counted in its event log.

Figures that decisions rest on stand in them: [what a Delta commit
holds](../adr/0009-what-a-delta-commit-holds.md), [Avro by
blocks](../adr/0011-polars-encodes-avro-a-block-at-a-time.md),
[memory that goes back](../adr/0023-freed-memory-goes-back-to-the-system.md), [how secrets are
found](../adr/0026-secrets-are-masked-where-text-is-made.md).
"""


def page() -> str:
    """Return the page as Markdown."""
    rows = [
        f"| `{job.name}` | {job.title} | {', '.join(f'{p.what} at most {p.at_most:g}' for p in job.promises)} |"
        for job in (*jobs.JOBS, *spark.JOBS)
    ]
    return _HEAD + "\n".join(rows) + "\n" + _TAIL
