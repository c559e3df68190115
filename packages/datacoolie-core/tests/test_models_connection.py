from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.models import (
    Connection,
    ConnectionType,
    DatabaseSettings,
    FileSettings,
    Format,
    LakehouseSettings,
    resolve_location,
)
from datacoolie.core.secret_provider import BaseSecretProvider, resolve_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping


class Vault(BaseSecretProvider):
    def __init__(self, secrets: Mapping[str, str]) -> None:
        super().__init__()
        self.secrets = secrets

    def _fetch_secret(self, key: str, source: str) -> str:
        return self.secrets[f"{source}/{key}"]


def test_the_id_is_made_from_the_name() -> None:
    assert Connection(name="lake").connection_id == "5b85d10d-4f4a-5761-a3c3-e7501697c5fe"
    assert Connection(name="lake", connection_id="7").connection_id == "7"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (ConnectionType.FILE, Format.PARQUET)),
        ({"format": "csv"}, (ConnectionType.FILE, Format.CSV)),
        ({"format": "delta"}, (ConnectionType.LAKEHOUSE, Format.DELTA)),
        ({"format": "sql", "configure": {"url": "sqlite:///x"}}, (ConnectionType.DATABASE, Format.SQL)),
        ({"connection_type": "database", "configure": {"url": "sqlite:///x"}}, (ConnectionType.DATABASE, Format.SQL)),
        ({"connection_type": "function"}, (ConnectionType.FUNCTION, Format.FUNCTION)),
        ({"connection_type": None, "format": None}, (ConnectionType.FILE, Format.PARQUET)),
    ],
)
def test_type_and_format_follow_from_each_other(given: dict[str, object], expected: tuple[str, str]) -> None:
    connection = Connection.model_validate({"name": "c", **given})
    assert (connection.connection_type, connection.format) == expected


def test_a_format_has_to_fit_the_type() -> None:
    with pytest.raises(ValidationError, match="is no format of a lakehouse connection; possible: delta, iceberg"):
        Connection(name="c", connection_type=ConnectionType.LAKEHOUSE, format=Format.CSV)


def test_catalog_and_database_are_lifted_from_configure() -> None:
    connection = Connection(
        name="c", format=Format.DELTA, database="own", configure={"catalog": "cat", "database": "d"}
    )
    assert (connection.catalog, connection.database) == ("cat", "own")
    connection.configure = {"database": "d"}
    connection.refresh_from_configure()
    assert (connection.catalog, connection.database) == (None, "own")


def test_where_tables_are(tmp_path: Path) -> None:
    files = Connection(name="c", configure={"base_path": "data/../in"})
    files.stands_in(tmp_path / "doc.yaml")
    assert files.location("s", "t") == str(tmp_path / "in" / "s" / "t")
    assert files.location(None, "t.parquet") == str(tmp_path / "in" / "t.parquet")
    assert files.model_copy(deep=True).location() == str(tmp_path / "in")
    remote = Connection(name="c", format=Format.DELTA, configure={"base_path": "s3://bucket/lake/"})
    assert remote.location("s", "t") == "s3://bucket/lake/s/t"
    named = Connection(name="c", format=Format.DELTA, catalog="cat", database="db")
    assert [named.location(None, "t"), named.location("s", "t")] == ["cat.db.t", "cat.s.t"]


def test_locations_that_stay_and_those_that_start_at_a_folder(tmp_path: Path) -> None:
    assert resolve_location("abfss://c@a.dfs.core.windows.net/x", tmp_path) == "abfss://c@a.dfs.core.windows.net/x"
    assert resolve_location("file:///tmp/x", tmp_path) == "file:///tmp/x"
    absolute = str(Path(os.sep, "absolute").absolute())
    assert resolve_location(absolute, tmp_path) == absolute
    assert resolve_location("x", tmp_path) == str(tmp_path / "x")
    assert resolve_location("x") == str(Path.cwd() / "x")


def test_settings_are_typed_by_the_type_of_connection() -> None:
    lake = Connection(name="c", format=Format.DELTA, configure={"base_path": "x", "use_hive_partitioning": "true"})
    assert isinstance(lake.settings, LakehouseSettings)
    assert lake.settings_as(FileSettings).use_hive_partitioning is True
    with pytest.raises(ConfigurationError, match="'c' is of type lakehouse; DatabaseSettings is needed here"):
        lake.settings_as(DatabaseSettings)


def test_settings_follow_configure_when_they_are_refreshed() -> None:
    connection = Connection(name="c", configure={"base_path": "a"})
    assert connection.settings_as(FileSettings).base_path == "a"
    connection.configure = {"base_path": "b"}
    connection.refresh_from_configure()
    assert connection.settings_as(FileSettings).base_path == "b"


def test_options_are_spelled_as_spark_does() -> None:
    csv = Connection(
        name="c",
        format=Format.CSV,
        configure={"read_options": {"HEADER": "true", "delimiter": ";", "polars": {"low_memory": True}}},
    )
    assert csv.settings.read_options == {"header": "true", "sep": ";", "polars": {"low_memory": True}}
    assert csv.configure["read_options"] == {"HEADER": "true", "delimiter": ";", "polars": {"low_memory": True}}


