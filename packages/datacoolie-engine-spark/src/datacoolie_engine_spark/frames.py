"""Relational operations on data frames, by SQL text: the same on classic sessions and on Spark Connect."""

from __future__ import annotations

import uuid
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from threading import local
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame

from datacoolie.core.exceptions import EngineError
from datacoolie.core.suggest import listed
from datacoolie.core.types import MapType
from datacoolie.engines import FrameOps
from datacoolie.sql import count
from datacoolie_engine_spark import observations
from datacoolie_engine_spark.columns import column, is_remote, quoted
from datacoolie_engine_spark.expressions import aggregate_text, expression_text
from datacoolie_engine_spark.failures import translated
from datacoolie_engine_spark.types import described, from_arrow, struct_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pyspark.sql import SparkSession

    from datacoolie.core.types import DataType, Schema
    from datacoolie.engines import Observation, WindowFunction
    from datacoolie.sql import Aggregate, Expr
    from datacoolie_engine_spark.session import Sessions

_RANK = "__datacoolie_rank"
_RIGHT = "__datacoolie_right_"


class SparkFrames(FrameOps[DataFrame]):
    """Operations on data frames; `aggregate` and `is_empty` evaluate."""

    def __init__(self, sessions: Sessions) -> None:
        """Keep the sessions, in which frames are made."""
        self._sessions = sessions
        self._keeping = local()

    @translated()
    def schema(self, frame: DataFrame) -> Schema:
        """Return the columns in order with their types.

        Raises:
            EngineError: a column has a type outside of `datacoolie.core.types`.
        """
        return described(frame.schema)

    @translated()
    def select(self, frame: DataFrame, columns: Mapping[str, Expr]) -> DataFrame:
        """Return exactly these columns, in this order."""
        schema = self.schema(frame)
        return frame.selectExpr(*(_named(expression_text(one, schema), name) for name, one in columns.items()))

    @translated()
    def with_columns(self, frame: DataFrame, columns: Mapping[str, Expr]) -> DataFrame:
        """Add or replace columns, each computed from `frame` as it was."""
        schema = self.schema(frame)
        texts = {name: expression_text(one, schema) for name, one in columns.items()}
        return frame.withColumns({name: column(frame, text) for name, text in texts.items()}) if texts else frame

    @translated()
    def filter(self, frame: DataFrame, condition: Expr) -> DataFrame:
        """Keep the rows for which `condition` is true (not null, not false)."""
        return frame.filter(expression_text(condition, self.schema(frame)))

    @translated()
    def rename(self, frame: DataFrame, names: Mapping[str, str]) -> DataFrame:
        """Rename columns, old name to new, all at once."""
        return frame.selectExpr(*(_named(quoted(name), names.get(name, name)) for name in frame.columns))

    @translated()
    def drop(self, frame: DataFrame, names: Sequence[str]) -> DataFrame:
        """Remove columns."""
        return frame.selectExpr(*(quoted(name) for name in frame.columns if name not in names))

    @translated()
    def union(self, frames: Sequence[DataFrame]) -> DataFrame:
        """Append frames of the same columns, matched by name, duplicates kept.

        Raises:
            EngineError: the frames have different columns or types.
        """
        first, whole = self.schema(frames[0]), frames[0]
        for number, frame in enumerate(frames[1:], 2):
            schema = self.schema(frame)
            if schema != first:
                message = f"Frame {number} of a union has the columns {_listed(schema)}; the first has {_listed(first)}"
                raise EngineError(message)
            whole = whole.unionByName(frame)
        return whole

    @translated()
    def join(
        self, left: DataFrame, right: DataFrame, *, keys: Sequence[str], how: Literal["inner", "left", "semi", "anti"]
    ) -> DataFrame:
        """Join on equally named keys, null equals null."""
        # Names that only one side has: columns of frames with a common origin can't be told apart otherwise.
        others = {key: f"{_RIGHT}{at}" for at, key in enumerate(keys)}
        condition = " AND ".join(f"{quoted(key)} <=> {quoted(other)}" for key, other in others.items())
        joined = left.join(self.rename(right, others), column(left, condition), how)
        return joined.drop(*others.values()) if how in {"inner", "left"} else joined

    def distinct(self, frame: DataFrame) -> DataFrame:
        """Remove duplicate rows."""
        return frame.distinct()

    @translated()
    def deduplicate(
        self, frame: DataFrame, *, keys: Sequence[str], order_by: Sequence[str], ties: Literal["one", "all"]
    ) -> DataFrame:
        """Keep, per key, the row that is largest by `order_by` (nulls lose); all the largest with `ties="all"`.

        With `ties="one"` the result depends on the set of rows alone: of the largest it keeps the one that is largest
        by its other columns too.
        """
        schema = self.schema(frame)
        order = [quoted(name) for name in order_by]
        if ties == "one":
            order += [_sortable(name, kind) for name, kind in schema.items() if name not in {*keys, *order_by}]
        if not order:
            return frame if ties == "all" else frame.distinct()
        descending = ", ".join(f"{text} DESC NULLS LAST" for text in order)
        function = "row_number" if ties == "one" else "rank"
        ranked = frame.selectExpr("*", f"{function}() OVER ({_partition(keys)} ORDER BY {descending}) AS {_RANK}")
        return ranked.filter(f"{_RANK} = 1").drop(_RANK)

    @translated()
    def window(
        self,
        frame: DataFrame,
        columns: Mapping[str, WindowFunction],
        *,
        partition_by: Sequence[str],
        order_by: Sequence[str],
        ordered: bool = False,  # noqa: ARG002 - Spark sees by itself that rows are sorted
    ) -> DataFrame:
        """Add columns that look at neighbouring rows of equal `partition_by`, by `order_by`, nulls first."""
        over = f"{_partition(partition_by)} ORDER BY {_names(order_by) or 'true'}"
        kept = (quoted(name) for name in frame.columns if name not in columns)
        return frame.selectExpr(*kept, *(_named(_neighbour(one, over), name) for name, one in columns.items()))

    @translated()
    def nest(self, frame: DataFrame, *, keys: Sequence[str], columns: Sequence[str], into: str) -> DataFrame:
        """Return one row per key: the keys, and `into`, the list of its rows as structs of `columns`, ascending."""
        rows = column(frame, f"sort_array(collect_list(struct({_names(columns)})))")
        return frame.groupBy(*map(quoted, keys)).agg(rows.alias(into))

    @translated()
    def unnest(self, frame: DataFrame, column: str) -> DataFrame:
        """Return one row per struct in the lists of `column`, whose fields become columns in its place."""
        return frame.selectExpr(
            *(f"inline({quoted(name)})" if name == column else quoted(name) for name in frame.columns)
        )

    @translated()
    def aggregate(self, frame: DataFrame, aggregates: Mapping[str, Aggregate]) -> dict[str, object]:
        """Evaluate aggregates over the frame and return Python values by name.

        Raises:
            SourceError: reading failed.
            TransformError: an expression failed on the data.
        """
        schema = self.schema(frame)
        texts = [_named(aggregate_text(one, schema), name) for name, one in aggregates.items()]
        (row,) = frame.selectExpr(*texts).toArrow().to_pylist()
        return {name: _in_utc(value) for name, value in row.items()}

    def is_empty(self, frame: DataFrame) -> bool:
        """Whether the frame has no row; raises as `aggregate`."""
        return self.aggregate(frame.limit(1), {"rows": count()})["rows"] == 0

    @translated()
    def observed(
        self, frame: DataFrame, aggregates: Mapping[str, Aggregate]
    ) -> tuple[DataFrame, dict[str, Observation[DataFrame]]]:
        """Return the same rows, of which the job that writes them finds out aggregates on its way."""
        rows, watched = observations.watched(frame, aggregates)
        return rows, dict(watched)

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Until the end of this, let Spark keep the rows of frames that this thread uses several times."""
        with ExitStack() as kept:
            self._keeping.kept = kept
            try:
                yield
            finally:
                del self._keeping.kept

    @translated()
    def reused(self, frame: DataFrame) -> DataFrame:
        """Return the same rows, which inside of `keeping` are evaluated when they are first needed and never again."""
        kept: ExitStack | None = getattr(self._keeping, "kept", None)
        if kept is None:
            return frame
        # Spark finds what it keeps by equal plans: another flow's, or of a client that is gone, is not to be this one.
        own = frame.filter(f"'{uuid.uuid4()}' IS NOT NULL")
        rows = own.persist(StorageLevel.MEMORY_AND_DISK)
        kept.callback(_let_go, rows)
        return rows if not is_remote(rows) else _by_name(rows, kept)

    @translated()
    def from_arrow(self, table: object) -> DataFrame:
        """Make a frame of anything with `__arrow_c_stream__`."""
        given = pa.table(table)
        schema = struct_of({field.name: from_arrow(field.type, column=field.name) for field in given.schema})
        # Spark takes a column of no chunks for one without type.
        batches = given.to_batches() or [pa.RecordBatch.from_pylist([], given.schema)]
        return self._sessions.current.createDataFrame(pa.Table.from_batches(batches), schema)


def _by_name(rows: DataFrame, kept: ExitStack) -> DataFrame:
    """Return rows under a name: a frame of Spark Connect that is observed can't be put together with itself."""
    view = f"datacoolie_{uuid.uuid4().hex}"
    rows.createOrReplaceTempView(view)
    kept.callback(_forget, rows.sparkSession, view)
    return rows.sparkSession.table(view)


