"""What `write_options` mean, the same on every engine: names of Spark, and which values can be honoured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacoolie.engines.options import Options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.engines.options import NativeOptions

_CSV = ("header", "sep", "delimiter", "quote", "escape", "nullValue", "emptyValue", "lineSep", "quoteAll",
        "compression", "encoding")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How files are written.

    Attributes:
        codec: the engine's word for how they are compressed.
        native: the engine's own options.
    """

    codec: str
    native: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvWriting(Writing):
    r"""How CSV files are written: empty text is `""`, points in time are in UTC as `2024-05-01T10:00:00.000000Z`.

    Attributes:
        header: the first row has the names of the columns.
        separator: one character between fields.
        quote: one character around fields that need it; doubled inside of them.
        null: the text of null.
        line_end: what rows end with.
        quote_all: all fields are quoted.
    """

    header: bool
    separator: str
    quote: str
    null: str
    line_end: str
    quote_all: bool


def csv_writing(given: Mapping[str, object], native: NativeOptions, codecs: Mapping[str, str]) -> CsvWriting:
    """Return what `write_options` of CSV mean; `codecs` are the engine's words for compressions.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    found = Options(given, what="write_options", format="csv", possible=_CSV, native=native)
    quote = found.character("quote") or '"'
    found.fixed("escape", quote)
    found.fixed("emptyValue", '""')
    found.fixed("encoding", "utf-8", "utf8")
    return CsvWriting(
        header=found.flag("header", default=True),
        separator=found.character("sep", "delimiter") or ",",
        quote=quote,
        null=found.text("nullValue") or "",
        line_end=found.text("lineSep") or "\n",
        quote_all=found.flag("quoteAll", default=False),
        codec=found.choice("compression", codecs, "none"),
        native=found.native,
    )


def jsonl_writing(given: Mapping[str, object], native: NativeOptions, codecs: Mapping[str, str]) -> Writing:
    """Return what `write_options` of JSON lines mean: every line has all fields, null or not.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    possible = ["compression", "ignoreNullFields", "encoding"]
    found = Options(given, what="write_options", format="jsonl", possible=possible, native=native)
    found.fixed("ignoreNullFields", "false")
    found.fixed("encoding", "utf-8", "utf8")
    return Writing(codec=found.choice("compression", codecs, "none"), native=found.native)


def json_writing(given: Mapping[str, object], native: NativeOptions) -> Writing:
    """Return what `write_options` of JSON documents mean: every record has all fields, null or not.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    found = Options(
        given, what="write_options", format="json", possible=["ignoreNullFields", "encoding"], native=native
    )
    found.fixed("ignoreNullFields", "false")
    found.fixed("encoding", "utf-8", "utf8")
    return Writing(codec="", native=found.native)


def parquet_writing(
    given: Mapping[str, object], native: NativeOptions, codecs: Mapping[str, str], *, what: str = "parquet"
) -> Writing:
    """Return what `write_options` of Parquet mean: snappy unless `compression` is given.

    Args:
        given: `write_options`.
        native: the engine, and its own options.
        codecs: the engine's words for compressions.
        what: the format that users know.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    found = Options(given, what="write_options", format=what, possible=["compression"], native=native)
    return Writing(codec=found.choice("compression", codecs, "snappy"), native=found.native)


@dataclass(frozen=True, slots=True, kw_only=True)
class AvroWriting(Writing):
    """How Avro files are written.

    Attributes:
        record: the name of the type of rows.
    """

    record: str


def avro_writing(given: Mapping[str, object], native: NativeOptions, codecs: Mapping[str, str]) -> AvroWriting:
    """Return what `write_options` of Avro mean: snappy unless `compression` is given.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    possible = ["compression", "recordName"]
    found = Options(given, what="write_options", format="avro", possible=possible, native=native)
    return AvroWriting(
        codec=found.choice("compression", codecs, "snappy"),
        record=found.text("recordName") or "topLevelRecord",
        native=found.native,
    )
