"""The platform `fabric` on Azurite, which has the blob endpoint of storage accounts and no other."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import (
    AccountSasPermissions,
    BlobServiceClient,
    ResourceTypes,
    generate_account_sas,
)

from datacoolie.core.exceptions import PlatformError
from datacoolie.platforms import PathNotFoundError
from datacoolie.testing import Gap, PlatformSuite, RemotePlatformSuite
from datacoolie.testing.bad_days import ATTEMPTS, PATIENCE
from datacoolie.testing.proxy import Answer, FaultyProxy
from datacoolie_platform_fabric import FabricPlatform, accounts, blobs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from datacoolie.platforms import BasePlatform
    from tools.services.model import Running

CONTAINER = "suite"
ONELAKE = f"abfss://{CONTAINER}@onelake.dfs.fabric.microsoft.com/shop.Lakehouse"
HOMES = {"lake": f"abfss://{CONTAINER}@lake.dfs.core.windows.net", "onelake": f"{ONELAKE}/Files"}


def with_container(running: Running, account: str) -> str:
    """Make the container of an account, if it isn't there; return the endpoint of all accounts."""
    credential = {"account_name": account, "account_key": running.address["key"]}
    with suppress(ResourceExistsError), BlobServiceClient(f"{running.address['url']}/{account}", credential) as client:
        client.create_container(CONTAINER)
    return f"{running.address['url']}/{{account}}"


def signature(key: str, lifetime: timedelta = timedelta(hours=1)) -> str:
    """Return a shared access signature for all of an account."""
    return generate_account_sas(
        "lake",
        key,
        ResourceTypes(service=True, container=True, object=True),
        AccountSasPermissions(read=True, write=True, delete=True, list=True, add=True, create=True),
        datetime.now(UTC) + lifetime,
    )


def connected(running: Running, account: str) -> FabricPlatform:
    """Return the platform with the key of an account."""
    return FabricPlatform(
        account=account, account_key=running.address["key"], endpoint=with_container(running, account)
    )


class TestBlobs(PlatformSuite):
    large: ClassVar[int] = 6 << 20
    foreign: ClassVar[str] = "s3://bucket/file"
    gaps: ClassVar[dict[str, Gap]] = {
        "test_options_are_text[iceberg]": Gap("Iceberg's library for Python needs a further one there", PlatformError),
        "test_options_are_text[hadoop]": Gap("Spark gets there by the DFS endpoint, in Fabric only", PlatformError),
    }

    @pytest.fixture
    def platform(self, azurite: Running, monkeypatch: pytest.MonkeyPatch) -> BasePlatform:
        monkeypatch.setattr(accounts, "PART_BYTES", 5 << 20)
        monkeypatch.setattr(accounts, "BLOCK_BYTES", 4 << 20)
        monkeypatch.setattr(blobs, "PAGE", 1000)
        return connected(azurite, "lake")

    @pytest.fixture
    def folder(self) -> str:
        return f"{HOMES['lake']}/{uuid.uuid4().hex}"


@pytest.mark.parametrize("account", HOMES)
def test_files_move_between_this_machine_and_azure(azurite: Running, account: str, tmp_path: Path) -> None:
    platform = connected(azurite, account)
    here, folder = (tmp_path / "a #1").as_posix(), f"{HOMES[account]}/{uuid.uuid4().hex}"
    platform.write(here, b"x")
    platform.move(here, f"{folder}/a #2")
    platform.move(f"{folder}/a #2", f"{folder}/b")
    assert [file.path for file in platform.list(folder)] == [f"{folder}/b"]
    platform.copy(f"{folder}/b", f"{here}2")
    platform.delete_files([f"{folder}/b", (tmp_path / "a #12").as_uri()])
    assert [*platform.list(folder), *platform.list(str(tmp_path))] == []


