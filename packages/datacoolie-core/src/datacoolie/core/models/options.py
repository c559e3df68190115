"""The options of readers and writers: Spark's names, by format."""

from __future__ import annotations

from datacoolie.core.models.enums import Format
from datacoolie.core.models.forms import as_map

_FILES = "pathGlobFilter recursiveFileLookup modifiedBefore modifiedAfter ignoreCorruptFiles ignoreMissingFiles"
_TIMES = "dateFormat timestampFormat timestampNTZFormat timeZone locale"
_CSV = f"{_TIMES} sep encoding quote escape charToEscapeQuoteEscaping header nullValue emptyValue lineSep"
_CSV_SPACE = "ignoreLeadingWhiteSpace ignoreTrailingWhiteSpace"
_JSON = f"{_TIMES} encoding lineSep"
_JSON_READ = (
    f"{_FILES} {_JSON} multiLine primitivesAsString prefersDecimal allowComments allowUnquotedFieldNames "
    "allowSingleQuotes allowNumericLeadingZeros allowBackslashEscapingAnyCharacter allowNonNumericNumbers "
    "allowUnquotedControlChars mode columnNameOfCorruptRecord samplingRatio dropFieldIfAllNull "
    "enableDateTimeParsingFallback inferTimestamp"
)
_JSON_WRITE = f"{_JSON} compression ignoreNullFields writeNonAsciiCharacterAsCodePoint"

_READ: dict[Format, str] = {
    Format.PARQUET: f"{_FILES} mergeSchema datetimeRebaseMode int96RebaseMode",
    Format.CSV: (
        f"{_FILES} {_CSV} {_CSV_SPACE} comment inferSchema preferDate enforceSchema nanValue positiveInf negativeInf "
        "enableDateTimeParsingFallback maxColumns maxCharsPerColumn mode columnNameOfCorruptRecord multiLine "
        "samplingRatio unescapedQuoteHandling"
    ),
    Format.JSON: _JSON_READ,
    Format.JSONL: _JSON_READ,
    Format.AVRO: f"{_FILES} avroSchema avroSchemaUrl ignoreExtension mode datetimeRebaseMode positionalFieldMatching",
    Format.EXCEL: (
        f"{_FILES} sheet_name header inferSchema dataAddress nullValue treatEmptyValuesAsNulls "
        "dateFormat timestampFormat"
    ),
    Format.DELTA: (
        "versionAsOf timestampAsOf readChangeFeed startingVersion endingVersion startingTimestamp endingTimestamp"
    ),
    Format.ICEBERG: (
        "snapshot-id as-of-timestamp branch tag start-snapshot-id end-snapshot-id split-size lookback file-open-cost "
        "vectorization-enabled batch-size locality"
    ),
    Format.SQL: (
        "partitionColumn lowerBound upperBound numPartitions fetchsize queryTimeout sessionInitStatement customSchema "
        "pushDownPredicate pushDownAggregate pushDownLimit pushDownOffset preferTimestampNTZ"
    ),
}
_WRITE: dict[Format, str] = {
    Format.PARQUET: "compression compressionLevel maxRecordsPerFile rowGroupSize datetimeRebaseMode",
    Format.CSV: f"{_CSV} {_CSV_SPACE} compression escapeQuotes quoteAll maxRecordsPerFile",
    Format.JSON: f"{_JSON_WRITE} maxRecordsPerFile",
    Format.JSONL: f"{_JSON_WRITE} maxRecordsPerFile",
    Format.AVRO: "avroSchema recordName recordNamespace compression maxRecordsPerFile",
    Format.DELTA: "compression mergeSchema overwriteSchema maxRecordsPerFile optimizeWrite partitionOverwriteMode",
    Format.ICEBERG: (
        "write-format target-file-size-bytes check-nullability check-ordering fanout-enabled isolation-level "
        "compression-codec compression-level compression-strategy distribution-mode delete-granularity mergeSchema"
    ),
    Format.SQL: (
        "batchsize truncate cascadeTruncate createTableOptions createTableColumnTypes isolationLevel "
        "queryTimeout numPartitions"
    ),
}

READ_OPTIONS: dict[Format, frozenset[str]] = {format_: frozenset(names.split()) for format_, names in _READ.items()}
"""What `read_options` may hold, by format."""

WRITE_OPTIONS: dict[Format, frozenset[str]] = {format_: frozenset(names.split()) for format_, names in _WRITE.items()}
"""What `write_options` may hold, by format."""

_SPELLING = {name.lower(): name for names in (*READ_OPTIONS.values(), *WRITE_OPTIONS.values()) for name in names}
_SPELLING |= {"delimiter": "sep", "charset": "encoding", "sheetname": "sheet_name"}


def canonical_options(value: object) -> object:
    """Return options in Spark's spelling: its names are the same in any case, and some have a second one.

    Raises:
        ValueError: an option is given in two spellings.
    """
    options = as_map(value)
    if not isinstance(options, dict):
        return options
    spelled: dict[object, object] = {}
    for name, option in options.items():
        canonical = name if isinstance(option, dict) else canonical_name(name)
        if canonical in spelled:
            message = f"names the option {canonical!r} twice, the second time as {name!r}"
            raise ValueError(message)
        spelled[canonical] = option
    return spelled


def canonical_name(name: object) -> object:
    """Return an option's name in Spark's spelling; what is not known stays as it is."""
    return _SPELLING.get(name.lower(), name) if isinstance(name, str) else name
