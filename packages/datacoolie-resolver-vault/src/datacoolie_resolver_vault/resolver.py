"""The resolver: references to secrets become requests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, quote

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.redaction import get_logger, register_secret_values
from datacoolie.core.secret_resolver import BaseSecretResolver
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie_resolver_vault.client import VaultError
from datacoolie_resolver_vault.renewal import Loan, renew
from datacoolie_resolver_vault.session import VaultSession
from datacoolie_resolver_vault.settings import settings_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import hvac

_log = get_logger(__name__)

_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Reference:
    """What a source names: `secret/app?version=2`."""

    path: str
    version: int | None

    @classmethod
    def of(cls, source: str) -> Reference:
        """Read a source.

        Raises:
            ConfigurationError: it has no path, leads elsewhere, or has other parameters than `version`.
        """
        path, _, query = source.partition("?")
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        version = parameters.pop("version", None)
        parts = path.strip("/").split("/")
        if len(parts) < 2 or {"", ".", ".."} & set(parts):  # noqa: PLR2004 - a mount and a name
            message = f"{source!r} must be the path of a secret in Vault: mount/name, such as vault:secret/app."
            raise ConfigurationError(message)
        if parameters or not (version is None or version.isdigit()):
            message = f"{source!r} may say ?version=NUMBER, ttl and allow_stale, and nothing else."
            raise ConfigurationError(message)
        return cls("/".join(parts), None if version is None else int(version))


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a secrets engine is mounted, and which one."""

    path: str
    kind: str
    version: str


@dataclass(frozen=True, slots=True)
class Borrowed:
    """Credentials that Vault made for us."""

    lease_id: str
    data: Mapping[str, object]
    loan: Loan


