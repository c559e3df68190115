"""Which field of an entry each column of a workbook's sheet is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacoolie.core.models import (
    Connection,
    DataFlow,
    Destination,
    SchemaHint,
    SchemaHintSet,
    Source,
    Transform,
)
from datacoolie.core.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.models import Model
    from datacoolie.metadata.positions import Path


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one section.

    Attributes:
        fields: the field of each column, by the column's name.
        settings: maps with keys of their own, by what the names of their columns begin with.
    """

    fields: Mapping[str, Path]
    settings: Mapping[str, Path]

    def path(self, name: str) -> Path | None:
        """Return the field of a column; `None` when there is no such column."""
        if name in self.fields:
            return self.fields[name]
        prefix = next((prefix for prefix in self.settings if name.startswith(prefix) and name != prefix), None)
        return None if prefix is None else (*self.settings[prefix], name.removeprefix(prefix))

    def near(self, name: str) -> str:
        """Return the hint at the name that was probably meant."""
        return did_you_mean(name, self.fields)


def columns_of(section: str) -> Columns | None:
    """Return the columns of a section; `None` when there is no such section."""
    match section:
        case "connections":
            return Columns(_fields(Connection), {"configure_": ("configure",)})
        case "dataflows":
            parts: dict[str, type[Model]] = {"source": Source, "destination": Destination, "transform": Transform}
            inner = {f"{part}_{name}": (part, name) for part, model in parts.items() for name in model.model_fields}
            settings = {f"{part}_configure_": (part, "configure") for part in parts}
            return Columns({**_fields(DataFlow), **inner}, {"configure_": ("configure",), **settings})
        case "schema_hints":
            of_hint = {name: ("hints", name) for name in SchemaHint.model_fields}
            return Columns({**_fields(SchemaHintSet), **of_hint}, {})
        case _:
            return None


def _fields(model: type[Model]) -> dict[str, Path]:
    """Return the fields of a model; hints have a row each, not a column."""
    return {name: (name,) for name in model.model_fields if name != "hints"}
