"""Iceberg catalogs: opened once per process and again for other credentials, and what their failures mean."""

from __future__ import annotations

import atexit
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NoSuchTableError, NotInstalledError, RESTError, TableAlreadyExistsError
from pyiceberg.io import PY_IO_IMPL, load_file_io
from requests import RequestException
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from datacoolie.core.exceptions import DestinationError, EngineError, ErrorClass
from datacoolie.core.suggest import listed
from datacoolie.engines import CommitConflictError
from datacoolie.platforms import Dialect
from datacoolie_engine_polars import failures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyiceberg.catalog import Catalog
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table, Transaction

    from datacoolie.engines import TableRef


def _of_aws() -> tuple[type[Exception], ...]:
    """Return what a catalog of the type `glue` raises; without boto3 there can be none."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - optional
    except ImportError:
        return ()
    return BotoCoreError, ClientError


FAILURES: tuple[type[Exception], ...] = (OSError, RESTError, RequestException, SQLAlchemyError, *_of_aws())
"""What a catalog raises when it can't be reached, or refuses."""

_DURABLE = {PY_IO_IMPL: "datacoolie_engine_polars.iceberg.file_io.DurableFileIO"}
"""An option of pyiceberg that Polars would take for one of an object store."""

_MISUSE = (ValueError, TypeError, KeyError, ArithmeticError)
_OPENING = 3
"""How often a catalog is opened: two processes may make its tables at the same time."""


_Options: TypeAlias = tuple[tuple[str, str], ...]

_opened: dict[tuple[str, _Options], tuple[_Options, Catalog]] = {}
"""Catalogs by name and `catalog_options`, with all options that they were opened with, credentials among them."""

_opening = Lock()


def catalog_of(ref: TableRef) -> Catalog:
    """Return the catalog that a table is in, opened when nobody has opened it by the credentials that are good now.

    Raises:
        EngineError: the options make no catalog, or a package that it needs is not installed.
        DestinationError: the catalog can't be reached.
    """
    files = ref.storage.options(ref.catalog_options.get("warehouse", ""), Dialect.ICEBERG)
    for attempt in range(_OPENING):
        try:
            return _open(ref.catalog, ref.catalog_options, files)
        except (ImportError, NotInstalledError) as error:
            raise _missing(ref, error) from error
        except FAILURES as error:
            if attempt + 1 == _OPENING or not isinstance(error, OperationalError):
                raise unreachable(ref, error) from error
        except _MISUSE as error:
            message = (
                f"The catalog {ref.catalog!r} can't be made of its catalog_options ({listed(ref.catalog_options)}): "
                f"{failures.first_line(error)}. A catalog in a SQL database has type sql, uri and warehouse; one "
                "behind the REST protocol has type rest and uri"
            )
            raise EngineError(message, {"catalog": ref.catalog}).classed(ErrorClass.CONFIGURATION) from error
    raise AssertionError  # the loop returns or raises


def _open(name: str, own: Mapping[str, str], files: Mapping[str, str]) -> Catalog:
    warehouse = own.get("warehouse", "unknown://")
    local = _DURABLE if "://" not in warehouse or warehouse.startswith("file:") else {}
    which, options = (name, _sorted(own)), _sorted({**local, **files, **own})
    with _opening:
        known = _opened.get(which)
        if known is None or known[0] != options:
            catalog = load_catalog(name, **dict(options))
            atexit.register(catalog.close)
            _opened[which] = (options, catalog)
            if known is not None:
                known[1].close()  # idle connections alone: who still uses it goes on
        return _opened[which][1]


def _sorted(options: Mapping[str, str]) -> _Options:
    return tuple(sorted(options.items()))


def renew(table: Table, ref: TableRef) -> None:
    """Give a table, whose pass may have taken long, a catalog and access to files by credentials that are good now.

    Raises:
        DestinationError: the catalog can't be reached.
        PlatformError: there are no credentials.
    """
    before, now = table.catalog, catalog_of(ref)
    if now is before:
        return
    # What the catalog itself gave for this table stays.
    given = {name: text for name, text in table.io.properties.items() if before.properties.get(name) != text}
    table.catalog, table.io = now, load_file_io({**now.properties, **given}, table.metadata_location)


def table_of(catalog: Catalog, ref: TableRef) -> Table | None:
    """Return the table as it is now, or `None` when there is none.

    Raises:
        DestinationError: the catalog can't be reached, or the table's metadata can't be read.
    """
    try:
        return catalog.load_table(str(ref.name))
    except NoSuchTableError:
        return None
    except FAILURES as error:
        raise unreachable(ref, error) from error
    except ValueError as error:
        raise unreadable(ref, error) from error


def unreadable(ref: TableRef, error: Exception) -> DestinationError:
    """Return the error for a table whose metadata, or a file that it names, can't be read."""
    message = f"{ref}: its metadata can't be read: {failures.first_line(error)}"
    return DestinationError(message, {"table": ref.name})


def begin(catalog: Catalog, ref: TableRef, schema: Schema, spec: PartitionSpec) -> Transaction:
    """Begin the transaction that makes a table; its schema (namespace) is made at once when it is missing.

    Raises:
        CommitConflictError: by now there is such a table.
        DestinationError: the catalog can't be reached, or refuses.
    """
    namespace = tuple(str(ref.name).split(".")[:-1])
    try:
        try:
            catalog.create_namespace_if_not_exists(namespace)
        except FAILURES:
            # Catalogs differ in what they raise when another process makes it at the same time.
            if not catalog.namespace_exists(namespace):
                raise
        return catalog.create_table_transaction(str(ref.name), schema, partition_spec=spec)
    except TableAlreadyExistsError as error:
        message = f"{ref}: somebody else made the table first"
        raise CommitConflictError(message, {"table": ref.name}) from error
    except FAILURES as error:
        raise unreachable(ref, error) from error
    except ValueError as error:
        message = f"{ref}: the catalog {ref.catalog!r} can't make this table: {failures.first_line(error)}"
        raise DestinationError(message, {"table": ref.name}).classed(ErrorClass.CONFIGURATION) from error


def unreachable(ref: TableRef, error: Exception) -> DestinationError:
    """Return the error for a catalog that does not answer as it should, or whose files find no space."""
    number = failures.os_number(error)
    if number is not None and number in failures.FULL:
        return failures.of_writing(number, str(ref), 0)
    message = (
        f"{ref}: the catalog {ref.catalog!r} can't be used: {failures.first_line(error)}. See whether the "
        "catalog_options of the connection are right and its server runs"
    )
    return DestinationError(message, {"catalog": ref.catalog}).classed(ErrorClass.TRANSIENT)


def _missing(ref: TableRef, error: ImportError | NotInstalledError) -> EngineError:
    cause = error if isinstance(error, ImportError) else error.__cause__
    name = cause.name if isinstance(cause, ImportError) and cause.name else failures.first_line(error)
    message = f"The catalog {ref.catalog!r} needs {name!r}, which is not installed. Install it: pip install {name}"
    return EngineError(message, {"package": name}).classed(ErrorClass.CONFIGURATION)