class VaultResolver(BaseSecretResolver):
    """Secrets of HashiCorp Vault: `vault:MOUNT/NAME` with the name of a field, a dotted one inside of nested data.

    Secrets of KV 1 and 2 are read; of another engine (database, aws, ...) credentials are made on the first request,
    renewed while a run lasts, and revoked at its end.

    Args:
        **options: the settings of `VaultSettings`.

    Raises:
        ConfigurationError: a setting is wrong.
    """

    contract_version: ClassVar[int] = 1

    def __init__(self, **options: object) -> None:
        """Read settings; the server is asked for nothing yet."""
        settings = settings_from(options)
        register_secret_values(*(each for each in (settings.token, settings.secret_id, settings.jwt) if each))
        self._session = VaultSession(settings)
        self._mounts: dict[str, Mount] = {}
        self._borrowed: dict[str, Borrowed] = {}

    def resolve(self, key: str, source: str) -> str:
        """Return one field of a secret.

        Raises:
            ConfigurationError: the source or the field is wrong.
            VaultError: Vault does not give it.
        """
        return self.resolve_all([key], source)[key]

    def resolve_all(self, keys: Sequence[str], source: str) -> dict[str, str]:
        """Return fields of one secret, of one version of it; raises as `resolve`."""
        data = self._read(Reference.of(source))
        return {key: _text(_field(data, key, source), key, source) for key in keys}

    def forget(self) -> None:
        """Make new credentials for those that do not live any more."""
        self._mounts.clear()
        for path, borrowed in list(self._borrowed.items()):
            if not renew(borrowed.loan):
                self._session.renewals.remove(borrowed.loan)
                del self._borrowed[path]

    def close(self) -> None:
        """Revoke credentials, and the token where a login made it."""
        self._session.renewals.close()
        for path, borrowed in self._borrowed.items():
            try:
                self._session.call(partial(_revoke, borrowed.lease_id), f"revoke the credentials of {path!r}")
            except VaultError as error:
                _log.warning("Credentials of %r end by themselves later: %s", path, error.message)
        self._borrowed.clear()
        self._mounts.clear()
        self._session.close()

    def _read(self, reference: Reference) -> Mapping[str, object]:
        mount = self._mount(reference.path)
        if mount.kind != "kv":
            return self._borrow(reference)
        if mount.version != "2":
            if reference.version is not None:
                message = f"{reference.path!r} is in a KV engine of version 1, without versions: leave out ?version="
                raise ConfigurationError(message)
            return self._data(self._get(reference.path, mount), reference)
        name = reference.path.removeprefix(mount.path)
        params = {} if reference.version is None else {"version": str(reference.version)}
        answer = self._get(reference.path, mount, f"{mount.path}data/{name}", **params)
        return self._data(answer.get("data") or {}, reference)

    def _get(self, path: str, mount: Mount, place: str | None = None, **params: str) -> dict[str, Any]:
        """Read a secret of KV; one that is not there is explained."""
        try:
            return self._session.get(quote(place or path), f"read {path!r}", **params)
        except VaultError as error:
            if error.status != _NOT_FOUND:
                raise
            explained = VaultError(f"{error.message} {self._absent(path, mount, error)}", error.status, error.body)
            raise explained.classed(error.error_class) from error

    def _absent(self, path: str, mount: Mount, error: VaultError) -> str:
        """Say why a secret is not there, or which ones are."""
        found: dict[str, Any] = error.body.get("data") or {}
        metadata = found.get("metadata") or {}
        if metadata.get("destroyed"):
            return f"Version {metadata.get('version')} was destroyed. Write a new one, or ask for another."
        if metadata.get("deletion_time"):
            return f"Version {metadata.get('version')} was deleted: vault kv undelete brings it back."
        folder, _, name = path.removeprefix(mount.path).rpartition("/")
        place = f"{mount.path}{'metadata/' if mount.version == '2' else ''}{folder}"
        try:
            listing = self._session.get(quote(place), f"list {place!r}", list="true")
        except VaultError:
            return "Write it, or correct the path."
        names = [str(each) for each in (listing.get("data") or {}).get("keys") or []]
        return f"Beside it are: {listed(names)}.{did_you_mean(name, names)}"

    def _data(self, answer: Mapping[str, Any], reference: Reference) -> Mapping[str, object]:
        data = answer.get("data")
        if isinstance(data, dict):
            return data
        message = f"{reference.path!r} holds no fields."
        raise VaultError(message)

    def _borrow(self, reference: Reference) -> Mapping[str, object]:
        """Return credentials that live; their fields belong together, so they are made once."""
        borrowed = self._borrowed.get(reference.path)
        if borrowed is not None and borrowed.loan.valid:
            return borrowed.data
        answer = self._session.get(quote(reference.path), f"read {reference.path!r}")
        data, lease, seconds = self._data(answer, reference), str(answer.get("lease_id")), answer.get("lease_duration")
        if not answer.get("lease_id") or not seconds:
            return data
        loan = Loan(what=f"Credentials of {reference.path!r}", seconds=float(seconds), renew=lambda: self._renew(lease))
        self._borrowed[reference.path] = Borrowed(lease, data, loan)
        if answer.get("renewable"):
            self._session.renewals.add(loan)
        return data

    def _renew(self, lease: str) -> float:
        answer = self._session.call(lambda api: api.sys.renew_lease(lease), "renew a lease")
        return float(answer["lease_duration"])

    def _mount(self, path: str) -> Mount:
        """Return the engine that a path belongs to; Vault tells it to whoever may read the path."""
        known = next((mount for prefix, mount in self._mounts.items() if path.startswith(prefix)), None)
        if known is not None:
            return known
        answer = self._session.get(f"sys/internal/ui/mounts/{quote(path)}", f"find the engine of {path!r}")
        data = answer.get("data") or {}
        options = data.get("options") or {}
        mount = Mount(str(data["path"]), str(data["type"]), str(options.get("version", "1")))
        kind = "kv" if mount.kind == "generic" else mount.kind
        self._mounts[mount.path] = Mount(mount.path, kind, mount.version)
        return self._mounts[mount.path]


def _revoke(lease_id: str, api: hvac.Client) -> None:
    api.sys.revoke_lease(lease_id)


def _field(data: Mapping[str, object], key: str, source: str) -> object:
    """Return a field; a name that has dots itself comes before a path."""
    if key in data:
        return data[key]
    holder: object = data
    for part in key.split("."):
        if not isinstance(holder, dict) or part not in holder:
            names = list(data)
            message = f"{source!r} has no field {key!r}. Fields: {listed(names)}.{did_you_mean(key, names)}"
            raise ConfigurationError(message)
        holder = holder[part]
    return holder


def _text(value: object, key: str, source: str) -> str:
    """Return a field as text; numbers and booleans as JSON has them."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list) or value is None:
        holds = "is null" if value is None else f"holds {type(value).__name__}"
        message = f"The field {key!r} of {source!r} {holds}; name a field of text or a number."
        raise ConfigurationError(message)
    return json.dumps(value)
