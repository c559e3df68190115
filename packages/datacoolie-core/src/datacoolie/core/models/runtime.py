"""Settings of a run, and the project file."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from datacoolie.core.models.base import Model
from datacoolie.core.models.forms import Names, OpenMap, Text, as_map
from datacoolie.core.models.rules import Scalar

if TYPE_CHECKING:
    from collections.abc import Callable

_INTERVAL = re.compile(r"(\d+)\s*(?:(year|month|week|day|hour|minute)s?)|\d+(?:\.\d+)?")


class ChunkInterval(Model):
    """How large the chunks of a replay are: calendar units, or a step of numbers."""

    years: Annotated[int, Field(ge=0)] = 0
    """Calendar years."""
    months: Annotated[int, Field(ge=0)] = 0
    """Calendar months."""
    weeks: Annotated[int, Field(ge=0)] = 0
    """Weeks, from Monday on."""
    days: Annotated[int, Field(ge=0)] = 0
    """Calendar days."""
    hours: Annotated[int, Field(ge=0)] = 0
    """Hours."""
    minutes: Annotated[int, Field(ge=0)] = 0
    """Minutes."""
    step: Annotated[float, Field(gt=0)] | None = None
    """For columns of numbers."""

    @property
    def unit(self) -> tuple[str, float]:
        """The unit and how many of it."""
        return next((name, getattr(self, name)) for name in type(self).model_fields if getattr(self, name))

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        units = [name for name in type(self).model_fields if getattr(self, name)]
        if len(units) != 1:
            message = f"needs exactly one of {', '.join(type(self).model_fields)}, above 0"
            raise ValueError(message)
        return self


def _as_interval(value: object) -> object:
    """Read `1 month`, `12 hours`, or a bare number, which is a step; anything else is left as it is."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"step": value}
    if not isinstance(value, str) or value.strip().startswith("{"):
        return value and as_map(value)
    found = _INTERVAL.fullmatch(value.strip().lower())
    if found is None:
        message = "is no interval; write a number with years, months, weeks, days, hours or minutes, or a step alone"
        raise ValueError(message)
    return {f"{found[2]}s": int(found[1])} if found[2] else {"step": float(value)}


def _as_written(value: object) -> object:
    """Read a value of Python as a document would write it."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


RangeEnd = Annotated[Scalar, BeforeValidator(_as_written, json_schema_input_type=Scalar)]
"""Where a range begins or ends; dates and times as ISO 8601 text."""

_READINGS: tuple[Callable[[str], Decimal | datetime], ...] = (Decimal, datetime.fromisoformat)


def _is_backward(start: str, end: str) -> bool:
    """Return whether a range of numbers or times ends before it starts, and would do so in a column of text too."""
    for read in _READINGS:
        try:
            return read(start) >= read(end) and start >= end  # type: ignore[operator] # both are read alike
        except (ValueError, InvalidOperation):
            continue
        except TypeError:  # a time with a zone and one without: the column says which zone that is in
            return False
    return False


class ReplaySettings(Model):
    """Which range of a source is loaded again, in chunks."""

    start: RangeEnd
    """The first value, inclusive."""
    end: RangeEnd
    """Where it ends, exclusive."""
    chunk_interval: Annotated[
        ChunkInterval | None, BeforeValidator(_as_interval, json_schema_input_type=ChunkInterval | str | float | None)
    ] = None
    """How large chunks are: a map, or text such as `1 month`, or a number as step; null: one chunk."""
    save_watermark: bool = False
    """Whether the mark moves."""
    chunk_column: Text | None = None
    """The column of the range; by default the first watermark column."""
    restart: bool = False
    """Whether it begins anew, although chunks of the same range were finished before."""

    @model_validator(mode="after")
    def _goes_forward(self) -> Self:
        if _is_backward(str(self.start), str(self.end)):
            message = f"start, {self.start!r}, is not before end, {self.end!r}"
            raise ValueError(message)
        return self


class RunSettings(Model):
    """Settings of a run."""

    job_id: Text | None = None
    """A name for the run, given from outside."""
    job_num: Annotated[int, Field(ge=1)] = 1
    """How many jobs share the flows."""
    job_index: Annotated[int, Field(ge=0)] = 0
    """Which of these jobs this is, from 0."""
    max_workers: Annotated[int, Field(ge=1)] = 8
    """Flows that run at a time."""
    stop_on_error: bool = False
    """Whether no further flow starts after one failed."""
    retry_count: Annotated[int, Field(ge=0)] = 0
    """Further tries of a flow that failed for now."""
    retry_delay: Annotated[float, Field(ge=0)] = 5
    """Seconds before the next try."""
    dry_run: bool = False
    """Whether nothing is written."""
    retention_hours: Annotated[float, Field(ge=0)] = 168
    """Hours for which old versions and run records are kept."""
    allowed_function_prefixes: Names = Field(default_factory=list)
    """Modules whose functions may be called, as whole dotted parts."""
    replay: ReplaySettings | None = None
    """Which range is loaded again; null: what is new."""

    def allows(self, function: str) -> bool:
        """Whether a function may be called: `allowed_function_prefixes` name its module, or one above that."""
        return any(f"{function}.".startswith(f"{prefix}.") for prefix in self.allowed_function_prefixes)

    @model_validator(mode="after")
    def _is_one_of_the_jobs(self) -> Self:
        if self.job_index >= self.job_num:
            message = f"job_index {self.job_index} must be below job_num {self.job_num}"
            raise ValueError(message)
        return self


def _as_choice(value: object) -> object:
    """Read a bare name, or a map of the name and the plugin's own options."""
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict) and "options" not in value:
        return {"name": value.get("name"), "options": {key: item for key, item in value.items() if key != "name"}}
    return value


