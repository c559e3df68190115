"""Excel workbooks as sources: written by openpyxl."""

from __future__ import annotations

import sys
import zipfile
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from openpyxl import Workbook

from datacoolie.core.exceptions import ConfigurationError, SourceError
from datacoolie.engines import FileWrite, workbooks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from datacoolie_engine_polars import PolarsEngine

    Scan = Callable[..., pl.LazyFrame]
    Rows = list[list[object]]

# Cells have no zone.
DAY, NOON = datetime(2024, 1, 2), datetime(2024, 1, 2, 12, 30, 15)  # noqa: DTZ001


def write(path: Path, **sheets: Rows) -> str:
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    workbook.save(path)
    return path.name


def test_types_are_those_of_the_cells(scan: Scan, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    name = write(
        tmp_path / "a.xlsx",
        data=[
            ["id", "share", "day", "at", "flag", "name", "mixed", "nothing", "broken", "same", "same"],
            [1, 0.5, date(2024, 1, 2), NOON, True, "007", 1, None, "#N/A", 1, 2],
            [],
            [3.0, 2, None, None, None, " b ", "x", None, None, 3, 4],
        ],
        other=[["id"], ["no"]],
    )
    frame = scan("excel", name).collect()
    assert frame.schema == {
        "id": pl.Int64,
        "share": pl.Float64,
        "day": pl.Datetime("us"),
        "at": pl.Datetime("us"),
        "flag": pl.Boolean,
        "name": pl.String,
        "mixed": pl.String,
        "nothing": pl.String,
        "broken": pl.String,
        "same": pl.Int64,
        "same_1": pl.Int64,
    }
    assert frame.rows() == [
        (1, 0.5, DAY, NOON, True, "007", "1", None, None, 1, 2),
        (3, 2.0, None, None, None, " b ", "x", None, None, 3, 4),
    ]
    assert capfd.readouterr().err == ""


def test_numbers_that_no_integer_holds_stay_what_they_are(scan: Scan, tmp_path: Path) -> None:
    name = write(tmp_path / "a.xlsx", s=[["large", "larger", "less"], [2**62, 2e19, -(2.0**63)], [1, 2, 3]])
    frame = scan("excel", name).collect()
    assert frame.rows() == [(2**62, 2e19, -(2.0**63)), (1, 2.0, 3.0)]
    assert frame.dtypes == [pl.Int64, pl.Float64, pl.Float64]


def test_several_files_have_one_schema(scan: Scan, tmp_path: Path) -> None:
    write(tmp_path / "a.xlsx", s=[["id", "note", "v"], [1, None, 1]])
    write(tmp_path / "b.xlsx", s=[["ID", "note", "more"], [2, 5, "x"]])
    write(tmp_path / "c.xlsx", s=[["id", "v"], [3, 0.5]])
    write(tmp_path / "empty.xlsx", s=[])
    write(tmp_path / "heads.xlsx", s=[["id", "only"]])
    names = frozenset({"__file_name"})
    frame = scan("excel", "a.xlsx", "b.xlsx", "c.xlsx", "empty.xlsx", "heads.xlsx", file_columns=names)
    assert frame.collect().to_dicts() == [
        {"id": 1, "note": None, "v": 1.0, "more": None, "only": None, "__file_name": "a.xlsx"},
        {"id": 2, "note": 5, "v": None, "more": "x", "only": None, "__file_name": "b.xlsx"},
        {"id": 3, "note": None, "v": 0.5, "more": None, "only": None, "__file_name": "c.xlsx"},
    ]
    assert frame.filter(pl.col("id") > 1).select(pl.len()).collect().item() == 2
    assert scan("excel", "empty.xlsx").collect().shape == (0, 0)


def test_sheet_and_header(scan: Scan, tmp_path: Path) -> None:
    name = write(tmp_path / "a.xlsx", first=[["x"], [1]], second=[["a", 1], ["b", 2]])
    options = {"sheet_name": "second", "header": "false"}
    assert scan("excel", name, options=options).collect().to_dicts() == [{"_c0": "a", "_c1": 1}, {"_c0": "b", "_c1": 2}]
    with pytest.raises(
        SourceError, match=r"a.xlsx: there is no sheet 'secnd'\. Sheets: first, second\. Did you mean 'second'\?"
    ):
        scan("excel", name, options={"sheet_name": "secnd"})
    with pytest.raises(
        ConfigurationError, match=r"can't honour the option 'dataAddress'\. Possible: header, inferSchema"
    ):
        scan("excel", name, options={"dataAddress": "'first'!A1"})


def test_what_can_not_be_read(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "bad.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(SourceError, match=r"bad\.xlsx: this is not a readable Excel file: "):
        scan("excel", "bad.xlsx")
    name = write(tmp_path / "spans.xlsx", s=[["worked"], [timedelta(hours=30)]])
    with pytest.raises(SourceError, match=r"spans\.xlsx: .* of column 'worked' has no counterpart in the framework"):
        scan("excel", name)


def test_a_stray_cell_far_away(scan: Scan, tmp_path: Path) -> None:
    """The library reserves memory for all cells between the first and the last one: 500 GB here."""
    name = write(tmp_path / "a.xlsx", s=[["id"], [1]])
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    sheet = members["xl/worksheets/sheet1.xml"]
    members["xl/worksheets/sheet1.xml"] = sheet.replace(
        b"</sheetData>", b'<row><c t="n" r="XFD1048576"><v>1</v></c></row></sheetData>'
    )
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        for each, content in members.items():
            archive.writestr(each, content)
    with pytest.raises(SourceError, match=r"a\.xlsx: a sheet has 3 cells but reaches over 17,179,869,184"):
        scan("excel", name)


def test_cells_far_apart_that_fit(scan: Scan, tmp_path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet["A1"], sheet["A2"], sheet["CV1"], sheet["CV9000"] = "id", 1, "last", 2
    workbook.save(tmp_path / "a.xlsx")
    assert scan("excel", "a.xlsx").collect().rows() == [(1, None), (None, 2)]


def test_a_workbook_that_unpacks_to_too_much(scan: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = write(tmp_path / "a.xlsx", s=[["id"], [1]])
    monkeypatch.setattr(workbooks, "MAX_BYTES", 1000)
    with pytest.raises(SourceError, match=r"a\.xlsx: the workbook unpacks to [\d,]+ bytes; possible: 1,000"):
        scan("excel", name)


def test_a_workbook_that_says_it_is_smaller_than_it_is(scan: Scan, tmp_path: Path) -> None:
    name = write(tmp_path / "a.xlsx", s=[["id"], ["x" * 5000]])
    content = bytearray((tmp_path / name).read_bytes())
    with zipfile.ZipFile(tmp_path / name) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    true, false = size.to_bytes(4, "little"), (10).to_bytes(4, "little")
    assert true in content
    (tmp_path / name).write_bytes(content.replace(true, false))
    with pytest.raises(SourceError, match=r"a\.xlsx: this is not a readable Excel file: "):
        scan("excel", name)


def test_a_file_that_breaks_after_it_was_looked_at(engine: PolarsEngine, scan: Scan, tmp_path: Path) -> None:
    frame = scan("excel", write(tmp_path / "a.xlsx", s=[["id"], [1]]))
    (tmp_path / "a.xlsx").write_bytes(b"")
    with pytest.raises(SourceError, match=r"a\.xlsx: this is not a readable Excel file"):
        engine.files.stage(frame, FileWrite(format="csv", folder=str(tmp_path / "out"), stem="s"))
    # Polars may open the file that it will not write after it has failed.
    assert not any(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file())


def test_a_missing_library_is_named_with_its_extra(scan: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = write(tmp_path / "a.xlsx", s=[["id"], [1]])
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    with pytest.raises(ConfigurationError, match=r"needs fastexcel: pip install 'datacoolie-core\[excel\]'"):
        scan("excel", name)
