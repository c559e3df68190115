"""Entry points of installed distributions: read by group without importing, loaded with advice when that fails."""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from datacoolie.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w.-]+)['"]""")


def read_entry_points(group: str) -> dict[str, tuple[EntryPoint, ...]]:
    """Return the entry points of `group` by name; more than one where distributions claim a name for different objects.

    Claims for the same object count once: a copy of a distribution that an interrupted uninstallation left behind must
    not make its plugins ambiguous.
    """
    found: dict[str, dict[str, EntryPoint]] = {}
    for entry_point in _installed(tuple(sys.path)).select(group=group):
        found.setdefault(entry_point.name, {}).setdefault(entry_point.value, entry_point)
    return {name: tuple(claims[value] for value in sorted(claims)) for name, claims in found.items()}


def forget_entry_points() -> None:
    """Let the next question see distributions that were installed meanwhile."""
    _installed.cache_clear()


@lru_cache(maxsize=1)
def _installed(path: tuple[str, ...]) -> EntryPoints:  # noqa: ARG001 - what was found on another path does not count
    """Return the entry points of all distributions, which takes as long as those of one group."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - `import datacoolie` must not pay for it

    # In Python 3.11 it is another class with the same `select`.
    return cast("EntryPoints", entry_points())


def distribution_of(entry_point: EntryPoint) -> tuple[str, str]:
    """Return name and version of the distribution that declares `entry_point`, `unknown` where it does not say."""
    metadata = entry_point.dist.metadata if entry_point.dist else None
    if not metadata:
        return "unknown", "unknown"
    return metadata["Name"], metadata["Version"]


def described(entry_point: EntryPoint) -> str:
    """Return `module:attr of distribution version` for messages."""
    return f"{entry_point.value} of {' '.join(distribution_of(entry_point))}"


def load_entry_point(entry_point: EntryPoint) -> object:
    """Import what `entry_point` names.

    Raises:
        ConfigurationError: the import failed; chained from the cause, with what to install.
    """
    try:
        return entry_point.load()
    except Exception as error:  # someone else's module may raise anything
        cause = f"{type(error).__name__}: {error}"
        message = f"{described(entry_point)} can't be imported: {cause}. {_advice(entry_point, error)}"
        raise ConfigurationError(message) from error


def extra_that_lacks(name: str) -> str | None:
    """Return the extra of `datacoolie` that would bring the plugin `name`, when what it names is not installed.

    An extra brings plugins of its own name, and those whose name it begins: `aws` brings `aws` and `aws-sm`.
    """
    for requirement in _requirements("datacoolie") or ():
        extra = _EXTRA.search(requirement)
        if extra and f"{name}-".startswith(f"{extra[1]}-") and _requirements(_required(requirement)) is None:
            return extra[1]
    return None


def _requirements(distribution: str) -> list[str] | None:
    """Return what a distribution requires; `None` when it is not installed."""
    from importlib.metadata import PackageNotFoundError, requires  # noqa: PLC0415 - as above

    try:
        return requires(distribution) or []
    except PackageNotFoundError:
        return None


def _required(requirement: str) -> str:
    """Return the name in a requirement."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def _advice(entry_point: EntryPoint, error: Exception) -> str:
    """Say which extra brings a missing module; else a new installation, which brings what is required."""
    distribution, _ = distribution_of(entry_point)
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    extra = _extra_with(missing, entry_point) if missing else None
    if extra:
        return f'Install what it needs: pip install "{distribution}[{extra}]"'
    return f"Install it and what it needs again: pip install --upgrade --force-reinstall {distribution}"


def _extra_with(module: str, entry_point: EntryPoint) -> str | None:
    """Return the extra of the entry point's distribution that requires `module`; `azure` fits `azure-identity`."""
    package = _normalized(module.partition(".")[0])
    for requirement in (entry_point.dist and entry_point.dist.requires) or ():
        needed = _normalized(_required(requirement))
        extra = _EXTRA.search(requirement)
        if extra and (needed == package or needed.startswith(f"{package}-")):
            return extra[1]
    return None


def _normalized(name: str) -> str:
    """Spell a distribution or module as package indexes compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()
