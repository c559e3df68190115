"""What connections, sources and destinations have in common: `configure` with secrets in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.models.base import Model
from datacoolie.core.models.checks import NotPossibleError
from datacoolie.core.models.masking import masked

AnyModel = TypeVar("AnyModel", bound=Model)


class Configured(Model):
    """Settings as they were written, and which of them are names of secrets."""

    if TYPE_CHECKING:
        # Subclasses declare them, after the fields that their validation looks at.
        secrets_ref: dict[str, list[str]]
        configure: dict[str, object]

    @property
    def secret_paths(self) -> frozenset[str]:
        """Dotted paths inside `configure` that hold secrets, or their names until they are resolved."""
        return frozenset(path for paths in self.secrets_ref.values() for path in paths)

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        """Mask what `secrets_ref` names, too."""
        for name, value in super().__repr_args__():
            yield name, masked(self.configure, self.secret_paths) if name == "configure" else value


class SettingsError(ValueError):
    """`configure` is invalid.

    Attributes:
        kind: its typed form.
        error: what is wrong with the settings; `None` when nothing is.
        reference: what is wrong with `secrets_ref`; `None` when nothing is.
    """

    def __init__(self, kind: type[Model], error: ValidationError | None, reference: ValueError | None = None) -> None:
        """Keep what is wrong."""
        super().__init__("; ".join(str(each) for each in (reference, error) if each is not None))
        self.kind = kind
        self.error = error
        self.reference = reference


def typed(kind: type[AnyModel], configure: Mapping[str, object], *, where: str) -> AnyModel:
    """Return `configure` in its typed form.

    Args:
        kind: the typed form.
        configure: the settings, valid or with secrets in them that nobody has looked at.
        where: whose they are, for messages.

    Raises:
        ConfigurationError: something is wrong.
    """
    try:
        return kind.model_validate(configure)
    except ValidationError as error:
        faults = [f"configure.{'.'.join(map(str, line['loc']))}: {line['msg']}" for line in error.errors()]
        message = f"{where}: {'; '.join(faults)}"
        # The cause would show the values, and some may be secrets.
        raise ConfigurationError(message) from None


def check_settings(
    kind: type[Model], configure: Mapping[str, object], secrets_ref: Mapping[str, list[str]], *, late: bool = False
) -> None:
    """Check `configure` against its typed form before secrets are resolved.

    Args:
        kind: the typed form.
        configure: the settings.
        secrets_ref: which of them are names of secrets.
        late: a field that holds the name of a secret gets its type when the secret is there: a `port` may be secret.

    Raises:
        SettingsError: something is wrong.
    """
    reference = None
    try:
        check_references(configure, secrets_ref)
    except ValueError as error:
        reference = error
    try:
        kind.model_validate(configure)
    except ValidationError as error:
        paths = {path for paths in secrets_ref.values() for path in paths}
        untyped = all(".".join(map(str, line["loc"])) in paths for line in error.errors(include_url=False))
        if not (late and untyped):
            raise SettingsError(kind, error, reference) from error
    if reference is not None:
        raise SettingsError(kind, None, reference)


def check_references(configure: Mapping[str, object], secrets_ref: Mapping[str, list[str]]) -> None:
    """Make sure that each path of `secrets_ref` is in `configure` and under one source.

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


def _check_reaches(configure: Mapping[str, object], path: str) -> None:
    """Follow a dotted path into nested settings."""
    holder: object = configure
    for part in path.split("."):
        if not isinstance(holder, Mapping) or part not in holder:
            message = f"has no {path!r}, which secrets_ref names"
            raise NotPossibleError(message, list(holder) if isinstance(holder, Mapping) else [], meant=part)
        holder = holder[part]
