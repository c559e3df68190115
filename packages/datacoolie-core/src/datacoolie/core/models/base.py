"""The base of all models that users write."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, model_validator

from datacoolie.core.models.masking import masked

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE = UUID("da7ac001-e000-4000-8000-000000000000")
"""Ids of connections and dataflows that have none are made from their names in this namespace."""


def derived_id(name: str) -> str:
    """Return the id of something called `name`, the same on every machine."""
    return str(uuid5(NAMESPACE, name))


class Model(BaseModel):
    """A closed object: unknown fields are errors, and printing it shows no secret."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        # The errors of pydantic would show the whole input, passwords too.
        hide_input_in_errors=True,
        defer_build=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: object) -> object:
        """Read null as the default: a field without one is then missing."""
        if not isinstance(data, dict) or None not in data.values():
            return data
        return {name: value for name, value in data.items() if value is not None or name not in cls.model_fields}

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        """Give `repr` and `str` the fields that were set, secrets masked."""
        for name in type(self).model_fields:
            if name in self.model_fields_set:
                yield name, masked(getattr(self, name), path=name)
