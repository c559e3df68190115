"""Objects on S3: what takes more than one request, or more than one try."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from datacoolie_platform_aws.failures import CHANGED, attempts_of, code_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from types_boto3_s3 import S3Client

    from datacoolie.platforms.s3 import S3Address

Arguments: TypeAlias = "Mapping[str, Any]"  # Any: boto3 checks them
"""Arguments of requests by name."""

PART_BYTES = 64 << 20
"""Bytes from which on an object is written in parts, and of a part."""

_BATCH = 1000
"""How many objects one request deletes at most."""

_BUSY = frozenset({"ConditionalRequestConflict", "409", "OperationAborted"})
_TOO_LARGE = "InvalidRequest"


class Objects:
    """The objects that one client gets at.

    Args:
        client: of S3.
        common: arguments of all requests.
        written: arguments of requests that write.
        attempts: how often something is tried.
    """

    def __init__(self, client: S3Client, *, common: Arguments, written: Arguments, attempts: int) -> None:
        """Remember the client; nothing is sent yet."""
        self._client = client
        self._common = common
        self._written = {**common, **written}
        self._attempts = attempts

    def read(self, address: S3Address, **arguments: str) -> tuple[bytes, str]:
        """Return content and etag of an object; a download that breaks off begins again.

        Raises:
            ClientError, BotoCoreError: it can't be read.
        """
        attempt = 1
        while True:
            answer = self._client.get_object(Bucket=address.bucket, Key=address.key, **{**self._common, **arguments})
            try:
                return answer["Body"].read(), answer["ETag"]
            except BotoCoreError:
                if attempt >= self._attempts:
                    raise
            _pause(attempt)
            attempt += 1

    def write(self, address: S3Address, data: bytes, **conditions: str) -> str:
        """Write an object and return its etag.

        Raises:
            ClientError, BotoCoreError: it can't be written, or a condition does not hold.
        """
        if len(data) >= PART_BYTES:
            return self._write_in_parts(address, data, conditions)
        answer = self._client.put_object(
            Bucket=address.bucket,
            Key=address.key,
            Body=data,
            **{**self._written, **conditions},
        )
        return answer["ETag"]

    def swap(self, address: S3Address, data: bytes, **conditions: str) -> str | None:
        """Write an object under a condition; return its etag, or `None` when the condition does not hold.

        Raises:
            ClientError, BotoCoreError: it can't be written.
        """
        attempt = 1
        while True:
            try:
                return self.write(address, data, **conditions)
            except ClientError as error:
                if code_of(error) in CHANGED:
                    # An earlier attempt, whose answer was lost, may have been the one that changed it.
                    return self._etag_if(address, data) if attempt > 1 or attempts_of(error) > 1 else None
                if code_of(error) not in _BUSY or attempt >= self._attempts:
                    raise
            _pause(attempt)
            attempt += 1

    def delete(self, bucket: str, keys: Iterable[str]) -> None:
        """Delete objects; missing ones are fine.

        Raises:
            ClientError, BotoCoreError: one of them can't be deleted.
        """
        left = list(keys)
        for start in range(0, len(left), _BATCH):
            batch: list[Any] = [{"Key": key} for key in left[start : start + _BATCH]]
            answer = self._client.delete_objects(
                Bucket=bucket,
                Delete={"Objects": batch, "Quiet": True},
                **self._common,
            )
            for fault in answer.get("Errors", ()):
                raise ClientError({"Error": {"Code": fault["Code"], "Message": fault["Message"]}}, "DeleteObjects")

    def copy(self, source: S3Address, target: S3Address) -> None:
        """Copy an object on the server; a very large one in parts.

        Raises:
            ClientError, BotoCoreError: it can't be copied.
        """
        place: Any = {"Bucket": source.bucket, "Key": source.key}
        try:
            self._client.copy_object(Bucket=target.bucket, Key=target.key, CopySource=place, **self._written)
        except ClientError as error:
            if code_of(error) != _TOO_LARGE:
                raise
            self._client.copy(place, target.bucket, target.key, ExtraArgs=dict(self._written))

    def _etag_if(self, address: S3Address, data: bytes) -> str | None:
        """Return the etag of an object that holds exactly this."""
        try:
            found, etag = self.read(address)
        except ClientError:
            return None
        return etag if found == data else None

    def _write_in_parts(self, address: S3Address, data: bytes, conditions: Arguments) -> str:
        place = {"Bucket": address.bucket, "Key": address.key, **self._common}
        upload = self._client.create_multipart_upload(
            Bucket=address.bucket,
            Key=address.key,
            **self._written,
        )["UploadId"]
        try:
            parts: list[Any] = []
            for number, start in enumerate(range(0, len(data), PART_BYTES), 1):
                part = self._client.upload_part(
                    Body=data[start : start + PART_BYTES],
                    PartNumber=number,
                    UploadId=upload,
                    **place,
                )
                parts.append({"ETag": part["ETag"], "PartNumber": number})
            answer = self._client.complete_multipart_upload(
                UploadId=upload,
                MultipartUpload={"Parts": parts},
                **place,
                **conditions,
            )
        except BaseException:
            self._client.abort_multipart_upload(UploadId=upload, **place)
            raise
        return answer["ETag"]


def _pause(attempt: int) -> None:
    time.sleep(random.uniform(0, 0.1) * 2**attempt)  # noqa: S311 - jitter needs no secrecy
