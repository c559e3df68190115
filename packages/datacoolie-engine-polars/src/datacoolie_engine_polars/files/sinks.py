"""Writing files: the lazy sink of each format under Spark's `write_options`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from datacoolie.core.exceptions import EngineError
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.engines.writing import Writing, avro_writing, csv_writing, json_writing, jsonl_writing, parquet_writing
from datacoolie_engine_polars.files.avro_writing import arrow_to_avro, check_avro
from datacoolie_engine_polars.options import parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from polars.io.partition import SinkedPathsCallbackArgs

    from datacoolie_engine_polars.access import Arguments
    from datacoolie_engine_polars.staging import Destination, Sink

    Callback = Callable[[SinkedPathsCallbackArgs], None]

_RESERVED = frozenset({
    "path", "lazy", "engine", "optimizations", "storage_options", "credential_provider", "sinked_paths_callback",
    "mkdir", "compression", "check_extension", "arrow_schema",
})  # fmt: skip
_CSV_RESERVED = _RESERVED | {
    "include_header", "separator", "quote_char", "null_value", "line_terminator", "quote_style",
}  # fmt: skip

_PARQUET_CODECS = {
    "zstd": "zstd", "snappy": "snappy", "gzip": "gzip", "lz4": "lz4", "lz4_raw": "lz4", "brotli": "brotli",
    "none": "uncompressed", "uncompressed": "uncompressed",
}  # fmt: skip
_TEXT_CODECS = {"none": "uncompressed", "uncompressed": "uncompressed", "gzip": "gzip", "zstd": "zstd"}
_AVRO_CODECS = {"snappy": "snappy", "deflate": "deflate", "uncompressed": "uncompressed"}
_TEXT_ENDINGS = {"uncompressed": "", "gzip": ".gz", "zstd": ".zst"}

_PARTITIONED_ROW_GROUP = 40_000
"""Rows of a row group where many partitions are open at once, each with a row group in memory."""

_PIECE = 1 << 20
"""Bytes that are rewritten at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatSink:
    """How a format is written.

    Attributes:
        sink: adds the lazy sink to a plan.
        extension: how names of files end, without the first dot.
        counts: the sink's callback reports the rows of each file; such a sink may also be split by size.
        finish: what is done with each file after the pass.
        check: makes sure that a schema can be written; raises `DestinationError`.
    """

    sink: Sink
    extension: str
    counts: bool = False
    finish: Callable[[str], None] | None = None
    check: Callable[[pl.Schema], None] | None = None


def parquet_compression(given: Mapping[str, object], *, what: str) -> str:
    """Return the codec for Parquet files: `compression`, by default snappy.

    Raises:
        ConfigurationError: there is no such codec, or an option can't be honoured.
    """
    return _parquet(given, what).codec


def parquet_sink(
    given: Mapping[str, object], *, partitioned: bool, what: str = "parquet", arrow_schema: object = None
) -> FormatSink:
    """Return the sink for Parquet, snappy unless `compression` is given, as Spark and Delta do.

    Args:
        given: `write_options`.
        partitioned: many files are open at once.
        what: the format that users know.
        arrow_schema: columns with metadata, such as field ids, that the files are to have.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    options = _parquet(given, what)
    settings = {
        "compression": options.codec,
        **({"row_group_size": _PARTITIONED_ROW_GROUP} if partitioned else {}),
        **({"arrow_schema": arrow_schema} if arrow_schema else {}),
        **options.native,
    }

    def sink(frame: pl.LazyFrame, target: Destination, callback: Callback, place: Arguments) -> pl.LazyFrame:
        return frame.sink_parquet(target, lazy=True, mkdir=True, sinked_paths_callback=callback, **place, **settings)  # type: ignore[call-overload, no-any-return] # checked by Options

    return FormatSink(sink=sink, extension="parquet", counts=True)


def _parquet(given: Mapping[str, object], what: str) -> Writing:
    return parquet_writing(given, parameters(pl.LazyFrame.sink_parquet, _RESERVED), _PARQUET_CODECS, what=what)


def csv_sink(given: Mapping[str, object]) -> FormatSink:
    """Return the sink for CSV. A header is written unless `header` is false; null is empty and empty text is `""`.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    options = csv_writing(given, parameters(pl.LazyFrame.sink_csv, _CSV_RESERVED), _TEXT_CODECS)
    settings = {
        "include_header": options.header,
        "separator": options.separator,
        "quote_char": options.quote,
        "null_value": options.null,
        "line_terminator": options.line_end,
        "quote_style": "always" if options.quote_all else "necessary",
        "compression": options.codec,
        "check_extension": False,
        **options.native,
    }

    def sink(frame: pl.LazyFrame, target: Destination, _: Callback, place: Arguments) -> pl.LazyFrame:
        return frame.sink_csv(target, lazy=True, mkdir=True, **place, **settings)  # type: ignore[call-overload, no-any-return] # checked by Options

    return FormatSink(sink=sink, extension=f"csv{_TEXT_ENDINGS[options.codec]}")