def test_folders_of_accounts_that_have_real_ones(azurite: Running) -> None:
    platform, folder = connected(azurite, "lake"), f"{HOMES['lake']}/{uuid.uuid4().hex}"
    key = folder.rpartition("/")[2]
    client = platform.blobs._accounts.container(platform.blobs._addresses.parse(folder))
    for name in (key, f"{key}/a", f"{key}/a/b", f"{key}/z"):
        client.upload_blob(name, b"", metadata={"hdi_isfolder": "true"})
    platform.write(f"{folder}/a/b/file", b"x")
    assert [file.path for file in platform.list(folder)] == [f"{folder}/a/b/file"]
    assert platform.stat(f"{folder}/a") is None
    assert platform.exists(folder)
    assert not platform.exists(f"{folder}/z")
    platform.delete(folder)
    assert list(client.list_blobs(name_starts_with=key)) == []


def refusal(code: str, status: int) -> Answer:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>Sorry.</Message></Error>"
    return Answer(
        status=status, body=body.encode(), headers={"Content-Type": "application/xml", "x-ms-error-code": code}
    )


class TestBlobsOnBadDays(RemotePlatformSuite):
    busy: ClassVar[tuple[Answer, ...]] = (
        refusal("ServerBusy", 503),
        refusal("TooManyRequests", 429),
        Answer(status=503),
        refusal("InternalError", 500),
    )
    refusals: ClassVar[dict[str, Answer]] = {
        r"The account key, the shared access signature or the token is wrong": refusal("AuthenticationFailed", 403),
        r"Storage Blob Data Contributor": refusal("AuthorizationPermissionMismatch", 403),
        r"A firewall of the account": refusal("AuthorizationFailure", 403),
        r"Leave out account_key": refusal("KeyBasedAuthenticationNotPermitted", 403),
        r"az login": refusal("InvalidAuthenticationInfo", 401),
    }

    @pytest.fixture
    def folder(self) -> str:
        return f"{HOMES['lake']}/{uuid.uuid4().hex}"

    @pytest.fixture
    def server(self, azurite: Running) -> str:
        with_container(azurite, "lake")
        return azurite.address["url"]

    def test_a_copy_whose_source_azure_can_not_reach(
        self, platform: BasePlatform, proxy: FaultyProxy, folder: str
    ) -> None:
        source, target = f"{folder}/staged", f"{folder}/f"
        platform.write(source, b"new")
        platform.write(target, b"old")
        unreachable = refusal("CannotVerifyCopySource", 404)
        proxy.disturb(unreachable)
        with pytest.raises(PlatformError, match=r"Sorry \(CannotVerifyCopySource\)") as caught:
            platform.move_files([(source, target)])
        assert not isinstance(caught.value, PathNotFoundError)
        assert platform.read(source).data == b"new"
        platform.delete(source)
        proxy.disturb(unreachable)
        with pytest.raises(PathNotFoundError, match="staged"):
            platform.copy(source, target)
        proxy.disturb(unreachable)
        platform.move_files([(source, target)])  # which was moved before
        assert platform.read(target).data == b"old"

    def test_answers_that_do_not_say_what_is_not_there(
        self, platform: BasePlatform, proxy: FaultyProxy, folder: str
    ) -> None:
        for call in (platform.read, platform.stat):
            proxy.disturb(refusal("SomethingNotFound", 404))
            with pytest.raises(PlatformError, match="SomethingNotFound") as caught:
                call(f"{folder}/f")
            assert not isinstance(caught.value, PathNotFoundError)

    @pytest.fixture(params=["account_key", "sas_token"])
    def credential(self, request: pytest.FixtureRequest, azurite: Running) -> dict[str, str]:
        key = azurite.address["key"]
        return {request.param: key if request.param == "account_key" else signature(key)}

    @pytest.fixture
    def connect(self, credential: dict[str, str]) -> Callable[[str], BasePlatform]:
        return lambda url: FabricPlatform(
            account="lake", endpoint=f"{url}/{{account}}", timeout=PATIENCE, attempts=ATTEMPTS, **credential
        )

    @pytest.fixture
    def secrets(self, credential: dict[str, str]) -> tuple[str, ...]:
        return tuple(credential.values())
