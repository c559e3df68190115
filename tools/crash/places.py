"""Where tables and load states are while loads are killed: beside the project, or on S3."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datacoolie.plugins import platform_registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from datacoolie.platforms import BasePlatform

_BUCKET = "crash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the tables and states of projects are.

    Attributes:
        root: URI of a folder; `None`: the folder of each project.
        settings: of the platform, `name` among them.
        environment: variables that loads need.
    """

    root: str | None = None
    settings: Mapping[str, object] = field(default_factory=lambda: {"name": "local"})
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def platform(self) -> BasePlatform:
        """The platform, by which a reader looks at tables."""
        options = dict(self.settings)
        return platform_registry.get(str(options.pop("name")), **options)

    def of(self, folder: Path) -> str:
        """Return where the tables and states of the project in a folder are."""
        return str(folder) if self.root is None else f"{self.root}/{folder.parent.name}/{folder.name}"


HERE = Place()


@contextmanager
def on_s3() -> Iterator[Place]:
    """Start a server of S3, for as long as this lasts.

    Raises:
        MissingError: it can't be had.
    """
    import boto3  # noqa: PLC0415 - only needed here

    from tools.services.running import started  # noqa: PLC0415 - the same

    with started("versitygw") as server:
        address = server.address
        environment = {
            "AWS_ACCESS_KEY_ID": address["key"],
            "AWS_SECRET_ACCESS_KEY": address["secret"],
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        before = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        try:
            boto3.client("s3", endpoint_url=address["url"]).create_bucket(Bucket=_BUCKET)
            settings = {"name": "aws", "endpoint": address["url"]}
            yield Place(root=f"s3://{_BUCKET}", settings=settings, environment=environment)
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
