"""`write_options` of tables: known, or refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

ENGINE = "spark"
"""The key under which options of this engine alone stand."""


def table_options(
    given: Mapping[str, object], *, confs: Mapping[str, str], reserved: Iterable[str], where: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Return confs to set while a table is written, and options of Spark's own writer.

    Args:
        given: what the user wrote; mappings are options of one engine alone, ours below `spark`.
        confs: the conf that does the same for each kind of statement, by the name of a portable option.
        reserved: options of Spark's writer that the engine sets itself.
        where: the kind of table, for messages.

    Raises:
        ConfigurationError: an option can't be honoured.
    """
    names = {name.lower(): name for name in confs}
    found: dict[str, str] = {}
    native: dict[str, str] = {}
    taken = {name.lower() for name in reserved}
    for name, value in given.items():
        if isinstance(value, Mapping):
            native |= {str(key): str(one) for key, one in value.items()} if name == ENGINE else {}
        elif name.lower() in names:
            found[confs[names[name.lower()]]] = str(value)
        else:
            raise _refused(name, confs, where)
    for name in native:
        if name.lower() in taken:
            full = f"{ENGINE}.{name}"
            raise _refused(full, confs, where)
    return found, native


def _refused(name: str, possible: Iterable[str], where: str) -> ConfigurationError:
    message = (
        f"write_options of {where}: the engine 'spark' can't honour the option {name!r}. Possible: {listed(possible)}, "
        f"and options of Spark's writer below {ENGINE!r}, but for those that a load sets itself."
        f"{did_you_mean(name, possible)}"
    )
    return ConfigurationError(message, {"option": name})
