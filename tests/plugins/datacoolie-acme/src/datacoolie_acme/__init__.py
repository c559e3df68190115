"""Plugins of somebody else, written after `docs/how-to/own-plugin.md` alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

from datacoolie.core.exceptions import ConfigurationError, SourceError
from datacoolie.core.models import PluginSettings
from datacoolie.core.secret_resolver import BaseSecretResolver
from datacoolie.sources import BaseSource, Bound, Reading, Watermarks, Window, type_of
from datacoolie.sql import lit
from datacoolie.transformers import BaseTransformer, TransformContext

if TYPE_CHECKING:
    from datacoolie.core.types import DataType
    from datacoolie.engines import Observed
    from datacoolie.state import Mark

Frame = TypeVar("Frame")


class JsonResolver(BaseSecretResolver):
    """Takes secrets from a JSON file: `secrets_ref: {"acme:secrets.json": [options.token]}`."""

    contract_version: ClassVar[int] = 1

    def resolve(self, key: str, source: str) -> str:
        """Return the text at `key` of the file `source`."""
        try:
            return str(json.loads(Path(source).read_bytes())[key])
        except (OSError, ValueError, KeyError) as error:
            message = f"There is no secret {key!r} in {source!r}"
            raise ConfigurationError(message) from error


class TagsTransformer(BaseTransformer[Frame]):
    """Adds columns with one value: `configure: {acme_tags: {team: sales}}`."""

    contract_version: ClassVar[int] = 1
    order: ClassVar[int] = 42

    def applies(self, context: TransformContext[Frame]) -> bool:
        """Return whether there are tags."""
        return "acme_tags" in context.flow.configure

    def transform(self, frame: Frame, context: TransformContext[Frame]) -> Frame:
        """Add the columns."""
        tags = context.flow.configure["acme_tags"]
        if not isinstance(tags, dict):
            field, message = "configure.acme_tags", f"is {tags!r}; write a value by each column"
            raise context.error(field, message)
        return context.frames.with_columns(frame, {name: lit(str(value)) for name, value in tags.items()})


class NumbersSource(BaseSource[Frame]):
    """Numbers from 1 to `options.rows`, for those who know `options.token`."""

    contract_version: ClassVar[int] = 1

    @property
    def location(self) -> str:
        """What messages call it."""
        return f"numbers of {self.connection.name}"

    def window(self, mark: Mark | None) -> Window | None:
        """Return what is above the mark; nothing when that is the last number."""
        last = int(str(self._options["rows"]))
        if mark is not None and mark.values.get("id") == last:
            return None
        return Window(mark=mark, low=self._watermarks.low(mark))

    def span(self, low: Bound, high: Bound, mark: Mark | None) -> Window | None:
        """Return what a replay asks for."""
        return Window(mark=mark, low=low, high=high, replayed=True)

    def column_type(self, column: str) -> DataType:
        """Return the type of a column by which rows can be chosen."""
        return type_of(column, self.engine.frames.schema(self._rows()), self.location)

    def read(self, window: Window) -> Reading[Frame]:
        """Return the rows of the window."""
        return self._watermarks.read(self._rows(), window)

    def mark(self, window: Window, observed: Observed) -> Mark:
        """Return the largest number seen."""
        return self._watermarks.mark(window, observed)

    def verify(self, window: Window) -> None:
        """Numbers don't change."""

    @property
    def _options(self) -> dict[str, object]:
        return self.connection.settings_as(PluginSettings).options

    @property
    def _watermarks(self) -> Watermarks[Frame]:
        source = self.flow.source
        return Watermarks(
            self.engine.frames,
            source.watermark_columns,
            source.settings.watermark,
            backward=source.look_back(self.connection),
            where=self.location,
        )

    def _rows(self) -> Frame:
        import pyarrow as pa  # noqa: PLC0415 - takes long to import

        if self._options["token"] != "open sesame":  # noqa: S105 - made up
            message = f"{self.location}: the token {self._options['token']!r} is wrong"
            raise SourceError(message)
        numbers = range(1, int(str(self._options["rows"])) + 1)
        return self.engine.frames.from_arrow(pa.table({"id": pa.array(numbers, pa.int64())}))