class Choice(Model):
    """A plugin and what it is made with."""

    name: Text
    """The plugin's name."""
    options: OpenMap = Field(default_factory=dict)
    """Arguments of the plugin."""


PluginChoice = Annotated[Choice, BeforeValidator(_as_choice, json_schema_input_type=dict[str, object] | str)]
"""A plugin's name, or `{name: ..., option: ...}`."""


class ResolverSettings(Model):
    """How secrets are fetched by one resolver."""

    cache_ttl: Annotated[float, Field(ge=0)] | None = None
    """Seconds for which a fetched secret is kept; by default what the resolver says, which is 300 mostly."""
    allow_stale: bool = False
    """Whether older secrets are used while the backend does not answer."""
    options: OpenMap = Field(default_factory=dict)
    """Arguments of the resolver."""


def _as_resolver(value: object) -> object:
    """Read a map of the settings here and the resolver's own options."""
    if not isinstance(value, dict) or "options" in value:
        return value
    own = {key: item for key, item in value.items() if key in ResolverSettings.model_fields}
    return {**own, "options": {key: item for key, item in value.items() if key not in own}}


Resolvers = dict[
    Text, Annotated[ResolverSettings, BeforeValidator(_as_resolver, json_schema_input_type=dict[str, object])]
]
"""Settings of resolvers by name: `{vault: {address: ..., cache_ttl: 60}}`."""

Targets = dict[str, Annotated[dict[str, OpenMap], BeforeValidator(as_map)]]
"""Fields of connections by name of the connection, by name of the target."""


class ProjectFile(Model):
    """What `datacoolie.yaml` says."""

    json_schema: Annotated[str | None, Field(alias="$schema")] = None
    """The JSON Schema of this file, for editors."""
    metadata: Names = Field(default_factory=lambda: ["metadata/"])
    """Documents, or folders of documents, relative to this file."""
    engine: PluginChoice | None = None
    """The engine: a name, or a map with its settings, such as `{name: spark, master: ..., conf: {...}}`; by default
    polars, or the only one there is."""
    platform: PluginChoice = Field(default_factory=lambda: Choice(name="local"))
    """The platform: a name, or `{name: aws, region: ...}`."""
    resolvers: Annotated[Resolvers, BeforeValidator(as_map)] = Field(default_factory=dict)
    """Where secrets come from: `{vault: {address: ..., cache_ttl: 60}}`."""
    state: Text = ".datacoolie"
    """Path or URI of leases, marks and run records; a relative one starts at this file."""
    run: Annotated[RunSettings, BeforeValidator(as_map)] = Field(default_factory=RunSettings)
    """Settings of runs."""
    targets: Targets = Field(default_factory=dict)
    """Fields of connections that a target overlays: `{prod: {lake: {configure: {...}}}}`."""
    extensions: OpenMap = Field(default_factory=dict)
    """Anything, for other tools."""
