"""Fetched secrets that are kept for a while, as a reference or the project says."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qsl, urlencode

from pydantic import Field, TypeAdapter, ValidationError

from datacoolie.core.exceptions import ConfigurationError, DataCoolieError, ErrorClass
from datacoolie.core.redaction import get_logger
from datacoolie.core.secret_resolver import BaseSecretResolver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How long secrets are kept.

    Attributes:
        ttl: seconds after which they are fetched again; 0 keeps none.
        allow_stale: whether older ones are used while the backend does not answer.
    """

    ttl: Annotated[float, Field(ge=0)]
    allow_stale: bool = False


@dataclass(frozen=True, slots=True)
class _Kept:
    values: Mapping[str, str]
    fetched: float


class CachedResolver(BaseSecretResolver):
    """Keeps what another resolver returns.

    The end of a source may say otherwise for this reference: `secret/app?ttl=60&allow_stale=true`. Other parameters
    there, such as `version`, are the other resolver's.

    Args:
        resolver: what is asked.
        keeping: how long its answers are kept where a reference does not say.
    """

    def __init__(self, resolver: BaseSecretResolver, keeping: Keeping) -> None:
        """Begin with nothing."""
        self._resolver = resolver
        self._keeping = keeping
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def resolve(self, key: str, source: str) -> str:
        """Return one secret, kept or fetched; raises as the resolver does."""
        return self.resolve_all([key], source)[key]

    def resolve_all(self, keys: Sequence[str], source: str) -> dict[str, str]:
        """Return secrets of one source, all of them fetched at the same time.

        Raises:
            ConfigurationError: the source's parameters are wrong.
            DataCoolieError: a secret can't be retrieved.
        """
        source, keeping = _split(source, self._keeping)
        with self._lock:
            kept = self._kept.get(source, _Kept({}, float("-inf")))
            has_all = kept.values.keys() >= set(keys)
            if not has_all or time.monotonic() >= kept.fetched + keeping.ttl:
                kept = self._fetched(source, kept, keys, may_be_stale=has_all and keeping.allow_stale)
            return {key: kept.values[key] for key in keys}

    def forget(self) -> None:
        """Fetch anew from now on; what was kept remains as the stale value."""
        with self._lock:
            self._kept = {source: replace(kept, fetched=float("-inf")) for source, kept in self._kept.items()}
            self._resolver.forget()

    def close(self) -> None:
        """Drop everything, and close the resolver."""
        with self._lock:
            self._kept.clear()
            self._resolver.close()

    def _fetched(self, source: str, kept: _Kept, keys: Sequence[str], *, may_be_stale: bool) -> _Kept:
        try:
            values = self._resolver.resolve_all(list(dict.fromkeys([*kept.values, *keys])), source)
        except DataCoolieError as error:
            if not may_be_stale or error.error_class is not ErrorClass.TRANSIENT:
                raise
            _log.warning("Older secrets of %r are used, as allow_stale says: %s", source, error.message)
            return kept
        self._kept[source] = _Kept(values, time.monotonic())
        return self._kept[source]


def _split(source: str, keeping: Keeping) -> tuple[str, Keeping]:
    """Take what is about keeping out of a source's parameters."""
    name, mark, query = source.partition("?")
    if not mark:
        return source, keeping
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    own = {each: parameters.pop(each) for each in ("ttl", "allow_stale") if each in parameters}
    try:
        said = TypeAdapter(Keeping).validate_python({"ttl": keeping.ttl, "allow_stale": keeping.allow_stale, **own})
    except ValidationError:
        message = f"The source {source!r} must say ttl in seconds and allow_stale as true or false."
        raise ConfigurationError(message) from None
    return name + (f"?{urlencode(parameters)}" if parameters else ""), said
