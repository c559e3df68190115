"""A project whose files, tables and states are on S3."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import boto3

from tests.remote import RemoteProject

if TYPE_CHECKING:
    from pathlib import Path

BUCKET = "project"


def make_bucket(url: str, name: str = BUCKET) -> None:
    """Make a bucket, by default that of all projects, if it isn't there."""
    client = boto3.client("s3", endpoint_url=url)
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=name)


def s3_project(folder: Path, url: str) -> RemoteProject:
    """Return a project in a folder of the bucket on a server."""
    root = f"s3://{BUCKET}/{uuid.uuid4().hex}"
    return RemoteProject(folder=folder, root=root, settings={"name": "aws", "endpoint": url})
