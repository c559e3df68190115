"""What connections, sources and destinations have in common: `configure` with secrets in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import Field, ValidationError

from datacoolie.core.models.base import Model
from datacoolie.core.models.forms import OpenMap, SecretsRef
from datacoolie.core.models.masking import masked
from datacoolie.core.suggest import did_you_mean, listed


class Configured(Model):
    """Settings as they were written, and which of them are names of secrets."""

    secrets_ref: SecretsRef = Field(default_factory=dict)
    """Fields of `configure`, by the source of their secrets; a dotted field reaches into nested settings."""
    configure: OpenMap = Field(default_factory=dict)
    """Settings as they were written; `settings` has them typed."""

    @property
    def secret_paths(self) -> frozenset[str]:
        """Dotted paths inside `configure` that hold secrets, or their names until they are resolved."""
        return frozenset(path for paths in self.secrets_ref.values() for path in paths)

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        """Mask what `secrets_ref` names, too."""
        for name, value in super().__repr_args__():
            yield name, masked(self.configure, self.secret_paths) if name == "configure" else value


def check_settings(kind: type[Model], configure: Mapping[str, object], secrets_ref: Mapping[str, list[str]]) -> None:
    """Check `configure` against its typed form before secrets are resolved.

    A field that holds the name of a secret has to be there; its type is only known later: a `port` may be secret.

    Raises:
        ValueError: `secrets_ref` doesn't fit; a `ValidationError` when a setting is wrong.
    """
    paths = check_references(configure, secrets_ref)
    try:
        kind.model_validate(configure)
    except ValidationError as error:
        if not paths or any(".".join(map(str, line["loc"])) not in paths for line in error.errors(include_url=False)):
            raise


def check_references(configure: Mapping[str, object], secrets_ref: Mapping[str, list[str]]) -> set[str]:
    """Return the paths of `secrets_ref`, each of which is in `configure` and under one source.

    Raises:
        ValueError: one is not.
    """
    seen: set[str] = set()
    for path in (path for paths in secrets_ref.values() for path in paths):
        if path in seen:
            message = f"is ambiguous: secrets_ref names {path!r} twice; keep one"
            raise ValueError(message)
        seen.add(path)
        if path not in configure:
            _check_reaches(configure, path)
    return seen


def _check_reaches(configure: Mapping[str, object], path: str) -> None:
    """Follow a dotted path into nested settings."""
    holder: object = configure
    for part in path.split("."):
        if not isinstance(holder, Mapping) or part not in holder:
            keys = list(holder) if isinstance(holder, Mapping) else []
            message = f"has no {path!r}, which secrets_ref names; here is: {listed(keys)}.{did_you_mean(part, keys)}"
            raise ValueError(message)
        holder = holder[part]
