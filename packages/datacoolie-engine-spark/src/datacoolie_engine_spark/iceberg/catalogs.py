"""Catalogs of the metadata document as those of a Spark session."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from datacoolie.core.exceptions import ConfigurationError, EngineError, ErrorClass
from datacoolie.core.suggest import listed
from datacoolie_engine_spark.storages import is_ours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame, SparkSession

    from datacoolie.engines import TableRef
    from datacoolie_engine_spark.session import Sessions

_CATALOG = "spark.sql.catalog."


def register(sessions: Sessions, ref: TableRef) -> SparkSession:
    """Let this thread's session know the catalog of a table, and return it: another one if it knows one of its name.

    Raises:
        EngineError: the options make no catalog.
    """
    warehouse = str(ref.catalog_options.get("warehouse", ""))
    name, session = f"{_CATALOG}{ref.catalog}", sessions.reaching(ref.storage, warehouse)
    options = {key: str(value) for key, value in {**_of_files(ref, session), **ref.catalog_options}.items()}
    wanted = {"": "org.apache.iceberg.spark.SparkCatalog", ".cache-enabled": "false"}
    wanted |= {f".{key}": value for key, value in _translated(ref, options).items()}
    # A session never forgets a catalog, and Iceberg's catalogs in databases go by Spark's name for them.
    if session.conf.get(name, None) is not None:
        if all(session.conf.get(name + key, None) == value for key, value in wanted.items()):
            return session
        session = sessions.renew()
    for key, value in wanted.items():
        session.conf.set(name + key, value)
    return session


def _of_files(ref: TableRef, session: SparkSession) -> Mapping[str, str]:
    """Return how Iceberg gets at files: as Spark does, in a Spark that is set up here."""
    own = {"io-impl": "org.apache.iceberg.hadoop.HadoopFileIO"} if is_ours(session) else {}
    return {**own, **ref.storage.overrides}


def refuse_others(frame: DataFrame, session: SparkSession, ref: TableRef) -> None:
    """Refuse rows that come from a session in which the name of the table's catalog is that of another one.

    Raises:
        ConfigurationError: source and target are in different catalogs of one name.
    """
    if frame.sparkSession is not session:
        message = (
            f"{ref}: the rows come from another catalog {ref.catalog!r}, with other catalog_options. Spark tells "
            "catalogs apart by their names: give each connection's `catalog` a name of its own"
        )
        raise ConfigurationError(message, {"catalog": ref.catalog})


def _translated(ref: TableRef, options: Mapping[str, str]) -> dict[str, str]:
    """Return Iceberg's options in Java for those of pyiceberg."""
    kind = options.get("type", "")
    rest = {key: value for key, value in options.items() if key not in {"type", "uri"}}
    if kind == "sql":
        return {**_database(ref, options.get("uri", "")), **rest, "type": "jdbc", "jdbc.schema-version": "V1"}
    if kind == "rest":
        return dict(options)
    message = (
        f"The engine 'spark' can't make the catalog {ref.catalog!r} of its catalog_options ({listed(options)}): "
        f"type is {kind!r}. A catalog in a SQL database has type sql, uri and warehouse; one behind the REST protocol "
        "has type rest and uri; others, such as those of Glue, are for the engine polars"
    )
    raise EngineError(message, {"catalog": ref.catalog}).classed(ErrorClass.CONFIGURATION)


def _database(ref: TableRef, uri: str) -> dict[str, str]:
    """Return JDBC's options for the URI of a database, as SQLAlchemy writes it."""
    if found := re.fullmatch(r"sqlite(?:\+\w+)?:///(.+)", uri):
        return {"uri": f"jdbc:sqlite:{found[1]}"}
    if re.match(r"postgresql(\+\w+)?://", uri):
        parts = urlsplit(uri)
        place = parts.netloc.rpartition("@")[2]
        query = f"?{parts.query}" if parts.query else ""
        who = {"jdbc.user": parts.username, "jdbc.password": parts.password}
        known = {key: unquote(value) for key, value in who.items() if value}
        return {"uri": f"jdbc:postgresql://{place}{parts.path}{query}", **known}
    message = (
        f"The catalog {ref.catalog!r} is in a database that the engine 'spark' can't use. Possible: "
        "sqlite:///PATH, postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
    )
    raise EngineError(message, {"catalog": ref.catalog}).classed(ErrorClass.CONFIGURATION)
