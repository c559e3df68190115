"""What columns are called in the target, and which column a name in the metadata stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from datacoolie.core.exceptions import ErrorClass, TransformError
from datacoolie.core.models import ColumnNameCase
from datacoolie.core.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from datacoolie.core.models import Transform


@dataclass(frozen=True, slots=True)
class NameMap:
    """Columns of a frame by their names in the target.

    Merge keys, partition columns and keys of deduplication may be called as in the source or as in the target. Where
    one name means two columns, such as a dropped `id` and another that is renamed to `id`, the target's meaning counts.

    Attributes:
        sources: the name in the frame by the name in the target.
        transform: the renames that the flow asks for.
    """

    sources: Mapping[str, str]
    transform: Transform

    @classmethod
    def before(cls, columns: Iterable[str], transform: Transform) -> Self:
        """Return the map of a frame on the way, whose columns are not renamed yet."""
        renamed = {old.lower() for old in transform.rename_columns}
        # A column that is renamed explicitly takes the name from one that merely has it and is dropped.
        ordered = sorted(columns, key=lambda column: column.lower() in renamed)
        return cls({target_name(column, transform): column for column in ordered}, transform)

    @classmethod
    def after(cls, columns: Iterable[str], transform: Transform) -> Self:
        """Return the map of a frame whose columns are called as in the target."""
        return cls({column: column for column in columns}, transform)

    def destination_name(self, name: str, field: str | None = None) -> str:
        """Return what the column is called in the target.

        Args:
            name: the column, as the metadata calls it.
            field: where the metadata does so, for the message.

        Raises:
            TransformError: `name` is neither a column of the target nor of the source, or the column was left out.
        """
        found = self.destination_name_if_any(name)
        if found:
            return found
        near = did_you_mean(name, {**self.sources, **{source: source for source in self.sources.values()}})
        where = f"{field}: " if field else ""
        message = f"{where}There is no column {name!r}. Columns: {listed(self.sources)}.{near}"
        raise TransformError(message, {"column": name}).classed(ErrorClass.CONFIGURATION)

    def destination_name_if_any(self, name: str) -> str | None:
        """Return what the column is called in the target, or `None` when the target has none of that name."""
        targets = {target: target for target in self.sources}
        return (
            _in_any_case(name, targets)
            or _in_any_case(target_name(name, self.transform), targets)
            or _in_any_case(name, {source: target for target, source in self.sources.items()})
        )

    def source_name(self, name: str) -> str:
        """Return what the column is called in the frame that this map was made for.

        Raises:
            TransformError: as `destination_name`.
        """
        return self.sources[self.destination_name(name)]


def _in_any_case(name: str, known: Mapping[str, str]) -> str | None:
    """Return the value of the exact key, else of the one that differs only in case."""
    if name in known:
        return known[name]
    folded = name.lower()
    return next((value for key, value in known.items() if key.lower() == folded), None)


def earlier_names(transform: Transform, names: NameMap) -> dict[str, str]:
    """Return columns of the target by what they were called there before the flow renamed them."""
    case = transform.settings.column_name_case
    pairs = ((cased(old, case), names.destination_name_if_any(new)) for old, new in transform.rename_columns.items())
    return {old: new for old, new in pairs if new is not None and new.lower() != old.lower()}


def target_name(name: str, transform: Transform) -> str:
    """Return what a column of the source is called in the target: renamed, then in the flow's case."""
    renames = {old.lower(): new for old, new in transform.rename_columns.items()}
    return cased(renames.get(name.lower(), name), transform.settings.column_name_case)


def cased(name: str, case: ColumnNameCase) -> str:
    """Return a name in the target's case; one that starts with `_` stays."""
    if name.startswith("_"):
        return name
    return snake(name) if case is ColumnNameCase.SNAKE else name.lower()


def snake(name: str) -> str:
    """Return the words of a name in lower case with `_` between them: `OrderID` and `order-ID` give `order_id`.

    Letters and digits of any script stay; a name without any stays as it is.
    """
    words = re.sub(r"[\W_]+", " ", name).split()
    return "_".join(part.lower() for word in words for part in _humps(word)) or name


def _humps(word: str) -> list[str]:
    """Split before a capital that follows a small letter or digit, or that begins a word after an acronym."""
    starts = [0]
    for at in range(1, len(word)):
        before, here, after = word[at - 1], word[at], word[at + 1 : at + 2]
        if here.isupper() and (not before.isupper() or after.islower()):
            starts.append(at)
    return [word[start:end] for start, end in zip(starts, [*starts[1:], len(word)], strict=True)]
