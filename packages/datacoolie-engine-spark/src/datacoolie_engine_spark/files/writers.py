"""Writing files: how Spark writes each format under the `write_options` that all engines have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from datacoolie.core.exceptions import EngineError
from datacoolie.core.models.enums import Format
from datacoolie.core.models.options import WRITE_OPTIONS
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.core.types import ArrayType, DecimalType, MapType, NullType, StringType, StructType
from datacoolie.engines.evolution import check_new
from datacoolie.engines.textual import check_text
from datacoolie.engines.writing import avro_writing, csv_writing, json_writing, jsonl_writing, parquet_writing
from datacoolie_engine_spark.columns import column, quoted
from datacoolie_engine_spark.files.paths import text
from datacoolie_engine_spark.files.readers import native

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame, DataFrameWriter

    from datacoolie.core.types import DataType, Schema
    from datacoolie.engines import FileWrite

_TEXT_CODECS = {"none": "none", "uncompressed": "none", "gzip": "gzip"}
_TEXT_ENDINGS = {"none": "", "gzip": ".gz"}
_PARQUET_CODECS = {
    "zstd": "zstd", "snappy": "snappy", "gzip": "gzip", "lz4": "lz4_raw", "lz4_raw": "lz4_raw",
    "none": "uncompressed", "uncompressed": "uncompressed",
}  # fmt: skip
_AVRO_CODECS = {"snappy": "snappy", "deflate": "deflate", "uncompressed": "uncompressed"}
_TIMES = {
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}
_JSON_TEXT = {**_TIMES, "ignoreNullFields": "false"}


class Writer(ABC):
    """Writes files of one format under the options of one write.

    Attributes:
        extension: how names of files end, without the first dot.
    """

    format: ClassVar[str]
    spark_format: ClassVar[str]

    def __init__(self, given: Mapping[str, object]) -> None:
        """Check the options.

        Raises:
            ConfigurationError: an option can't be honoured.
        """
        self.options: dict[str, object] = {}
        self.extension = self.format
        self.configure(given)

    @abstractmethod
    def configure(self, given: Mapping[str, object]) -> None:
        """Check the options and keep what they mean.

        Raises:
            ConfigurationError: an option can't be honoured.
        """

    def check(self, schema: Schema, where: str) -> None:
        """Make sure that the format holds these columns.

        Raises:
            DestinationError: it has no such type.
        """
        check_text(self.format, schema, where)

    def write(self, frame: DataFrame, schema: Schema, request: FileWrite[DataFrame]) -> None:
        """Write the rows in one job."""
        frame = frame.coalesce(1) if request.single_file else frame
        self.writer(self.prepared(frame, schema), request).save(request.folder)

    def prepared(self, frame: DataFrame, schema: Schema) -> DataFrame:
        """Return the rows as Spark is to write them."""
        del schema
        return frame

    def writer(self, frame: DataFrame, request: FileWrite[DataFrame]) -> DataFrameWriter:
        """Return what writes a frame."""
        options = {"mapreduce.output.basename": request.stem, **self.options}
        writer = frame.write.format(self.spark_format).options(**options)  # type: ignore[arg-type] # Spark takes any value
        return writer.partitionBy(*request.partition_by) if request.partition_by else writer


class ParquetWriter(Writer):
    """Parquet, snappy unless `compression` is given."""

    format: ClassVar[str] = "parquet"
    spark_format: ClassVar[str] = "parquet"

    def configure(self, given: Mapping[str, object]) -> None:
        """Translate the options."""
        found = parquet_writing(given, native(WRITE_OPTIONS[Format.PARQUET], ["compression"]), _PARQUET_CODECS)
        self.options = {**found.native, "compression": found.codec}

    def check(self, schema: Schema, where: str) -> None:
        """Refuse columns without a type."""
        check_new(schema, where)


class AvroWriter(Writer):
    """Avro, snappy unless `compression` is given."""

    format: ClassVar[str] = "avro"
    spark_format: ClassVar[str] = "avro"

    def configure(self, given: Mapping[str, object]) -> None:
        """Translate the options."""
        reserved = ("compression", "recordName")
        found = avro_writing(given, native(WRITE_OPTIONS[Format.AVRO], reserved), _AVRO_CODECS)
        self.options = {**found.native, "compression": found.codec, "recordName": found.record}

    def check(self, schema: Schema, where: str) -> None:
        """Refuse columns without a type."""
        check_new(schema, where)


class CsvWriter(Writer):
    """CSV; a header is written unless `header` is false."""

    format: ClassVar[str] = "csv"
    spark_format: ClassVar[str] = "csv"

    def configure(self, given: Mapping[str, object]) -> None:
        """Translate the options."""
        found = csv_writing(given, native(("maxRecordsPerFile",)), _TEXT_CODECS)
        self.extension = f"csv{_TEXT_ENDINGS[found.codec]}"
        self.options = {
            **_TIMES,
            "header": found.header,
            "sep": found.separator,
            "quote": found.quote,
            "escape": found.quote,
            "nullValue": found.null,
            "emptyValue": '""',
            "lineSep": found.line_end,
            "quoteAll": found.quote_all,
            "ignoreLeadingWhiteSpace": False,
            "ignoreTrailingWhiteSpace": False,
            "compression": found.codec,
            **found.native,
        }

    def prepared(self, frame: DataFrame, schema: Schema) -> DataFrame:
        """Make what is always null empty text."""
        return _as(frame, schema, {NullType: StringType()})


class JsonLinesWriter(Writer):
    """JSON lines: every line has all fields, null or not; decimals are text, which keeps all of their digits."""

    format: ClassVar[str] = "jsonl"
    spark_format: ClassVar[str] = "json"

    def configure(self, given: Mapping[str, object]) -> None:
        """Translate the options."""
        found = jsonl_writing(given, native(("maxRecordsPerFile",)), _TEXT_CODECS)
        self.extension = f"jsonl{_TEXT_ENDINGS[found.codec]}"
        self.options = {**_TIMES, "ignoreNullFields": False, "compression": found.codec, **found.native}

    def prepared(self, frame: DataFrame, schema: Schema) -> DataFrame:
        """Make decimals text, and what is always null a text that is null."""
        return _as(frame, schema, {NullType: StringType(), DecimalType: StringType()})


class JsonWriter(JsonLinesWriter):
    """JSON documents, each an array of records."""

    format: ClassVar[str] = "json"
    spark_format: ClassVar[str] = "text"

    def configure(self, given: Mapping[str, object]) -> None:
        """Check the options."""
        self.options = dict(json_writing(given, native(())).native)

    def write(self, frame: DataFrame, schema: Schema, request: FileWrite[DataFrame]) -> None:
        """Write one document for all rows, or for those of each partition: a row of text, in a file of its own."""
        keys = [quoted(key) for key in request.partition_by]
        fields = ", ".join(quoted(name) for name in schema if name not in request.partition_by)
        options = ", ".join(f"'{name}', {text(value)}" for name, value in _JSON_TEXT.items())
        rows = self.prepared(frame, schema).selectExpr(*keys, f"to_json(struct({fields}), map({options})) AS record")
        document = column(frame, "concat('[', array_join(collect_list(record), ',\\n'), ']')")
        documents = rows.groupBy(*keys).agg(document.alias("document"))
        self.writer(documents, request).option("maxRecordsPerFile", 1).save(request.folder)


def _as(frame: DataFrame, schema: Schema, kinds: Mapping[type[DataType], DataType]) -> DataFrame:
    """Cast columns, and what is inside of them, of some types to others."""
    target = {name: _replaced(kind, kinds) for name, kind in schema.items()}
    if target == dict(schema):
        return frame
    return frame.selectExpr(*(f"CAST({quoted(name)} AS {kind}) AS {quoted(name)}" for name, kind in target.items()))


def _replaced(kind: DataType, kinds: Mapping[type[DataType], DataType]) -> DataType:
    match kind:
        case ArrayType():
            return ArrayType(_replaced(kind.element, kinds))
        case MapType():
            return MapType(_replaced(kind.key, kinds), _replaced(kind.value, kinds))
        case StructType():
            return StructType(tuple((name, _replaced(inner, kinds)) for name, inner in kind.fields))
        case _:
            return kinds.get(type(kind), kind)


WRITERS: dict[str, type[Writer]] = {
    writer.format: writer for writer in (ParquetWriter, CsvWriter, JsonWriter, JsonLinesWriter, AvroWriter)
}


def writer_of(format: str, options: Mapping[str, object]) -> Writer:  # noqa: A002 - the word users know
    """Return what writes a format.

    Raises:
        ConfigurationError: an option can't be honoured.
        EngineError: the format can't be written.
    """
    kind = WRITERS.get(format)
    if kind is None:
        near = did_you_mean(format, WRITERS)
        message = f"The engine 'spark' can't write {format!r} files. Possible: {listed(WRITERS)}.{near}"
        raise EngineError(message, {"format": format})
    return kind(options)
