"""Files on S3."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from botocore.exceptions import ClientError

from datacoolie.platforms import Content, Dialect, FileInfo, ObjectStore
from datacoolie.platforms.s3 import S3Address, is_on_s3
from datacoolie_platform_aws.addresses import parse, parse_object
from datacoolie_platform_aws.failures import MISSING, code_of, errors
from datacoolie_platform_aws.objects import Objects
from datacoolie_platform_aws.secrets import SecretsManagerProvider

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from types_boto3_s3 import S3Client

    from datacoolie.core.secret_provider import BaseSecretProvider
    from datacoolie.platforms import TemporaryCredentials
    from datacoolie_platform_aws.options import LibraryOptions

_NO_SUCH_RANGE = "InvalidRange"


class S3Files(ObjectStore):
    """Objects by URI, `s3://bucket/key`; compare-and-swap by S3's conditional writes, versions are etags.

    Args:
        options: the session, and how it reads and writes.
    """

    name: ClassVar[str] = "aws"

    def __init__(self, options: LibraryOptions) -> None:
        """Ask nothing yet."""
        self._session = options.session
        self._options = options
        # Any: boto3 checks the arguments of requests.
        self._payer: dict[str, Any] = {"RequestPayer": "requester"} if options.requester_pays else {}

    def resolve(self, path: str) -> str:
        """Return a URI as `s3://bucket/key`, without a `/` at its end.

        Raises:
            PlatformError: it is no URI of S3, or has a part `..`.
        """
        return parse(path).uri

    def read(self, path: str) -> Content:
        """Read a whole object; its version is its etag."""
        address = parse_object(path)
        with errors("read", address.uri):
            data, etag = self._objects.read(address)
        return Content(data=data, version=etag)

    def read_range(self, path: str, start: int, length: int) -> bytes:
        """Read a part of an object, by one request."""
        address = parse_object(path)
        if length <= 0:
            return b""
        wanted = f"bytes={start}" if start < 0 else f"bytes={start}-{start + length - 1}"
        with errors("read", address.uri):
            try:
                data, _ = self._objects.read(address, Range=wanted)
            except ClientError as error:
                if code_of(error) != _NO_SUCH_RANGE:
                    raise
                return b""
        return data[:length]

    def write(self, path: str, data: bytes) -> str:
        """Create or replace an object; a large one is sent in parts."""
        address = parse_object(path)
        with errors("write", address.uri):
            return self._objects.write(address, data)

    def write_if_match(self, path: str, data: bytes, version: str | None) -> str | None:
        """Replace an object whose etag still is `version` (`If-Match`), or create it, else return `None`."""
        address = parse_object(path)
        with errors("write", address.uri):
            if version is None:
                return self._objects.swap(address, data, IfNoneMatch="*")
            try:
                return self._objects.swap(address, data, IfMatch=version)
            except ClientError as error:
                if code_of(error) in MISSING:
                    return None
                raise

    def stat(self, path: str) -> FileInfo | None:
        """Describe an object; times are whole seconds."""
        address = parse(path)
        if not address.key:
            return None
        with errors("read", address.uri):
            try:
                found = self._client.head_object(Bucket=address.bucket, Key=address.key, **self._payer)
            except ClientError as error:
                if code_of(error) in MISSING:
                    return None
                raise
        return _info(address, found["ContentLength"], found["LastModified"], found["ETag"])

    def list(self, folder: str) -> Iterator[FileInfo]:
        """List the objects below a folder, page by page; objects that stand for folders are left out."""
        address = parse(folder)
        pages = self._client.get_paginator("list_objects_v2")
        with errors("list", address.uri):
            for page in pages.paginate(Bucket=address.bucket, Prefix=address.prefix, **self._payer):
                for found in page.get("Contents", ()):
                    if not found["Key"].endswith("/"):
                        here = S3Address(address.bucket, found["Key"])
                        yield _info(here, found["Size"], found["LastModified"], found["ETag"])

    def delete(self, path: str) -> None:
        """Delete an object, and all that is below it as a folder; a whole bucket is refused."""
        address = parse_object(path)
        below = [parse(file.path).key for file in self.list(path)]
        with errors("delete", address.uri):
            self._objects.delete(address.bucket, [address.key, *below])

    def delete_files(self, paths: Iterable[str]) -> None:
        """Delete objects, up to 1000 by one request."""
        keys: dict[str, list[str]] = {}
        for path in paths:
            address = parse_object(path)
            keys.setdefault(address.bucket, []).append(address.key)
        for bucket, some in keys.items():
            with errors("delete files of", f"s3://{bucket}"):
                self._objects.delete(bucket, some)

    def copy(self, source: str, target: str) -> None:
        """Copy an object on the server, replacing `target`."""
        here, there = parse_object(source), parse_object(target)
        if here != there:  # which S3 refuses
            with errors("copy", here.uri, there.uri):
                self._objects.copy(here, there)

    def storage_options(self, uri: str, dialect: Dialect = Dialect.OBJECT_STORE) -> dict[str, str]:
        """Return credentials, region, endpoint and encryption; nothing for a path that is not on S3."""
        return self._options.of(dialect) if is_on_s3(uri) else {}

    def credentials(self, uri: str) -> TemporaryCredentials:  # noqa: ARG002 - they are the same everywhere
        """Return credentials that are good now; those of a role are to be asked for again after some minutes."""
        return self._options.credentials()

    def secret_provider(self) -> BaseSecretProvider:
        """Return Secrets Manager."""
        return SecretsManagerProvider(self._session)

    @property
    def _client(self) -> S3Client:
        return self._session.s3

    @cached_property
    def _objects(self) -> Objects:
        key = self._options.kms_key_id
        sse = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
        attempts = self._session.settings.attempts
        return Objects(self._client, common=self._payer, written=sse, attempts=attempts)


def _info(address: S3Address, size: int, modified: datetime, etag: str) -> FileInfo:
    return FileInfo(path=address.uri, size=size, modified=modified.replace(microsecond=0), etag=etag)
