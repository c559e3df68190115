"""What every engine writes into flat files: content, names, what is observed, and what ends a pass in the middle."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count as numbers
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacoolie.core.exceptions import ConfigurationError, DestinationError, EngineError, TransformError
from datacoolie.engines import FileWrite, Staged
from datacoolie.sql import agg, col, count, lit, parse
from datacoolie.testing.base import Engine, EngineTests, Frame, needs, rows_of, written
from datacoolie.testing.reading import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Stage: TypeAlias = Callable[..., tuple[Staged, dict[str, Path]]]

_IDS, _TEXTS = [1, 2, 3, 4], ["x", 'q"q', None, ""]
_RECORDS = [{"id": id_, "v": text} for id_, text in zip(_IDS, _TEXTS, strict=True)]


class WritingSuite(EngineTests):
    """Tests `FileOps.stage`. A subclass has a fixture `engine`."""

    @pytest.fixture
    def stage(self, engine: Engine, tmp_path: Path) -> Stage:
        """Stage a frame; return what the engine says, and the files by name."""
        folders = numbers()

        def run(frame: object, format: str, **more: object) -> tuple[Staged, dict[str, Path]]:  # noqa: A002
            folder = tmp_path / f"out-{next(folders)}"
            request: FileWrite[object] = FileWrite(format=format, folder=str(folder), stem="s", **more)  # type: ignore[arg-type] # as tests need it
            return engine.files.stage(frame, request), written(folder)

        return run

    @pytest.fixture
    def source(self, frame: Frame) -> object:
        """Return four rows: an id, a partition and a text."""
        return frame(id=_IDS, p=["a/b", None, "", "c d"], v=_TEXTS)

    @needs("writes", "csv")
    def test_csv(self, engine: Engine, source: object, stage: Stage) -> None:
        chosen = engine.frames.drop(source, ["p"])
        staged, files = stage(chosen, "csv", single_file=True)
        assert _text(files) == 'id,v\n1,x\n2,"q""q"\n3,\n4,""\n'
        assert (staged.rows, staged.extension) == (4, "csv")
        options = {"header": "false", "sep": ";", "nullValue": "NA", "quoteAll": "true", "lineSep": "\r\n"}
        few = engine.frames.filter(chosen, parse("id < 4"))
        assert _text(stage(few, "csv", single_file=True, options=options)[1]) == '"1";"x"\r\n"2";"q""q"\r\n"3";"NA"\r\n'

    @needs("writes", "csv")
    def test_csv_loses_nothing_of_a_value(self, frame: Frame, stage: Stage) -> None:
        moment = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
        wall, money = moment.replace(tzinfo=None), Decimal("12345678901234567890.12")
        columns = {
            "f": [1e20],
            "m": [money],
            "b": [True],
            "d": [moment.date()],
            "t": [moment],
            "w": [wall],
            "s": ["a,b\nc "],
        }
        _, files = stage(frame(**columns), "csv", single_file=True)
        names, (f, m, *rest, t, w, s) = csv.reader(io.StringIO(_text(files)))
        assert names == list(columns)
        assert (float(f), Decimal(m), *rest, s) == (1e20, money, "true", "2024-01-02", "a,b\nc ")
        assert (datetime.fromisoformat(t), datetime.fromisoformat(w)) == (moment, wall)

    @needs("writes", "json")
    def test_json_lines_and_documents(self, engine: Engine, source: object, stage: Stage) -> None:
        chosen = engine.frames.drop(source, ["p"])
        staged, files = stage(chosen, "jsonl", single_file=True)
        assert [json.loads(line) for line in _text(files).splitlines()] == _RECORDS
        assert (staged.rows, staged.extension) == (4, "jsonl")
        staged, files = stage(chosen, "json", single_file=True)
        assert json.loads(_text(files)) == _RECORDS
        assert (staged.rows, staged.extension) == (4, "json")
        nothing = engine.frames.filter(chosen, parse("id > 4"))
        assert json.loads(_text(stage(nothing, "json", single_file=True)[1])) == []

    @pytest.mark.parametrize("format", FORMATS)
    @needs("writes", "{format}")
    def test_partition_folders(self, source: object, stage: Stage, format: str) -> None:  # noqa: A002
        staged, files = stage(source, format, partition_by=("p",))
        assert staged.rows == 4
        assert {name.rpartition("/")[0] for name in files} == {"p=a%2Fb", "p=__HIVE_DEFAULT_PARTITION__", "p=c d"}
        assert all(path.name.startswith("s") for path in files.values())
        assert staged.extension == format
        (path,) = (path for name, path in files.items() if name.startswith("p=c d"))
        match format:
            case "parquet":
                assert pq.read_table(path, partitioning=None).to_pylist() == [{"id": 4, "v": ""}]
            case "csv":
                assert path.read_text() == 'id,v\n4,""\n'
            case _:
                assert json.loads(path.read_text()) in ({"id": 4, "v": ""}, [{"id": 4, "v": ""}])

    @pytest.mark.parametrize(
        ("format", "codec", "extension"),
        [("csv", "gzip", "csv.gz"), ("jsonl", "gzip", "jsonl.gz"), ("parquet", "none", "parquet")],
    )
    @needs("writes", "{format}")
    def test_compression(self, source: object, stage: Stage, *, format: str, codec: str, extension: str) -> None:  # noqa: A002
        staged, files = stage(source, format, options={"compression": codec}, single_file=True)
        (path,) = files.values()
        assert staged.extension == extension
        if format == "parquet":
            assert pq.read_metadata(path).row_group(0).column(0).compression == "UNCOMPRESSED"
        else:
            assert gzip.decompress(path.read_bytes()).count(b"\n") >= 4

    @needs("writes", "parquet")
    def test_types_are_stored_as_other_readers_know_them(self, frame: Frame, stage: Stage) -> None:
        wall = datetime(2024, 1, 1)  # noqa: DTZ001 - a time without zone
        kinds = {"t": pa.timestamp("us", "UTC"), "w": pa.timestamp("us"), "d": pa.decimal128(12, 2), "n": pa.int8()}
        values = {"t": wall.replace(tzinfo=UTC), "w": wall, "d": None, "n": 1}
        table = pa.table({name: pa.array([values[name]], kind) for name, kind in kinds.items()})
        _, files = stage(frame(table), "parquet")
        (found,) = (pq.read_table(path) for path in files.values() if pq.read_metadata(path).num_rows)
        assert {field.name: field.type for field in found.schema} == kinds
        assert found.to_pylist() == [values]

    @pytest.mark.parametrize("format", ["parquet", "csv"])
    @needs("writes", "{format}")
    def test_observations_come_from_the_pass(self, engine: Engine, source: object, stage: Stage, format: str) -> None:  # noqa: A002
        frames, moment = engine.frames, datetime(2024, 1, 1, tzinfo=UTC)
        whole, first = frames.observed(frames.with_columns(source, {"at": lit(moment)}), {"all": count()})
        asked = {
            "kept": count(),
            "top": agg("max", col("ID")),
            "empty": agg("count_if", parse("v = ''")),
            "at": agg("max", col("at")),
        }
        kept, second = frames.observed(frames.filter(whole, parse("id > 1")), asked)
        staged, _ = stage(frames.select(kept, {"id": col("id")}), format, observe={**first, **second})
        assert staged.observed == {"all": 4, "kept": 3, "top": 4, "empty": 1, "at": moment}
        assert staged.observed["at"].tzinfo is UTC  # type: ignore[attr-defined] # a moment
        assert staged.rows == 3

    @pytest.mark.parametrize("format", FORMATS)
    @needs("writes", "{format}")
    def test_no_rows_and_many(self, engine: Engine, frame: Frame, stage: Stage, format: str) -> None:  # noqa: A002
        many = frame(id=list(range(20_000)), t=["line\nfeed, and comma"] * 20_000)
        staged, files = stage(many, format)
        assert (staged.rows, bool(files)) == (20_000, True)
        if format == "parquet":
            assert rows_of(pa.concat_tables(map(pq.read_table, files.values())).select(["id"]))[-1] == (9_999,)
        staged, files = stage(engine.frames.filter(many, parse("id < 0")), format, single_file=True)
        assert (staged.rows, len(files)) == (0, 1)

    @pytest.mark.parametrize(
        ("format", "options", "message"),
        [
            ("csv", {"seperator": ";"}, r"write_options of csv.*'seperator'"),
            ("parquet", {"compression": "lzop"}, "compression: 'lzop'; it takes one of"),
            ("json", {"compression": "gzip"}, "write_options of json"),
        ],
    )
    @needs("writes", "{format}")
    def test_write_options_that_can_not_be_honoured_are_named(
        self,
        source: object,
        stage: Stage,
        tmp_path: Path,
        *,
        format: str,  # noqa: A002
        options: Mapping[str, object],
        message: str,
    ) -> None:
        with pytest.raises(ConfigurationError, match=message):
            stage(source, format, options=options)
        assert not list(tmp_path.iterdir())

    def test_a_format_that_can_not_be_written(self, source: object, stage: Stage) -> None:
        with pytest.raises(EngineError, match=r"can't write 'paquet' files.*Did you mean 'parquet'\?"):
            stage(source, "paquet")

    @pytest.mark.parametrize("format", FORMATS)
    @needs("writes", "{format}")
    def test_a_transformation_that_fails_is_told(
        self,
        engine: Engine,
        source: object,
        stage: Stage,
        format: str,  # noqa: A002
    ) -> None:
        broken = engine.frames.with_columns(source, {"n": parse("cast(v as int)")})
        with pytest.raises(TransformError, match="CAST_INVALID_INPUT"):
            stage(broken, format, partition_by=("p",))

    @needs("writes", "parquet")
    def test_a_folder_that_is_a_file(self, source: object, stage: Stage, tmp_path: Path) -> None:
        (tmp_path / "out-0").write_text("")
        with pytest.raises(DestinationError, match="out-0: "):
            stage(source, "parquet")
        assert (tmp_path / "out-0").is_file()


def _text(files: dict[str, Path]) -> str:
    (path,) = files.values()
    return path.read_bytes().decode()
