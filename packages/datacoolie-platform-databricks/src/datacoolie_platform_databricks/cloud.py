"""Files in the storage of the cloud, by credentials that Databricks gives away."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from datacoolie.core.exceptions import DataCoolieError, ErrorClass, PlatformError
from datacoolie.core.redaction import redact
from datacoolie.platforms import (
    AccessDeniedError,
    Content,
    Dialect,
    FailedRequest,
    FileInfo,
    ObjectStore,
    PathNotFoundError,
    TemporaryCredentials,
)
from datacoolie.platforms.s3 import S3Address
from datacoolie_platform_databricks.clouds import Place, parse, parse_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from obstore import GetOptions, ObjectMeta, PutMode

    from datacoolie.core.secret_provider import BaseSecretProvider
    from datacoolie_platform_databricks.clouds import Keys
    from datacoolie_platform_databricks.vending import Vendor

_REFUSED = frozenset({401, 403})
_UNSATISFIABLE, _CONFLICT, _THROTTLED, _SERVER = 416, 409, 429, 500
_BATCH = 1000


class CloudFiles(ObjectStore):
    """Objects by URI, `s3://bucket/key`; compare-and-swap by S3's conditional writes, versions are etags.

    Args:
        vendor: gives credentials.
        place: where the storage is; asked for once.
        secrets: the platform's secret provider.
        timeout: seconds for which a request waits for an answer.
        attempts: how often a request is sent at most.
    """

    name: ClassVar[str] = "databricks"

    def __init__(
        self,
        vendor: Vendor,
        place: Callable[[], Place],
        secrets: Callable[[], BaseSecretProvider],
        *,
        timeout: float,
        attempts: int,
    ) -> None:
        """Ask nothing yet."""
        self._vendor = vendor
        self._find_place = place
        self._secrets = secrets
        self._timeout = timeout
        self._attempts = attempts
        self._lock = RLock()
        self._stores: dict[tuple[str, int, Keys], S3Store] = {}

    def of_vendor(self, vendor: Vendor) -> CloudFiles:
        """Return the same storage by other credentials."""
        return CloudFiles(vendor, lambda: self._place, self._secrets, timeout=self._timeout, attempts=self._attempts)

    def resolve(self, path: str) -> str:
        """Return a URI as `s3://bucket/key`, without a `/` at its end.

        Raises:
            PlatformError: it is no such URI, or has a part `..`.
        """
        return parse(path).uri

    def read(self, path: str) -> Content:
        """Read a whole object; its version is its etag."""
        address = parse_object(path)
        with _errors("read", address.uri):
            found = obstore.get(self._store(address), address.key)
            return Content(data=bytes(found.bytes()), version=str(found.meta["e_tag"]))

    def read_range(self, path: str, start: int, length: int) -> bytes:
        """Read a part of an object, by one request."""
        address = parse_object(path)
        if length <= 0:
            return b""
        wanted: GetOptions = {"range": {"suffix": -start} if start < 0 else (start, start + length)}
        with _errors("read", address.uri):
            try:
                found = obstore.get(self._store(address), address.key, options=wanted)
                return bytes(found.bytes())[:length]
            except BaseError as error:
                request = FailedRequest.of(error)
                if request is None or request.status != _UNSATISFIABLE:
                    raise
                return b""

    def write(self, path: str, data: bytes) -> str:
        """Create or replace an object; a large one is sent in parts."""
        address = parse_object(path)
        with _errors("write", address.uri):
            return str(obstore.put(self._store(address), address.key, data, chunk_size=_part(data))["e_tag"])

    def write_if_match(self, path: str, data: bytes, version: str | None) -> str | None:
        """Replace an object whose etag still is `version` (`If-Match`), or create it, else return `None`."""
        address = parse_object(path)
        mode: PutMode = "create" if version is None else {"e_tag": version}
        attempt = 1
        while True:
            # Every attempt is ours: a refused one may be the answer to an earlier one whose answer was lost.
            store = self._store(address, retries=0)
            with _errors("write", address.uri):
                try:
                    return str(obstore.put(store, address.key, data, mode=mode, use_multipart=False)["e_tag"])
                except FileNotFoundError:
                    return None
                except (AlreadyExistsError, PreconditionError) as error:
                    if not _is_conflict(error):
                        return self._etag_if(address, data) if attempt > 1 else None
                    if attempt >= self._attempts:
                        raise
                except BaseError as error:
                    if not _is_brief(error) or attempt >= self._attempts:
                        raise
            time.sleep(random.uniform(0, 0.1) * 2**attempt)  # noqa: S311 - jitter needs no secrecy
            attempt += 1

    def stat(self, path: str) -> FileInfo | None:
        """Describe an object; times are whole seconds."""
        address = parse(path)
        if not address.key:
            return None
        with _errors("read", address.uri):
            try:
                return _info(address.bucket, obstore.head(self._store(address), address.key))
            except FileNotFoundError:
                return None

    def list(self, folder: str) -> Iterator[FileInfo]:
        """List the objects below a folder, page by page."""
        address = parse(folder)
        with _errors("list", address.uri):
            for page in obstore.list(self._store(address), address.key or None, chunk_size=_BATCH):
                for found in page:
                    yield _info(address.bucket, found)

    def delete(self, path: str) -> None:
        """Delete an object, and all that is below it as a folder; a whole bucket is refused."""
        parse_object(path)
        self.delete_files([path, *(file.path for file in self.list(path))])

    def delete_files(self, paths: Iterable[str]) -> None:
        """Delete objects, up to 1000 by one request."""
        addresses = [parse_object(path) for path in paths]
        for start in range(0, len(addresses), _BATCH):
            self._delete(addresses[start : start + _BATCH])

    def copy(self, source: str, target: str) -> None:
        """Copy an object, on the server where the same credentials are for both, replacing `target`."""
        here, there = parse_object(source), parse_object(target)
        if here == there:  # which S3 refuses
            return
        store = self._store(here)
        if here.bucket != there.bucket or store is not self._store(there):
            self.write(target, self.read(source).data)
            return
        with _errors("copy", here.uri):
            obstore.copy(store, here.key, there.key)

    def storage_options(self, uri: str, dialect: Dialect = Dialect.OBJECT_STORE) -> dict[str, str]:
        """Return credentials, region and endpoint.

        Raises:
            PlatformError: they are for Spark, or there are none.
        """
        if dialect is Dialect.HADOOP:
            message = (
                f"Spark gets at {uri!r} in Databricks only: it keeps one key for a whole bucket, and to others "
                "Databricks gives keys of single locations. Run it in Databricks, or on the engine polars."
            )
            raise PlatformError(message, {"path": uri}).classed(ErrorClass.CONFIGURATION)
        return {**self._vendor.keys(uri).options(dialect), **self._place.options(dialect)}

    def credentials(self, uri: str) -> TemporaryCredentials:
        """Return credentials that are good for five more minutes at least."""
        keys = self._vendor.keys(uri)
        return TemporaryCredentials(options=keys.options(Dialect.OBJECT_STORE), expires=keys.expires)

    def secret_provider(self) -> BaseSecretProvider:
        """Return the provider of scopes."""
        return self._secrets()

    @cached_property
    def _place(self) -> Place:
        return self._find_place()

    def _store(self, address: S3Address, *, retries: int | None = None) -> S3Store:
        """Return the client of a bucket by credentials that are good now."""
        keys, place = self._vendor.keys(address.uri), self._place
        tries = self._attempts - 1 if retries is None else retries
        with self._lock:
            which = (address.bucket, tries, keys)
            if which not in self._stores:
                self._stores = {known: store for known, store in self._stores.items() if known[-1].are_good}
                config: Any = {**keys.options(Dialect.OBJECT_STORE), **place.options(Dialect.OBJECT_STORE)}
                self._stores[which] = S3Store(
                    address.bucket,
                    config=config,  # Any: it knows more names than its type has
                    client_options={"timeout": timedelta(seconds=self._timeout)},
                    retry_config={"max_retries": tries},
                )
            return self._stores[which]

    def _delete(self, addresses: Iterable[S3Address]) -> None:
        """Delete objects, by one request for all that the same credentials are for."""
        groups: dict[tuple[str, str], list[S3Address]] = {}
        for address in addresses:
            groups.setdefault((address.bucket, self._vendor.owner_of(address.uri)), []).append(address)
        for some in groups.values():
            with _errors("delete", some[0].uri), suppress(FileNotFoundError):
                obstore.delete(self._store(some[0]), [address.key for address in some])

    def _etag_if(self, address: S3Address, data: bytes) -> str | None:
        """Return the etag of an object that holds exactly this."""
        try:
            found = self.read(address.uri)
        except PathNotFoundError:
            return None
        return found.version if found.data == data else None


@contextmanager
def _errors(action: str, path: str) -> Iterator[None]:
    """Turn what obstore raises into the platform's errors, naming the action and the path."""
    try:
        yield
    except DataCoolieError:
        raise
    except FileNotFoundError as error:
        message = f"Can't {action} {path!r}: there is no such file. Check the path."
        raise PathNotFoundError(message, {"path": path}) from error
    except (BaseError, ValueError) as error:
        what = f"Can't {action} {path!r}"
        raise _explained(what, error, path) from error


