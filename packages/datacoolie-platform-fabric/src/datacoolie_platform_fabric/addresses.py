"""Addresses on OneLake and on storage accounts: `abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/key`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from datacoolie.core.exceptions import ErrorClass, PlatformError

_ABFS = re.compile(
    r"abfss?://(?P<container>[^@/]*)@(?P<account>[^./]+)\.(?:dfs|blob)\.(?P<suffix>[^/]+)(?:/(?P<key>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_AZ = re.compile(r"az://(?P<container>[^/]*)(?:/(?P<key>.*))?", re.IGNORECASE | re.DOTALL)
_CONTAINER = re.compile(r"\$?[A-Za-z0-9][A-Za-z0-9._-]{2,}")
_ITEM = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[^/]+\.[A-Za-z]+")

_COMMON = frozenset({"core.windows.net", "fabric.microsoft.com"})
"""The suffixes of hosts that libraries of engines know in `abfss://`."""

_BELOW_SECTION = 3
"""Parts of the key of what is below a section of an item: `sales.Lakehouse/Files/file`."""

TABLES, FILES = "Tables", "Files"
"""The folders of an item that can be written to."""

MOUNT = "/lakehouse/default"
"""Where Fabric mounts the default lakehouse of a notebook."""


@dataclass(frozen=True, slots=True)
class Address:
    """A container (a workspace of Fabric), and a key in it: of an object, or what keys begin with in a folder.

    Attributes:
        account: name of the storage account; `onelake` mostly on OneLake.
        suffix: what follows `ACCOUNT.dfs.` in its host.
        container: its name; on OneLake name or id of the workspace.
        key: without `/` at its end; empty for the whole container.
    """

    account: str
    suffix: str
    container: str
    key: str

    @property
    def uri(self) -> str:
        """The address as listings show it, and as libraries of engines take it."""
        return f"{self.root}/{self.key}" if self.key else self.root

    @property
    def root(self) -> str:
        """The URI of its container."""
        common = self.suffix in _COMMON
        return f"abfss://{self.container}@{self.account}.dfs.{self.suffix}" if common else f"az://{self.container}"

    @property
    def prefix(self) -> str:
        """What the keys of everything below it begin with."""
        return f"{self.key}/" if self.key else ""

    @property
    def on_onelake(self) -> bool:
        """Whether it is in Fabric."""
        return self.suffix.startswith("fabric.") and self.account.endswith("onelake")

    @property
    def section(self) -> str:
        """On OneLake the folder of the item that it is in: `Tables`, `Files`; empty elsewhere."""
        parts = self.key.split("/")
        return parts[1] if self.on_onelake and len(parts) > 1 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Reads addresses.

    Attributes:
        account: the storage account of `az://`.
        suffix: what follows `ACCOUNT.dfs.` in its host.
        mounted: URI of the lakehouse that is mounted at `MOUNT`, if there is one.
    """

    account: str | None
    suffix: str
    mounted: str | None

    def is_mounted(self, path: str) -> bool:
        """Whether a path of this machine is one of the mounted lakehouse."""
        return self.mounted is not None and f"{path}/".startswith(f"{MOUNT}/")

    def parse(self, path: str) -> Address:
        """Return the address that a URI says; nothing in it is escaped: `%20` is three characters of the key.

        Raises:
            PlatformError: it is none, or leads out of its folder by `..`.
        """
        address = self._found(path)
        if not _CONTAINER.fullmatch(address.container):
            kind = "workspace; write its id where the name has other characters" if address.on_onelake else "container"
            message = f"{path!r}: {address.container!r} is not the name of a {kind}."
            raise _refused(message, path)
        parts = address.key.split("/")
        if "\0" in address.key or {".", ".."} & set(parts):
            message = f"{path!r}: a key has no parts '.' or '..' on Azure. Write the folder's own path."
            raise _refused(message, path)
        if address.on_onelake and address.key and not _ITEM.fullmatch(parts[0]):
            message = f"{path!r}: {parts[0]!r} is no item of a workspace. Write {parts[0]}.Lakehouse, or its id."
            raise _refused(message, path)
        return address

    def parse_object(self, path: str) -> Address:
        """Return the address of an object that may be written.

        Raises:
            PlatformError: it is none, a whole container, or what Fabric itself keeps.
        """
        address = self.parse(path)
        if not address.key:
            message = f"{path!r} is a whole container. Write the path of a file or folder in it."
            raise _refused(message, path)
        if address.on_onelake and (
            address.key.count("/") + 1 < _BELOW_SECTION or address.section not in {TABLES, FILES}
        ):
            message = f"{path!r}: on OneLake files and tables are below an item's {FILES} or {TABLES}. Write there."
            raise _refused(message, path)
        return address

    def _found(self, path: str) -> Address:
        uri = f"{self.mounted}{path.removeprefix(MOUNT)}" if self.is_mounted(path) else path
        found = _ABFS.fullmatch(uri)
        if found is not None:
            account, suffix = found["account"].lower(), found["suffix"].lower()
            if suffix not in _COMMON and (account, suffix) != (self.account, self.suffix):
                message = (
                    f"{path!r}: engines know accounts at {suffix} as az:// only. Give the platform "
                    f"account: {account} and endpoint_suffix: {suffix}."
                )
                raise _refused(message, path)
        elif (found := _AZ.fullmatch(uri)) is not None:
            if self.account is None:
                message = f"{path!r} says no account. Give the platform its account, or write {_FORM}."
                raise _refused(message, path)
            account, suffix = self.account, self.suffix
        else:
            message = f"{path!r} is not on platform 'fabric', which has abfss:// and az:// URIs. Write {_FORM}."
            raise _refused(message, path)
        return Address(account, suffix, found["container"], (found["key"] or "").rstrip("/"))


_FORM = "abfss://WORKSPACE@onelake.dfs.fabric.microsoft.com/ITEM.Lakehouse/... or abfss://CONTAINER@ACCOUNT.dfs..."


def _refused(message: str, path: str) -> PlatformError:
    return PlatformError(message, {"path": path}).classed(ErrorClass.CONFIGURATION)
