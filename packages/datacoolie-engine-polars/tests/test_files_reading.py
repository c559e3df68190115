"""Options of flat files that only Polars has, or can't honour; what every engine reads is in the suite."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl
import pytest

from datacoolie.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

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
