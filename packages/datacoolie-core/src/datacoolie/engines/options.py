"""`read_options` and `write_options` under Spark's names: known, of the right type, or refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeOptions:
    """Options that one engine alone has; users write them in a mapping below the engine's name.

    Attributes:
        engine: its name.
        possible: names of the options but for those that the engine sets itself.
    """

    engine: str
    possible: tuple[str, ...]


class Options:
    """Options of one format, found in any case; values may be text, as Spark takes them.

    Args:
        given: what the user wrote. Mappings are options of one engine alone; those of other engines are not looked at.
        what: `read_options` or `write_options`, for messages.
        format: the format, for messages.
        possible: the names that can be honoured.
        native: the engine, and its own options.

    Attributes:
        native: the engine's own options that are given.

    Raises:
        ConfigurationError: an option is not possible.
    """

    def __init__(
        self,
        given: Mapping[str, object],
        *,
        what: str,
        format: str,  # noqa: A002 - the word users know
        possible: Iterable[str],
        native: NativeOptions,
    ) -> None:
        """Check all names."""
        self._where = f"{what} of {format}"
        self._engine = native.engine
        by_name = {name.lower(): name for name in possible}
        self._values: dict[str, object] = {}
        self.native: dict[str, object] = {}
        for name, value in given.items():
            if isinstance(value, Mapping):
                if name == native.engine:
                    self.native = self._checked_native(value, native.possible)
            elif name.lower() in by_name:
                self._values[by_name[name.lower()]] = value
            else:
                raise self._unknown(name, by_name.values())

    def _checked_native(self, given: Mapping[str, object], possible: Iterable[str]) -> dict[str, object]:
        for name in given:
            if name not in possible:
                full = f"{self._engine}.{name}"
                raise self._unknown(full, [f"{self._engine}.{one}" for one in possible])
        return dict(given)

    def _unknown(self, name: str, possible: Iterable[str]) -> ConfigurationError:
        names = sorted(possible)
        message = (
            f"{self._where}: the engine {self._engine!r} can't honour the option {name!r}. "
            f"Possible: {listed(names)}.{did_you_mean(name, names)}"
        )
        return ConfigurationError(message, {"option": name})

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean option.

        Raises:
            ConfigurationError: it is neither `true` nor `false`.
        """
        value = self._values.get(name, default)
        found = value if isinstance(value, bool) else _TRUTH.get(str(value).strip().lower())
        if found is None:
            raise self.wrong(name, "true or false")
        return found

    def text(self, name: str, *alternatives: str) -> str | None:
        """Return an option as text, under the first of its names that is given."""
        for one in (name, *alternatives):
            if one in self._values:
                return str(self._values[one])
        return None

    def character(self, name: str, *alternatives: str) -> str | None:
        """Return an option that is one character of one byte.

        Raises:
            ConfigurationError: it is longer.
        """
        value = self.text(name, *alternatives)
        if value is not None:
            value = value.replace("\\t", "\t")
            if len(value.encode()) > 1:
                raise self.wrong(name if name in self._values else alternatives[0], "a single ASCII character")
        return value

    def choice(self, name: str, possible: Mapping[str, str], default: str) -> str:
        """Return what a chosen word stands for.

        Raises:
            ConfigurationError: the word is none of `possible`.
        """
        value = str(self._values.get(name, default)).lower()
        if value not in possible:
            raise self.wrong(name, f"one of {listed(possible)}", possible)
        return possible[value]

    def fixed(self, name: str, *allowed: object) -> None:
        """Take an option that can only have values that change nothing.

        Raises:
            ConfigurationError: it has another value.
        """
        if name in self._values and str(self._values[name]).lower() not in {str(one).lower() for one in allowed}:
            raise self.wrong(name, " or ".join(repr(one) for one in allowed))

    def wrong(self, name: str, expected: str, possible: Iterable[str] = ()) -> ConfigurationError:
        """Return the error for a value that can't be honoured."""
        value = self._values.get(name)
        near = did_you_mean(str(value), possible)
        message = (
            f"{self._where}: the engine {self._engine!r} can't honour {name}: {value!r}; it takes {expected}.{near}"
        )
        return ConfigurationError(message, {"option": name})
