"""Many files as one frame: one schema from all of them, partition columns, and columns about the files."""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql.types import StringType as SparkString
from pyspark.sql.types import StructField, StructType, TimestampType

from datacoolie.core.exceptions import EngineError, SourceError
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.engines.partitions import NULL, type_of_values, values_of_folders
from datacoolie.engines.schemas import union, widest
from datacoolie_engine_spark.columns import quoted
from datacoolie_engine_spark.failures import translated
from datacoolie_engine_spark.faults import remember
from datacoolie_engine_spark.files.avro import AvroReader
from datacoolie_engine_spark.files.csv import CsvReader
from datacoolie_engine_spark.files.excel import ExcelReader
from datacoolie_engine_spark.files.json import JsonLinesReader, JsonReader
from datacoolie_engine_spark.files.parquet import ParquetReader
from datacoolie_engine_spark.files.paths import is_hidden, text
from datacoolie_engine_spark.files.readers import MODIFIED, PATH, Reader
from datacoolie_engine_spark.types import struct_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

    from datacoolie.core.types import Schema
    from datacoolie.engines import FileScan

READERS: dict[str, type[Reader]] = {
    reader.format: reader for reader in (ParquetReader, CsvReader, JsonReader, JsonLinesReader, AvroReader, ExcelReader)
}

_NAME = "__file_name"


def scan(request: FileScan, session: SparkSession) -> DataFrame:
    """Return the rows of the files of `request`.

    Raises:
        ConfigurationError: an option can't be honoured.
        EngineError: the format is not known.
        SourceError: a file can't be read, or the types of a column don't fit each other.
    """
    reader = _reader(request, session)
    _refuse_hidden(request)
    remember([file.path for file in request.files], reader.fault)
    groups = reader.groups(request.files)
    merged = union(((files[0].path, schema) for schema, files in groups), widest=widest, text=str)
    target = reader.types(merged, merged)
    if not target:
        return session.createDataFrame([], StructType())
    with translated():
        frames = [_conformed(reader.read(files, reader.types(schema, merged)), target) for schema, files in groups]
        return _finished(reduce(lambda one, other: one.unionByName(other), frames), target, request)


def _reader(request: FileScan, session: SparkSession) -> Reader:
    kind = READERS.get(request.format)
    if kind is None:
        near = did_you_mean(request.format, READERS)
        message = f"The engine 'spark' can't read {request.format!r} files. Possible: {listed(READERS)}.{near}"
        raise EngineError(message, {"format": request.format})
    return kind(request, session)


def _refuse_hidden(request: FileScan) -> None:
    for file in request.files:
        if is_hidden(file.path):
            message = f"{file.path}: Spark passes over files whose names begin with '_' or '.'; rename it"
            raise SourceError(message, {"path": file.path})


def _conformed(frame: DataFrame, target: Schema) -> DataFrame:
    """Bring a frame to the columns, spellings, order and types of all files; missing columns and fields are null."""
    about = [StructField(PATH, SparkString()), StructField(MODIFIED, TimestampType())]
    return frame.to(StructType([*struct_of(target).fields, *about]))


def _finished(frame: DataFrame, target: Schema, request: FileScan) -> DataFrame:
    """Add partition columns, before which a column of that name in the files gives way, and wanted file columns."""
    hive = _hive(request) if request.hive_partitioning else {}
    columns = [f"{hive.pop(name, quoted(name))} AS {quoted(name)}" for name in target]
    columns += [f"{value} AS {quoted(name)}" for name, value in hive.items()]
    about = {PATH: PATH, _NAME: f"regexp_extract({PATH}, '[^/]*$', 0)", MODIFIED: MODIFIED}
    columns += [f"{value} AS {name}" for name, value in about.items() if name in request.file_columns]
    return frame.selectExpr(*columns)


def _hive(request: FileScan) -> dict[str, str]:
    """Return the SQL of each partition column."""
    values = [values_of_folders(file.path, request.root) for file in request.files]
    names = dict.fromkeys(name for one in values for name in one)
    folders = {part.partition("=")[0] for file in request.files for part in file.path.split("/")[:-1] if "=" in part}
    return {name: _of_folder(name, sorted(folders), [one.get(name) for one in values], request.root) for name in names}


def _of_folder(name: str, folders: Sequence[str], values: Sequence[str | None], root: str) -> str:
    """Return the SQL of the value of a partition column, from the path of a row's file."""
    written = [folder for folder in folders if next(iter(values_of_folders(f"/{folder}=/f", "")), None) == name]
    names = "|".join(re.escape(one) for one in written)
    below = f"substring({PATH}, {len(root.rstrip('/')) + 1})"
    pattern = text(f".*/(?:{names})=([^/]*)/")
    value = f"regexp_extract({below}, {pattern}, 1)"
    decoded = f"coalesce(try_url_decode(replace({value}, '+', '%2B')), {value})"
    found = f"CASE WHEN {below} RLIKE {pattern} THEN nullif({value}, '{NULL}') END"
    return f"CAST(CASE WHEN {found} IS NOT NULL THEN {decoded} END AS {type_of_values(values)})"