def test_resolved_secrets_are_typed_and_lifted() -> None:
    connection = Connection(
        name="shop",
        connection_type=ConnectionType.DATABASE,
        configure={"database_type": "mysql", "host": "HOST", "port": "PORT", "database": "DB", "password": "PW"},
        secrets_ref={"v": ["host", "port", "database", "password"]},
    )
    assert connection.database == "DB"
    copied = connection.model_copy(deep=True)
    resolve_secrets(copied, Vault({"v/HOST": "h", "v/PORT": "3307", "v/DB": "orders", "v/PW": "geheim"}))
    settings = copied.settings_as(DatabaseSettings)
    assert (settings.host, settings.port, settings.password, copied.database) == ("h", 3307, "geheim", "orders")
    assert connection.configure["password"] == "PW"
    assert "geheim" not in f"{copied} {copied!r} {settings!r}"
    assert "orders" not in repr(copied)


def test_a_resolved_secret_of_the_wrong_type_is_refused_without_the_value() -> None:
    connection = Connection(
        name="shop",
        connection_type=ConnectionType.DATABASE,
        configure={"database_type": "mysql", "host": "h", "port": "PORT"},
        secrets_ref={"v": ["port"]},
    )
    with pytest.raises(ConfigurationError, match=r"Connection 'shop': configure\.port: ") as caught:
        resolve_secrets(connection, Vault({"v/PORT": "geheim"}))
    assert "geheim" not in str(caught.value)
    assert connection.configure["port"] == "PORT"


@pytest.mark.parametrize(
    "configure",
    [
        {"format": "delta", "configure": {"storage_options": {"AWS_ANY": "hunter2"}}},
        {"format": "iceberg", "configure": {"catalog_options": {"uri": "hunter2"}}},
        {"format": "delta", "configure": {"base_path": "s3://user:hunter2@host/x"}},
        {"format": "sql", "configure": {"database_type": "mysql", "host": "h", "password": "hunter2"}},
        {"format": "sql", "configure": {"url": "jdbc:sqlserver://h;user=u;password=hunter2"}},
        {"format": "sql", "configure": {"url": "postgresql://u:hunter2@h/d"}},
        {"format": "api", "configure": {"base_url": "http://h", "auth_type": "bearer", "auth_token": "hunter2"}},
        {
            "format": "api",
            "configure": {"base_url": "http://h", "default_headers": {"Authorization": "Bearer hunter2"}},
        },
        {"format": "api", "configure": {"base_url": "http://h", "default_headers": {"X-API-Key": "hunter2"}}},
        {"format": "api", "configure": {"base_url": "http://h", "params": {"api_key": "hunter2"}}},
        {"format": "api", "configure": {"base_url": "http://h/?sig=hunter2"}},
        {"format": "api", "configure": {"base_url": "http://h", "body": {"a": [{"client_secret": "hunter2"}]}}},
        {"format": "api", "configure": {"base_url": "hunter2"}, "secrets_ref": {"v": "base_url"}},
        {
            "format": "api",
            "configure": {"base_url": "x", "params": {"who": {"me": "hunter2"}}},
            "secrets_ref": {"v": ["params.who.me"]},
        },
    ],
)
def test_no_secret_is_printed(configure: dict[str, object]) -> None:
    connection = Connection.model_validate({"name": "c", **configure})
    printed = f"{connection} {connection!r} {connection.settings!r}"
    referenced = bool(connection.secrets_ref)
    assert "hunter2" not in (repr(connection) if referenced else printed)
    assert "***" in printed


def test_what_is_no_secret_is_printed() -> None:
    connection = Connection(name="c", format=Format.DELTA, configure={"base_path": "s3://bucket/lake"})
    assert "'base_path': 's3://bucket/lake'" in repr(connection)


def test_errors_of_the_models_show_no_values() -> None:
    with pytest.raises(ValidationError) as caught:
        Connection(name="c", configure={"base_path": 1, "password": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("configure", "secrets_ref", "fault"),
    [
        ({"password": "a"}, {"v": ["passwrd"]}, "has no 'passwrd', which secrets_ref names; possible: password"),
        ({"url": "a", "use_schema_hint": "maybe"}, {}, "should be a valid boolean"),
        ({"url": "a", "read_options": "{"}, {}, "is text that is not JSON"),
        ({"password": "a"}, {"v": "password", "w": "password"}, "secrets_ref names 'password' twice"),
        ({"url": "a"}, {"v": "url.x"}, "has no 'url.x', which secrets_ref names"),
        ({}, {}, "needs url, or database_type with host and database"),
        ({"database_type": "oracle"}, {}, "database_type 'oracle' needs host"),
        ({"url": "x", "auth_type": "service_principal"}, {}, "needs client_id and client_secret and tenant_id"),
    ],
)
def test_what_a_database_needs(configure: dict[str, object], secrets_ref: dict[str, object], fault: str) -> None:
    data = {"name": "c", "format": "sql", "configure": configure, "secrets_ref": secrets_ref}
    with pytest.raises(ValidationError) as caught:
        Connection.model_validate(data)
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("folders", "fault"),
    [
        ("{year}/{month}/{day}", None),
        ("y={year}/m={month}", None),
        ("%Y/%m", "must hold parts of a date in braces"),
        ("{year}/{moth}", "must hold parts of a date in braces, such as .*; possible: year, month, day, hour"),
        ("{year}/{day}", "must begin with {year} and go on without a gap"),
    ],
)
def test_date_folders(folders: str, fault: str | None) -> None:
    if fault is None:
        assert FileSettings(date_folder_partitions=folders).date_folder_partitions == folders
        return
    with pytest.raises(ValidationError, match=fault):
        FileSettings(date_folder_partitions=folders)
