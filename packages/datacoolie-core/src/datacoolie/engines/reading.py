"""What `read_options` mean, the same on every engine: names of Spark, and which values can be honoured."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.engines.options import NativeOptions, Options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CSV = (
    "header", "inferSchema", "samplingRatio", "sep", "delimiter", "quote", "escape", "encoding", "charset",
    "nullValue", "emptyValue", "comment", "multiLine", "mode", "lineSep", "mergeSchema",
    "ignoreLeadingWhiteSpace",
    "ignoreTrailingWhiteSpace",
)  # fmt: skip
_JSON = ("encoding", "charset", "mode", "multiLine", "samplingRatio", "mergeSchema")
_UTF8 = dict.fromkeys(("utf-8", "utf8"), "utf8")
_ASCII_TOO = {**_UTF8, **dict.fromkeys(("us-ascii", "ascii"), "utf8")}

CSV_SAMPLE = 10_000
"""Rows of each file from which types are inferred, unless `samplingRatio` asks for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvReading:
    """How CSV files are read: null is what is empty and not quoted, and `null`; a quote inside of quotes is doubled.

    Attributes:
        header: the first row has the names of the columns; otherwise they are `_c0`, `_c1`, ...
        infer: columns have the types of their values, instead of being text.
        sample: rows of each file to infer types from; `None` for all.
        separator: one character between fields.
        quote: one character around fields; empty for none.
        comment: rows that begin with it are left out.
        line_end: one character at the end of rows, before which a carriage return is left out.
        null: a text that is null too.
        multi_line: fields in quotes may have line feeds.
        native: the engine's own options.
    """

    header: bool
    infer: bool
    sample: int | None
    separator: str
    quote: str
    comment: str | None
    line_end: str
    null: str | None
    multi_line: bool
    native: Mapping[str, object]


def csv_reading(given: Mapping[str, object], native: NativeOptions) -> CsvReading:
    """Return what `read_options` of CSV mean.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    found = Options(given, what="read_options", format="csv", possible=_CSV, native=native)
    found.choice("encoding", _ASCII_TOO, str(found.text("charset") or "utf-8"))
    found.choice("mode", {"failfast": "", "permissive": ""}, "FAILFAST")
    found.fixed("mergeSchema", "true")
    for name in ("ignoreLeadingWhiteSpace", "ignoreTrailingWhiteSpace"):
        found.fixed(name, "false")
    found.fixed("emptyValue", "")
    quote = found.character("quote")
    found.fixed("escape", *({'"', quote} - {None}))
    found.fixed("samplingRatio", "1.0", "1")
    return CsvReading(
        header=found.flag("header", default=True),
        infer=found.flag("inferSchema", default=False),
        sample=None if found.text("samplingRatio") else CSV_SAMPLE,
        separator=found.character("sep", "delimiter") or ",",
        quote='"' if quote is None else quote,
        comment=found.character("comment"),
        line_end=found.character("lineSep") or "\n",
        null=found.text("nullValue"),
        multi_line=found.flag("multiLine", default=True),
        native=found.native,
    )


def json_reading(
    given: Mapping[str, object],
    native: NativeOptions,
    *,
    format: str,  # noqa: A002 - the word users know
    multi_line: bool,
) -> dict[str, object]:
    """Check the `read_options` of JSON, which change nothing, and return the engine's own options.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    found = Options(given, what="read_options", format=format, possible=_JSON, native=native)
    found.choice("encoding", _UTF8, str(found.text("charset") or "utf-8"))
    found.choice("mode", {"failfast": ""}, "FAILFAST")
    found.fixed("multiLine", multi_line)
    found.fixed("mergeSchema", "true")
    found.fixed("samplingRatio", "1.0", "1")
    return found.native


def parquet_reading(given: Mapping[str, object], native: NativeOptions) -> dict[str, object]:
    """Check the `read_options` of Parquet, which change nothing, and return the engine's own options.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    found = Options(given, what="read_options", format="parquet", possible=["mergeSchema"], native=native)
    found.fixed("mergeSchema", "true")
    return found.native


def avro_reading(given: Mapping[str, object], native: NativeOptions) -> dict[str, object]:
    """Check the `read_options` of Avro, which change nothing, and return the engine's own options.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    possible = ["ignoreExtension", "mode", "datetimeRebaseMode", "positionalFieldMatching"]
    found = Options(given, what="read_options", format="avro", possible=possible, native=native)
    found.fixed("ignoreExtension", "true")
    found.fixed("mode", "FAILFAST")
    found.fixed("datetimeRebaseMode", "CORRECTED", "EXCEPTION")
    found.fixed("positionalFieldMatching", "false")
    return found.native


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcelReading:
    """How workbooks are read.

    Attributes:
        sheet: its name; `None` for the first one.
        header: the first row has the names of the columns; otherwise they are `_c0`, `_c1`, ...
    """

    sheet: str | None
    header: bool


def excel_reading(given: Mapping[str, object], *, engine: str) -> ExcelReading:
    """Return what `read_options` of Excel mean.

    Raises:
        ConfigurationError: an option can't be honoured, or the library that reads workbooks is not installed.
    """
    native = NativeOptions(engine=engine, possible=())
    possible = ["sheet_name", "header", "inferSchema"]
    found = Options(given, what="read_options", format="excel", possible=possible, native=native)
    found.fixed("inferSchema", "true")
    if find_spec("fastexcel") is None:
        message = "Reading Excel files needs fastexcel: pip install 'datacoolie-core[excel]'"
        raise ConfigurationError(message)
    return ExcelReading(sheet=found.text("sheet_name"), header=found.flag("header", default=True))


def header_names(fields: Sequence[str]) -> list[str]:
    """Return the columns that a header names, as Spark does.

    A field without a name is called `_c` and its number; each of several equal ones, in any case, gets its number.
    """
    counts = Counter(field.lower() for field in fields)
    return [
        f"_c{at}" if not field else f"{field}{at}" if counts[field.lower()] > 1 else field
        for at, field in enumerate(fields)
    ]
