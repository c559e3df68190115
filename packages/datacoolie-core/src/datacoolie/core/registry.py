"""Plugins by name: registered by hand, or discovered among the entry points of installed distributions.

A `PluginRegistry` reads the entry points of its group once and imports a plugin only when that plugin is asked for, so
one that can't be imported hides no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from inspect import signature
from threading import RLock
from typing import TYPE_CHECKING, Generic, Literal, TypeVar, cast

from datacoolie.core.discovery import (
    described,
    distribution_of,
    extra_that_lacks,
    forget_entry_points,
    load_entry_point,
    read_entry_points,
)
from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.metadata import EntryPoint

__all__ = ["PluginInfo", "PluginRegistry"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """What is known of one plugin.

    Attributes:
        name: the name it is asked for by.
        value: where the class is, as `module:attribute`.
        distribution: the installed distribution that declares it; None when registered by hand.
        version: the version of that distribution.
        origin: how the registry came to know it.
        error: why `get` would refuse it; None when nothing is known against it.
    """

    name: str
    value: str
    distribution: str | None
    version: str | None
    origin: Literal["manual", "entry point"]
    error: str | None = None


@dataclass(slots=True, eq=False)
class _Slot(Generic[T]):
    """The place of one singleton, with its own lock: making one plugin never waits for another."""

    lock: RLock = field(default_factory=RLock)
    instance: T | None = None


class PluginRegistry(Generic[T]):
    """Classes by name, all subclasses of one base class.

    A class registered by hand wins over a discovered one of the same name, whichever came first. Safe to use from
    several threads.

    Args:
        entry_point_group: the group in which distributions declare their plugins, such as `datacoolie.engines`.
        base_class: what every plugin has to subclass.
    """

    def __init__(self, entry_point_group: str, base_class: type[T]) -> None:
        """Start empty; entry points are read at the first question that needs them."""
        self._group = entry_point_group
        self._base_class = base_class
        self._lock = RLock()
        self._manual: dict[str, type[T]] = {}
        self._discovered: dict[str, tuple[EntryPoint, ...]] | None = None
        self._hidden: set[str] = set()
        self._slots: dict[str, _Slot[T]] = {}

    def register(self, name: str, cls: type[T]) -> None:
        """Register `cls` under `name`, in place of whatever had that name; its singleton is evicted.

        Raises:
            ConfigurationError: `cls` is not a subclass of the base class.
        """
        self._check(name, cls)
        with self._lock:
            self._manual[name] = cls
            self._hidden.discard(name)
            self._slots.pop(name, None)

    def unregister(self, name: str) -> None:
        """Remove the plugin called `name` and its singleton.

        Of a manual registration this is the undoing: a discovered plugin that it covered is there again. A discovered
        plugin is hidden until its name is registered, or until `clear`.

        Raises:
            ConfigurationError: nothing is registered under `name`.
        """
        with self._lock:
            if not self.is_available(name):
                raise self._unknown(name)
            if self._manual.pop(name, None) is None:
                self._hidden.add(name)
            self._slots.pop(name, None)

    def clear(self) -> None:
        """Forget everything: registrations, hidden names, singletons, and what was discovered.

        Entry points are read again at the next question, so this also finds a package installed meanwhile.
        """
        with self._lock:
            self._manual.clear()
            self._hidden.clear()
            self._slots.clear()
            self._discovered = None
            forget_entry_points()

    def clear_singletons(self) -> None:
        """Evict all instances kept by `get_or_create`."""
        with self._lock:
            self._slots.clear()

    def is_available(self, name: str) -> bool:
        """Tell whether a plugin has this name, without importing it."""
        with self._lock:
            return name in self._manual or name in self._visible()

    def list_plugins(self) -> list[str]:
        """Return the names of all plugins, sorted, without importing any."""
        with self._lock:
            return sorted({*self._manual, *self._visible()})

    def describe(self, *, load: bool = False) -> list[PluginInfo]:
        """Return what is known of each plugin, sorted by name; one entry per claimant where a name is claimed twice.

        Args:
            load: import each plugin, to learn why `get` would refuse it.
        """
        return [info for name in self.list_plugins() for info in self._describe(name, load=load)]

    def get_class(self, name: str) -> type[T]:
        """Return the class called `name`, imported now if it was not yet.

        Raises:
            ConfigurationError: no plugin has that name, several distributions claim it, its import failed (chained),
                or it is not a subclass of the base class.
        """
        with self._lock:
            if name in self._manual:
                return self._manual[name]
            candidates = self._visible().get(name, ())
        if not candidates:
            raise self._unknown(name)
        if len(candidates) > 1:
            raise self._ambiguous(name, candidates)
        return self._check(name, load_entry_point(candidates[0]), candidates[0])

    def get(self, name: str, **kwargs: object) -> T:
        """Return a new instance of the plugin called `name`.

        Args:
            name: the plugin's name.
            **kwargs: passed on to its constructor.

        Raises:
            ConfigurationError: as `get_class`, or the plugin does not take these arguments or is abstract. What its
                constructor raises itself is passed on as it is.
        """
        cls = self.get_class(name)
        try:
            return cast("Callable[..., T]", cls)(**kwargs)
        except TypeError as error:
            refusal = self._refusal(name, cls, kwargs)
            if refusal is None:
                raise
            raise refusal from error

    def get_or_create(self, name: str, **kwargs: object) -> T:
        """Return the one instance of the plugin called `name`, made on the first call.

        Threads that ask at the same time get the same instance. A failure is not remembered: the next call tries again.

        Args:
            name: the plugin's name.
            **kwargs: passed on to its constructor on the first call, not looked at later.

        Raises:
            ConfigurationError: as `get`.
        """
        with self._lock:
            slot = self._slots.setdefault(name, _Slot())
        with slot.lock:
            if slot.instance is None:
                slot.instance = self.get(name, **kwargs)
            return slot.instance

    @property
    def _noun(self) -> str:
        """What messages call a plugin of this registry: `engine` for `BaseEngine`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self._base_class.__name__.removeprefix("Base")).lower()

    def _visible(self) -> dict[str, tuple[EntryPoint, ...]]:
        """Return what is discovered and not hidden; called with the lock held."""
        if self._discovered is None:
            self._discovered = read_entry_points(self._group)
        return {name: found for name, found in self._discovered.items() if name not in self._hidden}

    def _check(self, name: str, cls: object, found: EntryPoint | None = None) -> type[T]:
        """Return `cls` if it fulfils the contract; `found` is where it is from, unless it was registered."""
        if not (isinstance(cls, type) and issubclass(cls, self._base_class)):
            base = f"{self._base_class.__module__}.{self._base_class.__qualname__}"
            message = (
                f"The {self._noun} {name!r} ({_origin(found)}) is {cls!r}, which is no subclass of {base}. "
                "Derive it from that."
            )
            raise ConfigurationError(message, {"group": self._group, "name": name})
        current, built_for = (getattr(each, "contract_version", None) for each in (self._base_class, cls))
        if built_for != current:
            message = (
                f"The {self._noun} {name!r} ({_origin(found)}) is built for version {built_for} of the contract of "
                f"this kind of plugin, and datacoolie-core has version {current}. "
                "Install versions of both that go together."
            )
            raise ConfigurationError(message, {"group": self._group, "name": name})
        return cls

    def _describe(self, name: str, *, load: bool) -> list[PluginInfo]:
        """Return the entries of one name."""
        with self._lock:
            manual, candidates = self._manual.get(name), self._visible().get(name, ())
        if manual is not None:
            value = f"{manual.__module__}:{manual.__qualname__}"
            return [PluginInfo(name=name, value=value, distribution=None, version=None, origin="manual")]
        error = self._fault(name) if load or len(candidates) > 1 else None
        return [_info(candidate, error) for candidate in candidates]

    def _fault(self, name: str) -> str | None:
        """Return why the class called `name` can't be had, or None."""
        try:
            self.get_class(name)
        except ConfigurationError as error:
            return error.message
        return None

    def _unknown(self, name: str) -> ConfigurationError:
        names = self.list_plugins()
        extra = extra_that_lacks(name)
        advice = f' Install it: pip install "datacoolie[{extra}]".' if extra else did_you_mean(name, names)
        advice = advice or ' Others are packages of their own: pip install "datacoolie[<extra>]".'
        message = f"No {self._noun} is called {name!r}. Installed: {listed(names)}.{advice}"
        return ConfigurationError(message, {"group": self._group, "name": name, "possible": names})

    def _ambiguous(self, name: str, candidates: tuple[EntryPoint, ...]) -> ConfigurationError:
        claims = listed(described(candidate) for candidate in candidates)
        message = (
            f"The {self._noun} {name!r} is claimed {len(candidates)} times: {claims}. "
            f"Uninstall all but one, or choose with register({name!r}, cls)."
        )
        return ConfigurationError(message, {"group": self._group, "name": name})

    def _refusal(self, name: str, cls: type[T], kwargs: Mapping[str, object]) -> ConfigurationError | None:
        """Return the error for a call that `cls` can't take, or None if the call itself was right.

        Values are not shown: they may be secrets.
        """
        details: dict[str, object] = {"group": self._group, "name": name}
        if missing := sorted(getattr(cls, "__abstractmethods__", ())):
            return ConfigurationError(f"The {self._noun} {name!r} ({cls!r}) lacks: {listed(missing)}.", details)
        accepted = signature(cls)
        try:
            accepted.bind(**kwargs)
        except TypeError as error:
            names = list(accepted.parameters)
            near = "".join(did_you_mean(given, names) for given in kwargs if given not in names)
            message = f"The {self._noun} {name!r} can't be made: {error}. It accepts: {listed(names)}.{near}"
            return ConfigurationError(message, details)
        return None


def _info(entry_point: EntryPoint, error: str | None) -> PluginInfo:
    distribution, version = distribution_of(entry_point)
    return PluginInfo(
        name=entry_point.name,
        value=entry_point.value,
        distribution=distribution,
        version=version,
        origin="entry point",
        error=error,
    )


def _origin(found: EntryPoint | None) -> str:
    """Return where a class is from, for messages; asked for only then, for it is read from the distribution."""
    return described(found) if found else "the call of register"