def _explained(what: str, error: Exception, path: str) -> PlatformError:
    request = FailedRequest.of(error)
    if request is None:
        return PlatformError(f"{what}: {redact(str(error).partition(chr(10))[0])}", {"path": path})
    details, said = {"path": path, "status": request.status}, redact(request.said or f"status {request.status}")
    if request.status in _REFUSED:
        message = f"{what}: {said}. Check what Databricks lets who asks do with the external location or table."
        return AccessDeniedError(message, details)
    if _is_brief(error):
        why = said if request.status else "the storage does not answer"
        return PlatformError(f"{what}: {why}. Run again later.", details).classed(ErrorClass.TRANSIENT)
    return PlatformError(f"{what}: {said}.", details)


def _is_brief(error: Exception) -> bool:
    """Whether the same request may succeed later."""
    request = FailedRequest.of(error)
    return request is not None and (request.status in {0, _CONFLICT, _THROTTLED} or request.status >= _SERVER)


def _is_conflict(error: Exception) -> bool:
    """Whether another write was under way, which says nothing of who wins."""
    request = FailedRequest.of(error)
    return request is not None and request.status == _CONFLICT


_PART, _PARTS = 16 << 20, 10_000


def _part(data: bytes) -> int:
    """Return how many bytes a part has: S3 takes up to 10,000 of them."""
    return max(_PART, -(-len(data) // _PARTS))


def _info(bucket: str, found: ObjectMeta) -> FileInfo:
    return FileInfo(
        path=S3Address(bucket, found["path"]).uri,
        size=found["size"],
        modified=found["last_modified"].replace(microsecond=0),
        etag=str(found["e_tag"]),
    )