def jsonl_sink(given: Mapping[str, object]) -> FormatSink:
    """Return the sink for JSON lines; every line has all fields, null or not.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    options = jsonl_writing(given, parameters(pl.LazyFrame.sink_ndjson, _RESERVED), _TEXT_CODECS)
    return FormatSink(sink=_lines(options.codec, options.native), extension=f"jsonl{_TEXT_ENDINGS[options.codec]}")


def json_sink(given: Mapping[str, object]) -> FormatSink:
    """Return the sink for JSON documents, each an array of records: lines, which become an array after the pass.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    options = json_writing(given, parameters(pl.LazyFrame.sink_ndjson, _RESERVED))
    return FormatSink(sink=_lines("uncompressed", options.native), extension="json", finish=lines_to_array)


def avro_sink(given: Mapping[str, object]) -> FormatSink:
    """Return the sink for Avro, snappy unless `compression` is given: Arrow files, which become Avro after the pass.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    native = parameters(pl.DataFrame.write_avro, frozenset({"file", "compression", "name"}))
    options = avro_writing(given, native, _AVRO_CODECS)

    def sink(frame: pl.LazyFrame, target: Destination, callback: Callback, place: Arguments) -> pl.LazyFrame:
        return frame.sink_ipc(target, compression="lz4", lazy=True, mkdir=True, sinked_paths_callback=callback, **place)

    return FormatSink(
        sink=sink,
        extension="avro",
        counts=True,
        finish=lambda path: arrow_to_avro(path, codec=options.codec, record=options.record),
        check=check_avro,
    )


def _lines(codec: str, native: Mapping[str, object]) -> Sink:
    settings = {"compression": codec, "check_extension": False, **native}

    def sink(frame: pl.LazyFrame, target: Destination, _: Callback, place: Arguments) -> pl.LazyFrame:
        return frame.sink_ndjson(target, lazy=True, mkdir=True, **place, **settings)  # type: ignore[call-overload, no-any-return] # checked by Options

    return sink


def lines_to_array(path: str) -> None:
    """Make a file of JSON lines an array of the same records, a piece at a time.

    A line feed inside of a text is escaped in JSON, so each one in the file ends a record.

    Raises:
        OSError: the file can't be written.
    """
    lines = Path(f"{path}.lines")
    Path(path).replace(lines)
    try:
        with lines.open("rb") as source, Path(path).open("wb") as target:
            target.write(b"[")
            held = b""
            while piece := source.read(_PIECE):
                target.write(held.replace(b"\n", b",\n"))
                held = piece
            target.write(held.removesuffix(b"\n").replace(b"\n", b",\n") + b"]\n")
    finally:
        lines.unlink(missing_ok=True)


SINKS = ("parquet", "csv", "json", "jsonl", "avro")
"""The formats that can be written."""


def sink_of(format: str, options: Mapping[str, object], *, partitioned: bool) -> FormatSink:  # noqa: A002 - the word users know
    """Return the sink for a format.

    Raises:
        ConfigurationError: an option can't be honoured.
        EngineError: the format can't be written.
    """
    match format:
        case "parquet":
            return parquet_sink(options, partitioned=partitioned)
        case "csv":
            return csv_sink(options)
        case "json":
            return json_sink(options)
        case "jsonl":
            return jsonl_sink(options)
        case "avro":
            return avro_sink(options)
        case _:
            near = did_you_mean(format, SINKS)
            message = f"The engine 'polars' can't write {format!r} files. Possible: {listed(SINKS)}.{near}"
            raise EngineError(message, {"format": format})
