"""A project whose files, tables and states are on storage accounts of Azure."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

from tests.remote import RemoteProject

if TYPE_CHECKING:
    from pathlib import Path

    from tools.services.model import Running

CONTAINER = "project"
ONELAKE = f"abfss://{CONTAINER}@onelake.dfs.fabric.microsoft.com/shop.Lakehouse"
ACCOUNT = f"abfss://{CONTAINER}@lake.dfs.core.windows.net"


def make_container(running: Running) -> None:
    """Make the container of all projects in all accounts, if it isn't there."""
    for account in ("lake", "onelake"):
        credential = {"account_name": account, "account_key": running.address["key"]}
        with (
            suppress(ResourceExistsError),
            BlobServiceClient(f"{running.address['url']}/{account}", credential) as client,
        ):
            client.create_container(CONTAINER)


def azure_project(folder: Path, running: Running, account: str) -> RemoteProject:
    """Return a project on OneLake, or in a folder of another account's container."""
    name = uuid.uuid4().hex
    settings: dict[str, object] = {
        "name": "fabric",
        "account": account,
        "account_key": running.address["key"],
        "endpoint": f"{running.address['url']}/{{account}}",
    }
    if account != "onelake":
        return RemoteProject(folder=folder, root=f"{ACCOUNT}/{name}", settings=settings)
    root, lake = f"{ONELAKE}/Files/{name}", f"{ONELAKE}/Tables/{name}"
    return RemoteProject(folder=folder, root=root, settings=settings, places={"lake": lake})
