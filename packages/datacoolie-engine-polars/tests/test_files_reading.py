"""Options of flat files that only Polars has, or can't honour; what every engine reads is in the suite."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.sql import agg, col, parse

if TYPE_CHECKING:
    from pathlib import Path

    from datacoolie_engine_polars import PolarsEngine

Scan = Callable[..., pl.LazyFrame]


def rows(frame: pl.LazyFrame) -> list[tuple[object, ...]]:
    return frame.collect(engine="streaming").rows()


def test_options_of_polars_itself(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "a.csv").write_text("skip\na,b\n1,2\n")
    assert rows(scan("csv", "a.csv", options={"polars": {"skip_rows": 1}})) == [("1", "2")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sep": "||"}, r"sep: '\|\|'; it takes a single ASCII character"),
        ({"encoding": "latin1"}, "encoding: 'latin1'"),
        ({"escape": "\\"}, "escape:"),
        ({"mode": "DROPMALFORMED"}, "mode: 'DROPMALFORMED'"),
        ({"polars": {"skip_row": 1}}, r"'polars.skip_row'.*Did you mean 'polars.skip_rows'\?"),
        ({"polars": {"separator": ";"}}, "'polars.separator'"),
    ],
)
def test_an_option_that_can_not_be_honoured_is_named(
    tmp_path: Path,
    scan: Scan,
    options: dict[str, object],
    message: str,
) -> None:
    (tmp_path / "a").write_text("a\n1\n")
    with pytest.raises(ConfigurationError, match=message):
        scan("csv", "a", options=options)


def test_files_of_other_headers_are_read_together(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "a.csv").write_text("id,id\n1,2\n")
    (tmp_path / "b.csv").write_text("id0,id1\n3,4\n")
    assert sorted(rows(scan("csv", "a.csv", "b.csv"))) == [("1", "2"), ("3", "4")]
    assert rows(scan("csv", "b.csv", "a.csv").filter(pl.col("id1") == "2").select("id0")) == [("1",)]


def test_types_that_only_polars_has_are_those_of_the_framework_from_the_scan_on(
    tmp_path: Path, scan: Scan, engine: PolarsEngine
) -> None:
    columns = {
        "big": pl.Series([1, 2**64 - 1], dtype=pl.UInt64),
        "nanos": pl.Series([1_577_836_800_000_000_501] * 2, dtype=pl.Datetime("ns", "UTC")),
        "level": pl.Series(["low", "high"], dtype=pl.Enum(["low", "high"])),
    }
    pl.DataFrame(columns).write_parquet(tmp_path / "a.parquet")
    frame = scan("parquet", "a.parquet")
    largest = engine.frames.aggregate(frame, {name: agg("max", col(name)) for name in ("big", "level")})
    assert largest == {"big": Decimal(2**64 - 1), "level": "low"}
    micros = engine.frames.select(frame, {"micros": parse("unix_micros(nanos)"), "below": parse("level < 'low'")})
    assert rows(micros) == [(1_577_836_800_000_000, False), (1_577_836_800_000_000, True)]
