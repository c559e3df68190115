"""Files on OneLake and on storage accounts, by their blob endpoints."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from datacoolie.core.exceptions import ErrorClass, PlatformError
from datacoolie.platforms import Content, Dialect, FileInfo, ObjectStore, PathNotFoundError
from datacoolie.platforms.object_store import AT_A_TIME
from datacoolie_platform_fabric import options
from datacoolie_platform_fabric.failures import (
    CHANGED,
    MISSING,
    NO_SOURCE,
    NO_SUCH_RANGE,
    NOT_THERE,
    attempts_of,
    code_of,
    errors,
)
from datacoolie_platform_fabric.secrets import KeyVaultProvider

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from azure.storage.blob import BlobProperties

    from datacoolie.core.secret_provider import BaseSecretProvider
    from datacoolie.platforms import TemporaryCredentials
    from datacoolie_platform_fabric.accounts import Accounts
    from datacoolie_platform_fabric.addresses import Address

_FOLDER = "hdi_isfolder"
"""What blobs have that stand for folders, where an account has real ones."""

PAGE = 5000
"""Blobs that one answer lists at most."""

_BLOCKS_AT_A_TIME = 4
_FEW = 10
_PAUSE = 0.2
"""Seconds after which it is asked again whether a copy is done."""


class BlobFiles(ObjectStore):
    """Blobs by URI; compare-and-swap by conditional requests, versions are etags.

    Args:
        accounts: where they are, and who asks.
    """

    name: ClassVar[str] = "fabric"

    def __init__(self, accounts: Accounts) -> None:
        """Ask nothing yet."""
        self._accounts = accounts
        self._addresses = accounts.addresses

    def resolve(self, path: str) -> str:
        """Return a URI in the form in which libraries of engines know it, without a `/` at its end.

        Raises:
            PlatformError: it is no URI of Azure, or has a part `..`.
        """
        return self._addresses.parse(path).uri

    def read(self, path: str) -> Content:
        """Read a whole blob; its version is its etag."""
        address = self._addresses.parse_object(path)
        with errors("read", address.uri):
            found = self._accounts.blob(address).download_blob()
            return Content(data=found.readall(), version=found.properties.etag)

    def read_range(self, path: str, start: int, length: int) -> bytes:
        """Read a part of a blob; its size is asked for first where it is counted from the end."""
        address = self._addresses.parse_object(path)
        if length <= 0:
            return b""
        with errors("read", address.uri):
            blob = self._accounts.blob(address)
            if start < 0:
                start = max(start + blob.get_blob_properties().size, 0)
            try:
                return blob.download_blob(start, length).readall()
            except HttpResponseError as error:
                if error.status_code != NO_SUCH_RANGE:
                    raise
                return b""

    def write(self, path: str, data: bytes) -> str:
        """Create or replace a blob; a large one is sent in blocks."""
        address = self._addresses.parse_object(path)
        with errors("write", address.uri):
            return self._upload(address, data, overwrite=True)

    def write_if_match(self, path: str, data: bytes, version: str | None) -> str | None:
        """Replace a blob whose etag still is `version` (`If-Match`), or create it (`If-None-Match`), else `None`."""
        address = self._addresses.parse_object(path)
        unchanged = {"etag": version, "match_condition": MatchConditions.IfNotModified} if version else {}
        with errors("write", address.uri):
            try:
                return self._upload(address, data, overwrite=bool(version), **unchanged)
            except HttpResponseError as error:
                if code_of(error) not in (CHANGED if version is None else CHANGED | MISSING):
                    raise
                # An earlier attempt, whose answer was lost, may have been the one that changed it.
                return self._etag_if(address, data) if attempts_of(error) > 1 else None

    def stat(self, path: str) -> FileInfo | None:
        """Describe a blob; times are whole seconds."""
        address = self._addresses.parse(path)
        if not address.key:
            return None
        with errors("read", address.uri):
            try:
                found = self._accounts.blob(address).get_blob_properties()
            except ResourceNotFoundError as error:
                if code_of(error) not in NOT_THERE:
                    raise
                return None
        return None if _is_folder(found) else _info(address.uri, found)

    def list(self, folder: str) -> Iterator[FileInfo]:
        """List the blobs below a folder; accounts with real folders list in another order, so all are read first."""
        address = self._addresses.parse(folder)
        with errors("list", address.uri):
            found = [blob for blob in self._entries(address) if not _is_folder(blob)]
        found.sort(key=lambda blob: blob.name)
        yield from (_info(f"{address.root}/{blob.name}", blob) for blob in found)

    def exists(self, path: str) -> bool:
        """Whether a blob is there, or any below it; a folder takes one request."""
        address = self._addresses.parse(path)
        with errors("list", address.uri):
            below = any(not _is_folder(blob) for blob in self._entries(address, _FEW))
        return below or self.stat(path) is not None

    def delete(self, path: str) -> None:
        """Delete a blob, and all that is below it as a folder; a whole container or lakehouse is refused."""
        address = self._addresses.parse_object(path)
        with errors("delete", address.uri):
            below = [*self._entries(address)]
            self._delete(address, (blob.name for blob in below if not _is_folder(blob)))
            folders = sorted((blob.name for blob in below if _is_folder(blob)), reverse=True)
            for name in (*folders, address.key):
                self._delete(address, [name])

    def delete_files(self, paths: Iterable[str]) -> None:
        """Delete blobs, several at a time."""
        keys: dict[str, list[Address]] = {}
        for path in paths:
            address = self._addresses.parse_object(path)
            keys.setdefault(address.root, []).append(address)
        for root, some in keys.items():
            with errors("delete files of", root):
                self._delete(some[0], (address.key for address in some))

    def copy(self, source: str, target: str) -> None:
        """Copy a blob: in one account on the server, else and on OneLake through memory."""
        here, there = self._addresses.parse_object(source), self._addresses.parse_object(target)
        if here == there:
            return
        if here.on_onelake or (here.account, here.suffix) != (there.account, there.suffix):
            self.write(target, self.read(source).data)
            return
        with errors("copy", here.uri, there.uri):
            self._copy_on_server(here, there)

    def storage_options(self, uri: str, dialect: Dialect = Dialect.OBJECT_STORE) -> dict[str, str]:
        """Return credentials and endpoint."""
        address = self._addresses.parse(uri)
        with errors("use", address.uri):
            return options.options(self._accounts, address, dialect)

    def credentials(self, uri: str) -> TemporaryCredentials:
        """Return what is good now; a token is to be asked for again some minutes before it ends."""
        address = self._addresses.parse(uri)
        with errors("use", address.uri):
            return options.credentials(self._accounts, address)

    def secret_provider(self) -> BaseSecretProvider:
        """Return Key Vault."""
        return KeyVaultProvider(self._accounts.settings)

    def _entries(self, address: Address, page: int | None = None) -> Iterator[BlobProperties]:
        """Yield what is below a folder, page by page, folders too."""
        client, prefix = self._accounts.container(address), address.prefix or None
        return iter(client.list_blobs(name_starts_with=prefix, include=["metadata"], results_per_page=page or PAGE))

    def _upload(self, address: Address, data: bytes, **how: Any) -> str:  # noqa: ANN401 - the SDK checks it
        blob = self._accounts.blob(address)
        return str(blob.upload_blob(data, length=len(data), max_concurrency=_BLOCKS_AT_A_TIME, **how)["etag"])

    def _etag_if(self, address: Address, data: bytes) -> str | None:
        """Return the etag of a blob that holds exactly this."""
        try:
            found = self.read(address.uri)
        except PathNotFoundError:
            return None
        return found.version if found.data == data else None

    def _delete(self, container: Address, keys: Iterable[str]) -> None:
        """Delete blobs, several at a time; missing ones are fine."""
        client = self._accounts.container(container)

        def delete(key: str) -> None:
            try:
                client.delete_blob(key)
            except ResourceNotFoundError:
                return

        with ThreadPoolExecutor(AT_A_TIME) as requests:
            for _ in requests.map(delete, keys):
                pass

    def _copy_on_server(self, here: Address, there: Address) -> None:
        signature = self._accounts.settings.sas_token if self._accounts.has_key(here) else None
        url = self._accounts.blob(here).url
        target = self._accounts.blob(there)
        source = f"{url}?{signature.lstrip('?')}" if signature else url
        try:
            status = str(target.start_copy_from_url(source)["copy_status"])
        except HttpResponseError as error:
            if code_of(error) == NO_SOURCE:
                self._accounts.blob(here).get_blob_properties()  # which says so if it is not there
            raise
        while status == "pending":
            time.sleep(_PAUSE)
            status = str(target.get_blob_properties().copy.status)
        if status != "success":
            message = f"Can't copy {here.uri!r} to {there.uri!r}: Azure says {status}. Run again."
            raise PlatformError(message, {"path": here.uri}).classed(ErrorClass.TRANSIENT)


def _is_folder(blob: BlobProperties) -> bool:
    return (blob.metadata or {}).get(_FOLDER) == "true"


def _info(uri: str, blob: BlobProperties) -> FileInfo:
    modified: datetime = blob.last_modified
    # Listings have no quotes around it.
    return FileInfo(path=uri, size=blob.size, modified=modified.replace(microsecond=0), etag=blob.etag.strip('"'))
