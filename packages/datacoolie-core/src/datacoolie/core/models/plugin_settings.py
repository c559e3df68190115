"""The settings that a project gives a plugin: checked alike for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.models.base import Model
from datacoolie.core.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

AnyModel = TypeVar("AnyModel", bound=Model)


def settings_of(whose: str, kind: type[AnyModel], options: Mapping[str, object]) -> AnyModel:
    """Return the settings of a plugin in their typed form.

    Args:
        whose: the plugin, for messages: `the resolver 'vault'`.
        kind: the typed form.
        options: as a project has them.

    Raises:
        ConfigurationError: one is unknown or invalid; the message has all faults and no value.
    """
    try:
        return kind.model_validate(options)
    except ValidationError as error:
        lines = error.errors(include_url=False, include_input=False)
        faults = [_fault(line["loc"], line["msg"], kind.model_fields) for line in lines]
    # Outside of the handler, so that no cause shows values: some may be secrets.
    raise _wrong(whose, faults)


def check_names(whose: str, names: Iterable[str], known: Collection[str]) -> None:
    """Make sure that a plugin knows all settings, where a library has their types.

    Args:
        whose: the plugin, for messages: `the resolver 'vault'`.
        names: the settings that a project has.
        known: those that there are.

    Raises:
        ConfigurationError: it does not know one.
    """
    if faults := [_unknown(name, known) for name in names if name not in known]:
        raise _wrong(whose, faults)


def _fault(location: tuple[int | str, ...], message: str, known: Collection[str]) -> str:
    name = ".".join(map(str, location))
    if not location:
        return message.removeprefix("Value error, ")
    return f"{name}: {message.removeprefix('Value error, ')}" if location[0] in known else _unknown(name, known)


def _unknown(name: str, known: Collection[str]) -> str:
    return f"{name}: is not a known setting; possible: {listed(known)}.{did_you_mean(name, known)}".rstrip(".")


def _wrong(whose: str, faults: Iterable[str]) -> ConfigurationError:
    return ConfigurationError(f"The settings of {whose} are wrong: {'; '.join(faults)}.".replace("?.", "?"))
