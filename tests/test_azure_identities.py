"""Loads into Azure by tokens: of a service principal, and in a notebook of Fabric; they end while a run lasts."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import polars as pl
import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from deltalake import DeltaTable

from datacoolie.core.exceptions import ErrorClass
from datacoolie.core.redaction import redact
from datacoolie.platforms import AccessDeniedError
from datacoolie_platform_fabric import FabricPlatform
from tests.remote import RemoteProject
from tools.services.azurite import token
from tools.services.key_vault import CLIENT, SECRET, TENANT, KeyVault, key_vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from unittest.mock import MagicMock

    from tests.projects import Record
    from tools.services.model import Running

WORKSPACE, LAKEHOUSE = UUID(int=7), UUID(int=8)
ONELAKE = f"abfss://{WORKSPACE}@onelake.dfs.fabric.microsoft.com/{LAKEHOUSE}"
FLOW: Record = {
    "name": "events",
    "source": {"connection_name": "landing_parquet", "table": "events", "watermark_columns": ["id"]},
    "destination": {"connection_name": "lake", "table": "events", "load_type": "append"},
    "transform": {"system_columns": False},
}


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyVault]:
    with key_vault(tmp_path_factory.mktemp("login")) as server:
        yield server


@pytest.fixture
def settings(azurite_tls: Running, login: KeyVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    """Settings without an identity; the container is empty."""
    both = tmp_path / "both.pem"
    both.write_bytes(Path(azurite_tls.address["ca"]).read_bytes() + login.ca.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(both))  # for delta-rs and Polars
    key = {"account_name": "onelake", "account_key": azurite_tls.address["key"]}
    with BlobServiceClient(f"{azurite_tls.address['url']}/onelake", key, connection_verify=str(both)) as client:
        with suppress(ResourceExistsError):
            client.create_container(str(WORKSPACE))
        for blob in client.get_container_client(str(WORKSPACE)).list_blobs():
            client.get_blob_client(str(WORKSPACE), blob.name).delete_blob()
    return {"name": "fabric", "endpoint": f"{azurite_tls.address['url']}/{{account}}", "ca": str(both)}


def principal(login: KeyVault, **changes: object) -> Record:
    login.tokens.clear()
    return {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": SECRET, "authority": login.url, **changes}


@pytest.mark.parametrize(("lifetime", "several"), [(3600, False), (240, True)])
def test_a_service_principal_loads(
    settings: Record,
    login: KeyVault,
    tmp_path: Path,
    lifetime: int,
    several: bool,  # noqa: FBT001 - of the parameters
) -> None:
    login.lifetime = lifetime
    settings |= principal(login)
    project = RemoteProject(
        folder=tmp_path, root=f"{ONELAKE}/Files", settings=settings, places={"lake": f"{ONELAKE}/Tables"}
    )
    project.write(FLOW)
    project.land("events/1.parquet", pl.DataFrame({"id": [1, 2]}))
    login.tokens.clear()
    project.load()
    # A token is replaced five minutes before it ends: one of four minutes each time it is asked for.
    assert (len(login.tokens) > 1) is several
    project.land("events/2.parquet", pl.DataFrame({"id": [3]}))
    project.load()
    assert sorted(project.table("events")["id"]) == [1, 2, 3]
    assert redact(" ".join(login.tokens)) == " ".join("***" for _ in login.tokens)


def test_a_login_that_fails(settings: Record, login: KeyVault) -> None:
    settings |= principal(login, client_secret="wrong-secret-canary")
    del settings["name"]
    with pytest.raises(
        AccessDeniedError, match=r"Can't read 'abfss://.*' *: the login failed: .*AADSTS7000215"
    ) as caught:
        FabricPlatform(**settings).read(f"{ONELAKE}/Files/x")
    assert caught.value.error_class is ErrorClass.CONFIGURATION
    assert "wrong-secret-canary" not in f"{caught.value} {caught.value.__cause__}"


def test_a_notebook_of_fabric(settings: Record, notebookutils: MagicMock, tmp_path: Path) -> None:
    issued: list[str] = []

    def get_token(audience: str, name: str = "") -> str:
        assert (audience, name) == ("storage", "")
        issued.append(token(len(issued), 301 if len(issued) == 0 else 3600))
        return issued[-1]

    notebookutils.credentials.getToken.side_effect = get_token
    notebookutils.runtime.context = {
        "defaultLakehouseId": str(LAKEHOUSE),
        "defaultLakehouseWorkspaceId": str(WORKSPACE),
    }
    project = RemoteProject(
        folder=tmp_path,
        root="/lakehouse/default/Files",
        settings=settings,
        places={"lake": "/lakehouse/default/Tables"},
    )
    project.write(FLOW)
    project.land("events/1.parquet", pl.DataFrame({"id": [1, 2]}))
    project.load()
    assert not Path("/lakehouse").exists()
    platform = project.platform
    table = DeltaTable(f"{ONELAKE}/Tables/events", storage_options=platform.storage_options(ONELAKE))
    assert sorted(pl.DataFrame(table.to_pyarrow_table())["id"]) == [1, 2]
    assert [file.path for file in platform.list("/lakehouse/default/Files/landing")] == [
        f"{ONELAKE}/Files/landing/events/1.parquet"
    ]
    state = next(iter(platform.list("/lakehouse/default/Files/state/flows")))
    assert json.loads(platform.read(state.path).data)["seq"] == 1
    assert redact(issued[-1]) == "***"


def test_tokens_of_a_notebook_are_fetched_again_before_they_end(notebookutils: MagicMock) -> None:
    notebookutils.credentials.getToken.side_effect = [token(1, 299), token(2, 4000), "opaque"]
    platform = FabricPlatform()
    assert notebookutils.credentials.getToken.call_count == 0
    first, second, third = (platform.credentials(ONELAKE) for _ in range(3))
    assert first.options != second.options == third.options
    assert second.expires is not None
    assert 3600 < second.expires.timestamp() - time.time() <= 3700
    opaque = FabricPlatform().credentials(ONELAKE)
    assert opaque.options == {"bearer_token": "opaque"}
    assert opaque.expires is not None


@pytest.mark.parametrize("given", ["", None, RuntimeError("z:getToken failed")])
def test_a_notebook_that_gives_no_token(notebookutils: MagicMock, given: object) -> None:
    notebookutils.credentials.getToken.side_effect = [given]
    with pytest.raises(AccessDeniedError, match=r"'abfss://.*': the login failed: notebookutils gives no token"):
        FabricPlatform().storage_options(ONELAKE)
