from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tools.crash.__main__ import main
from tools.crash.arena import Arena
from tools.crash.cases import CASES, Case, all_rows, batch, last_rows, newest_per_key
from tools.crash.children import Child, load
from tools.crash.killing import Harm, kill_often

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
PARQUET = Case(format="parquet", load_type="append", expected=all_rows)


def test_keys_come_back_in_the_next_batch() -> None:
    assert [row[:2] for row in batch(0, 4)] == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert [row[:2] for row in batch(1, 4)] == [(4, 2), (5, 3), (6, 4), (7, 5)]
    assert [row[1] for row in batch(0, 4, repeats=2)] == [0, 0, 1, 1]


def test_what_is_expected() -> None:
    first, second = [(1, "a"), (2, "b")], [(3, "b"), (4, "c"), (5, "c")]
    assert all_rows([first, second]) == [*first, *second]
    assert last_rows([first, second]) == second
    assert last_rows([]) == []
    assert newest_per_key([first, second]) == [(1, "a"), (3, "b"), (4, "c"), (5, "c")]


def test_cases_have_names_of_their_own() -> None:
    assert len({str(case) for case in CASES}) == len(CASES)


@pytest.mark.parametrize(("change", "loaded"), [("nothing", 1), ("lost", None), ("doubled", None)])
def test_a_loss_and_a_doubling_are_seen(tmp_path: Path, change: str, loaded: int | None) -> None:
    arena = Arena(tmp_path, PARQUET)
    arena.land()
    assert arena.loaded() == 0
    ended = Child(load, arena.document).value()
    assert ended is not None
    assert (ended.status, ended.seq) == ("succeeded", 1)
    (file,) = arena.table.glob("*.parquet")
    rows = pl.read_parquet(file)
    if change != "nothing":
        (rows.head(9) if change == "lost" else pl.concat([rows, rows.head(1)])).write_parquet(file)
    assert arena.loaded() == loaded


def test_kills_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--kills", "6", "--cases", "delta-append", "parquet-overwrite", "--rows", "20"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in out[1:4]] == [["delta-append", "3"], ["parquet-overwrite", "3"], ["all", "6"]]
    assert out[4].startswith("6 kills, ")
    assert out[4].endswith(" 0 losses or doublings")


@pytest.mark.usefixtures("versitygw")
def test_tables_and_states_may_be_on_s3(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--s3", "--kills", "4", "--cases", "delta-append", "parquet-overwrite", "--rows", "20"]
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[4].startswith("4 kills, ")


def test_harm_ends_with_1(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.crash.__main__.kill_often", lambda *_, **__: Harm("half a load"))
    assert main(["--kills", "1", "--cases", "delta-append"]) == 1
    assert capsys.readouterr().err == "half a load\n"


def test_rows_that_should_not_be_there_are_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.crash.killing.Arena", _Doubling)
    harm = kill_often(PARQUET, tmp_path, kills=3, rows=5, random=Random(1))  # noqa: S311 - moments
    assert isinstance(harm, Harm)
    assert "a reader saw" in str(harm)


class _Doubling(Arena):
    """Somebody copies a file of the table each time another batch lands."""

    def land(self) -> None:
        super().land()
        for file in list(self.table.glob("part-*.parquet")):
            (self.table / f"copy-{file.name}").write_bytes(file.read_bytes())


def test_an_unknown_case_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--cases", "delta-upsert"])
    assert "no case is called delta-upsert" in capsys.readouterr().err
