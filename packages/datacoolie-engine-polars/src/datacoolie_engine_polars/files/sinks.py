"""Writing files: the lazy sink of each format under Spark's `write_options`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from datacoolie.core.exceptions import EngineError
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie_engine_polars.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from polars.io.partition import SinkedPathsCallbackArgs

    from datacoolie_engine_polars.staging import Sink

    Callback = Callable[[SinkedPathsCallbackArgs], None]

_RESERVED = frozenset({
    "path", "lazy", "engine", "optimizations", "storage_options", "credential_provider", "sinked_paths_callback", "mkdir",
})  # fmt: skip

_PARQUET_CODECS = {
    "snappy": "snappy", "zstd": "zstd", "gzip": "gzip", "lz4": "lz4", "lz4_raw": "lz4", "brotli": "brotli",
    "none": "uncompressed", "uncompressed": "uncompressed",
}  # fmt: skip

_TEXT_CODECS = {"none": "uncompressed", "uncompressed": "uncompressed", "gzip": "gzip", "zstd": "zstd"}


def parquet_sink(given: Mapping[str, object], *, what: str = "parquet") -> Sink:
    """Return the sink for Parquet; snappy is the default, as Spark's and Delta's.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    options = Options(
        given,
        what="write_options",
        format=what,
        possible=["compression"],
        native=pl.LazyFrame.sink_parquet,
        reserved=_RESERVED,
    )
    settings = {"compression": options.choice("compression", _PARQUET_CODECS, "snappy"), **options.native}

    def sink(frame: pl.LazyFrame, target: pl.PartitionBy, callback: Callback) -> pl.LazyFrame:
        return frame.sink_parquet(target, lazy=True, mkdir=True, sinked_paths_callback=callback, **settings)  # type: ignore[call-overload, no-any-return] # checked by Options

    return sink


def csv_sink(given: Mapping[str, object]) -> Sink:
    """Return the sink for CSV; a header is written unless `header` is false.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    options = Options(
        given,
        what="write_options",
        format="csv",
        possible=["header", "sep", "quote", "nullValue", "lineSep", "quoteAll", "compression", "encoding"],
        native=pl.LazyFrame.sink_csv,
        reserved=_RESERVED,
    )
    options.fixed("encoding", "utf-8", "utf8")
    settings = {
        "include_header": options.flag("header", default=True),
        "separator": options.character("sep") or ",",
        "quote_char": options.character("quote") or '"',
        "null_value": options.text("nullValue") or "",
        "line_terminator": options.text("lineSep") or "\n",
        "quote_style": "always" if options.flag("quoteAll", default=False) else "necessary",
        "compression": options.choice("compression", _TEXT_CODECS, "none"),
        "check_extension": False,
        **options.native,
    }

    def sink(frame: pl.LazyFrame, target: pl.PartitionBy, _: Callback) -> pl.LazyFrame:
        return frame.sink_csv(target, lazy=True, mkdir=True, **settings)  # type: ignore[call-overload, no-any-return] # checked by Options

    return sink


def jsonl_sink(given: Mapping[str, object]) -> Sink:
    """Return the sink for JSON lines.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    options = Options(
        given,
        what="write_options",
        format="jsonl",
        possible=["compression", "ignoreNullFields", "encoding"],
        native=pl.LazyFrame.sink_ndjson,
        reserved=_RESERVED,
    )
    options.fixed("ignoreNullFields", False)
    options.fixed("encoding", "utf-8", "utf8")
    settings = {
        "compression": options.choice("compression", _TEXT_CODECS, "none"),
        "check_extension": False,
        **options.native,
    }

    def sink(frame: pl.LazyFrame, target: pl.PartitionBy, _: Callback) -> pl.LazyFrame:
        return frame.sink_ndjson(target, lazy=True, mkdir=True, **settings)  # type: ignore[call-overload, no-any-return] # checked by Options

    return sink


SINKS: dict[str, Callable[[Mapping[str, object]], Sink]] = {
    "parquet": parquet_sink,
    "csv": csv_sink,
    "jsonl": jsonl_sink,
}
"""How each format is written."""

COUNTS = frozenset({"parquet"})
"""Formats whose sink reports the rows of each file."""


def sink_of(format: str, options: Mapping[str, object]) -> Sink:  # noqa: A002 - the word users know
    """Return the sink for a format.

    Raises:
        ConfigurationError: an option can't be honoured.
        EngineError: the format can't be written.
    """
    if format not in SINKS:
        message = (
            f"The engine 'polars' can't write {format!r} files. Possible: {listed(SINKS)}.{did_you_mean(format, SINKS)}"
        )
        raise EngineError(message, {"format": format})
    return SINKS[format](options)
