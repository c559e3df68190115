"""Connections: a system that holds data, and how to reach it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from pydantic import ConfigDict, Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.models.base import derived_id
from datacoolie.core.models.checks import NotPossibleError
from datacoolie.core.models.configured import Configured, check_settings, typed
from datacoolie.core.models.enums import FORMATS, TYPE_OF_FORMAT, ConnectionType, Format
from datacoolie.core.models.forms import OpenMap, SecretsRef, Text
from datacoolie.core.models.locations import join_location, resolve_catalog, resolve_location
from datacoolie.core.models.masking import masked
from datacoolie.core.models.settings import (
    ApiSettings,
    Backward,
    ConnectionSettings,
    DatabaseSettings,
    FileSettings,
    FunctionSettings,
    LakehouseSettings,
    LookBack,
    PluginSettings,
    StreamingSettings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS: dict[ConnectionType, type[ConnectionSettings]] = {
    ConnectionType.FILE: FileSettings,
    ConnectionType.LAKEHOUSE: LakehouseSettings,
    ConnectionType.DATABASE: DatabaseSettings,
    ConnectionType.API: ApiSettings,
    ConnectionType.FUNCTION: FunctionSettings,
    ConnectionType.PLUGIN: PluginSettings,
    ConnectionType.STREAMING: StreamingSettings,
}
"""The typed form of `configure`, by type of connection."""

AnySettings = TypeVar("AnySettings", bound=ConnectionSettings)


class Connection(Configured):
    """A system that holds data, and how to reach it.

    It can be changed, so that secrets can be put into `configure` of a copy that is made for one run.
    """

    model_config = ConfigDict(frozen=False)

    name: Text
    """What dataflows call it."""
    connection_id: Text = Field(default_factory=lambda data: derived_id(data["name"]))
    """Its identity; by default made from the name."""
    workspace_id: Text | None = None
    """The workspace in database and HTTP metadata."""
    connection_type: ConnectionType = ConnectionType.FILE
    """What kind of system it is; by default what the format implies."""
    format: Format = Format.PARQUET
    """How data is stored there."""
    catalog: Text | None = None
    """The catalog; by default `configure.catalog`."""
    database: Text | None = None
    """The database; by default `configure.database`."""
    secrets_ref: SecretsRef = Field(default_factory=dict)
    """Fields of `configure`, by the source of their secrets; a dotted field reaches into nested settings."""
    configure: OpenMap = Field(default_factory=dict, validate_default=True)
    """Settings of the type, as they were written; `settings` has them typed."""
    is_active: bool = True
    """An inactive connection disables the dataflows that use it."""

    _document: Path | None = PrivateAttr(default=None)
    _lifted: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def document(self) -> Path | None:
        """The document that it stands in, from whose folder relative paths start."""
        return self._document

    def stands_in(self, document: Path) -> None:
        """Say which document it stands in."""
        self._document = document

    @cached_property
    def settings(self) -> ConnectionSettings:
        """`configure`, typed by the type of connection.

        Raises:
            ConfigurationError: `configure` was changed into something invalid.
        """
        return typed(SETTINGS[self.connection_type], self.configure, where=f"Connection {self.name!r}")

    @property
    def plugin(self) -> str:
        """The name by which its source and destination are registered: its type, or what `configure.plugin` says."""
        named = self.configure.get("plugin") if self.connection_type is ConnectionType.PLUGIN else None
        return str(named or self.connection_type.value)

    @property
    def use_schema_hint(self) -> bool:
        """Whether shared schema hints apply; known before secrets are resolved, as `settings` need not be."""
        given = {name: value for name, value in self.configure.items() if name == "use_schema_hint"}
        return ConnectionSettings.model_validate(given).use_schema_hint

    @property
    def look_back(self) -> Backward | None:
        """The look-back of its sources; known before secrets are resolved, as `settings` need not be."""
        given = {name: value for name, value in self.configure.items() if name in LookBack.model_fields}
        return LookBack.model_validate(given).look_back if given else None

    def settings_as(self, kind: type[AnySettings]) -> AnySettings:
        """Return the settings as those of a certain type of connection.

        Raises:
            ConfigurationError: the connection is of another type.
        """
        if isinstance(self.settings, kind):
            return self.settings
        message = f"Connection {self.name!r} is of type {self.connection_type.value}; {kind.__name__} is needed here."
        raise ConfigurationError(message)

    def refresh_from_configure(self) -> None:
        """Read `configure` again after it was changed: settings, catalog and database.

        Raises:
            ConfigurationError: a setting is invalid.
        """
        self.__dict__.pop("settings", None)
        self._lift()
        _ = self.settings

    @property
    def in_catalog(self) -> bool:
        """Whether its tables have names in a catalog or database, and no paths."""
        return self.connection_type is not ConnectionType.FILE and not isinstance(self.configure.get("base_path"), str)

    @property
    def catalog_options(self) -> dict[str, str]:
        """How to reach the catalog; relative paths in it start at the document's folder.

        Raises:
            ConfigurationError: the connection is no lakehouse, or a setting is invalid.
        """
        options = self.settings_as(LakehouseSettings).catalog_options
        return resolve_catalog(options, self._document.parent if self._document else None)

    def location(self, schema_name: str | None = None, table: str | None = None) -> str:
        """Return where a table is: an absolute path or URI, or a dotted name where there is no `base_path`.

        Args:
            schema_name: the folder or schema, if there is one.
            table: the table's folder, file or name.
        """
        base = self.configure.get("base_path")
        if self.in_catalog:
            return self.table_name(schema_name, table)
        folder = self._document.parent if self._document else None
        return resolve_location(join_location(base if isinstance(base, str) else None, schema_name, table), folder)

    def table_name(self, schema_name: str | None = None, table: str | None = None) -> str:
        """Return `catalog.database_or_schema.table`, without the parts that are missing."""
        return ".".join(part for part in (self.catalog, schema_name or self.database, table) if part)

    @model_validator(mode="before")
    @classmethod
    def _derive_type_and_format(cls, data: object) -> object:
        """Take the type from the format, or the format from a type that has but one."""
        if not isinstance(data, dict):
            return data
        kind, format_ = data.get("connection_type"), data.get("format")
        if kind is None:
            derived = TYPE_OF_FORMAT.get(format_ or Format.PARQUET)
            return (
                data if derived is None else {**data, "connection_type": derived, "format": format_ or Format.PARQUET}
            )
        possible = FORMATS.get(kind, ())
        return {**data, "format": possible[0]} if format_ is None and len(possible) == 1 else data

    @field_validator("format", mode="after")
    @classmethod
    def _fits_the_type(cls, value: Format, info: ValidationInfo) -> Format:
        kind = info.data.get("connection_type")
        if kind is not None and value not in FORMATS[kind]:
            message = f"is no format of a {kind.value} connection"
            raise NotPossibleError(message, FORMATS[kind])
        return value

    @field_validator("configure", mode="after")
    @classmethod
    def _check_configure(cls, value: dict[str, object], info: ValidationInfo) -> dict[str, object]:
        kind, secrets_ref = info.data.get("connection_type"), info.data.get("secrets_ref")
        if kind is not None and secrets_ref is not None and "format" in info.data:
            check_settings(SETTINGS[kind], value, secrets_ref, late=True)
        return value

    @model_validator(mode="after")
    def _lift_on_creation(self) -> Self:
        self._lifted = frozenset(
            {"catalog", "database"} - {name for name in self.model_fields_set if getattr(self, name)}
        )
        self._lift()
        return self

    def _lift(self) -> None:
        """Take catalog and database from `configure` where the connection's own fields don't say them."""
        for name in self._lifted:
            value = self.configure.get(name)
            # Not by assignment, after which they would count as given.
            self.__dict__[name] = value if isinstance(value, str) and value else None

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        """Mask catalog and database too, when they are secrets."""
        for name, value in super().__repr_args__():
            yield name, masked(value, self.secret_paths, name or "")