def _forget(session: SparkSession, view: str) -> None:
    with suppress(EngineError), translated():
        session.catalog.dropTempView(view)


def _let_go(rows: DataFrame) -> None:
    with suppress(EngineError), translated():  # of a Spark that is gone, which keeps nothing
        rows.unpersist()


def _in_utc(value: object) -> object:
    """Return points in time, also those in lists, in UTC by the standard library's name."""
    match value:
        case datetime() if value.tzinfo:
            return value.astimezone(UTC)
        case list():
            return [_in_utc(one) for one in value]
        case _:
            return value


def _named(text: str, name: str) -> str:
    return f"{text} AS {quoted(name)}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(quoted, names))


def _partition(names: Sequence[str]) -> str:
    return f"PARTITION BY {_names(names)}" if names else ""


def _neighbour(one: WindowFunction, over: str) -> str:
    match one.function:
        case "running_count":
            return f"count_if({quoted(one.columns[0])}) OVER ({over} ROWS UNBOUNDED PRECEDING)"
        case "lag" | "lead":
            return f"{one.function}({quoted(one.columns[0])}) OVER ({over})"
        case _:
            function = one.function.removeprefix("same_as_")
            same = (f"{function}({quoted(name)}) OVER ({over}) <=> {quoted(name)}" for name in one.columns)
            return " AND ".join([f"{function}(true, 1, false) OVER ({over})", *same])


def _sortable(name: str, kind: DataType) -> str:
    """Return what orders rows by a column; maps have no order, but their text has."""
    return f"to_json({quoted(name)})" if isinstance(kind, MapType) else quoted(name)


def _listed(schema: Schema) -> str:
    return listed(f"{name} {kind}" for name, kind in schema.items())
