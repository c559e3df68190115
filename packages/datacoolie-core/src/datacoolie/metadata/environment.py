"""`${VAR}` and `${VAR:-default}` in the strings of a document; `$${` stands for `${` itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from datacoolie.metadata.positions import Path

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


class VariableError(ValueError):
    """A reference to a variable can't be replaced; the message continues a field's path."""


def has_reference(text: str) -> bool:
    """Return whether there may be something to replace in `text`."""
    return "${" in text


def substitute(text: str, environ: Mapping[str, str]) -> str:
    """Return `text` with the values of variables in place of their names.

    Raises:
        VariableError: a variable is not set and has no default, or what stands in braces is no name.
    """

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        reference = _NAME.fullmatch(match[1])
        if not match[2] or reference is None:
            message = f"{match[0]!r} is no variable; write ${{NAME}} or ${{NAME:-default}}, and $${{ for a literal ${{"
            raise VariableError(message)
        name, default = reference.groups()
        value = environ.get(name)
        # As in a shell, `:-` also stands in for a variable that is empty.
        if value or (value is not None and default is None):
            return value
        if default is not None:
            return str(default)
        message = f"the environment variable {name} is not set; set it or write ${{{name}:-default}}"
        raise VariableError(message)

    return _REFERENCE.sub(replace, text)


def expand(data: object, environ: Mapping[str, str], on_error: Callable[[Path, str], None], path: Path = ()) -> object:
    """Return a copy of `data` with all its strings substituted; keys stay as they are.

    Args:
        data: dicts, lists and scalars.
        environ: the variables.
        on_error: called with path and message of each string that can't be substituted, which stays as it is.
        path: where `data` stands.
    """
    if isinstance(data, str):
        try:
            return substitute(data, environ) if has_reference(data) else data
        except VariableError as error:
            on_error(path, str(error))
            return data
    if isinstance(data, dict):
        return {key: expand(value, environ, on_error, (*path, key)) for key, value in data.items()}
    if isinstance(data, list):
        return [expand(value, environ, on_error, (*path, at)) for at, value in enumerate(data)]
    return data
