"""The platform `fabric` without a server: settings, addresses, and what libraries of engines are told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from datacoolie.core.exceptions import ConfigurationError, ErrorClass, PlatformError
from datacoolie.core.models import Format
from datacoolie.core.redaction import redact
from datacoolie.platforms import AccessDeniedError, Dialect
from datacoolie_platform_fabric import FabricPlatform, KeyVaultResolver, platform

if TYPE_CHECKING:
    from pathlib import Path

ID = "0f0f0f0f-1111-2222-3333-444444444444"
ONELAKE = "abfss://shop@onelake.dfs.fabric.microsoft.com"
ACCOUNT = "abfss://box@lake.dfs.core.windows.net"
CHINA = {"account": "lake", "endpoint_suffix": "core.chinacloudapi.cn"}
KEY = "a2V5LWNhbmFyeQ=="
SAS = "?sv=2025-01-01&sig=sas-canary%3D"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"acount": "lake"}, r"platform 'fabric' are wrong: acount: is not .*Did you mean 'account'\?"),
        ({"endpoint": "localhost:10000"}, "endpoint is 'localhost:10000'; it has to begin with https://"),
        ({"endpoint": "https://blobs"}, r"endpoint is 'https://blobs'; give account, whose it is, or write"),
        ({"account_key": KEY}, "account_key and sas_token need account"),
        ({"account": "lake", "account_key": KEY, "sas_token": SAS}, "exclude each other"),
        ({"client_id": "x"}, "a service principal needs tenant_id, client_secret too"),
        ({"connection_string": f"AccountKey={KEY}"}, "connection_string names no AccountName"),
        ({"connection_string": f"BlobEndpoint=http://127.0.0.1/lake;{SAS}"}, "nor an account by BlobEndpoint"),
        ({"timeout": 0}, "timeout: Input should be greater than 0"),
        ({"attempts": 0}, "attempts: Input should be greater than or equal to 1"),
    ],
)
def test_settings_that_are_wrong(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        FabricPlatform(**given)
    assert KEY not in f"{caught.value.message} {caught.value.__cause__} {caught.value.__context__}"


def test_a_library_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "find_spec", lambda name: None if name == "azure.storage.blob" else object())
    with pytest.raises(ConfigurationError, match=r"pip install 'datacoolie-platform-fabric\[sdk\]'"):
        FabricPlatform()


@pytest.mark.parametrize(
    ("path", "resolved"),
    [
        (f"{ONELAKE}/sales.Lakehouse/Files/a//b/", f"{ONELAKE}/sales.Lakehouse/Files/a//b"),
        (f"ABFS://{ID}@OneLake.blob.fabric.microsoft.com/{ID}/Tables", f"abfss://{ID}@onelake.dfs.fabric.microsoft.com/{ID}/Tables"),
        ("abfss://shop@westus-onelake.dfs.fabric.microsoft.com/a.Warehouse", "abfss://shop@westus-onelake.dfs.fabric.microsoft.com/a.Warehouse"),
        (f"{ACCOUNT}/a%20b #c", f"{ACCOUNT}/a%20b #c"),
        ("az://box/a", f"{ACCOUNT}/a"),
        ("az://box", ACCOUNT),
    ],
)  # fmt: skip
def test_addresses(path: str, resolved: str) -> None:
    assert FabricPlatform(account="lake").resolve(path) == resolved


def test_other_clouds_are_reached_by_the_account() -> None:
    here = FabricPlatform(**CHINA, account_key=KEY)
    uri = "abfss://box@lake.dfs.core.chinacloudapi.cn/a"
    assert here.resolve(uri) == here.resolve("az://box/a/") == "az://box/a"
    assert here.storage_options(uri) == {
        "azure_storage_account_name": "lake",
        "azure_storage_account_key": KEY,
        "azure_endpoint": "https://lake.blob.core.chinacloudapi.cn",
    }


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("abfss://box@lake.dfs.core.chinacloudapi.cn/a", r"account: lake and endpoint_suffix: core\.chinacloudapi\.cn"),
        ("az://box/a", "says no account. Give the platform its account"),
        (
            "abfss://my shop@onelake.dfs.fabric.microsoft.com/a.Lakehouse/Files/b",
            "'my shop' .* workspace; write its id",
        ),
        ("abfss://a@lake.dfs.core.windows.net/b", "'a' is not the name of a container"),
        (f"{ONELAKE}/sales/Files/b", r"'sales' is no item of a workspace. Write sales\.Lakehouse, or its id"),
        (f"{ACCOUNT}/a/../b", r"no parts '\.' or '\.\.'"),
        (ACCOUNT, "is a whole container"),
        (f"{ONELAKE}/sales.Lakehouse/Files", "below an item's Files or Tables"),
        (f"{ONELAKE}/sales.Lakehouse/Other/x", "below an item's Files or Tables"),
        ("s3://bucket/file", "not on platform 'fabric'.*Write abfss://WORKSPACE@onelake"),
    ],
)
def test_paths_that_are_refused(path: str, message: str) -> None:
    with pytest.raises(PlatformError, match=message) as caught:
        FabricPlatform().delete(path)
    assert caught.value.error_class is ErrorClass.CONFIGURATION


def test_what_is_written_where(tmp_path: Path) -> None:
    here = FabricPlatform()
    tables, files = f"{ONELAKE}/sales.Lakehouse/Tables/dbo/t", f"{ONELAKE}/sales.Lakehouse/Files/t"
    for kind in (Format.DELTA, Format.ICEBERG):
        assert here.why_not(tables, kind, writes=True) is None
        assert here.why_not(files, kind, writes=False) is None
        assert f"{kind} tables are written below an item's Tables" in str(here.why_not(files, kind, writes=True))
    for kind in (Format.PARQUET, Format.CSV, Format.JSONL):
        assert here.why_not(files, kind, writes=True) is None
        assert f"{kind} files are written below an item's Files" in str(here.why_not(tables, kind, writes=True))
    for place in (f"{ACCOUNT}/Files/t", str(tmp_path)):
        assert here.why_not(place, Format.DELTA, writes=True) is here.why_not(place, Format.CSV, writes=True) is None


def test_options_of_libraries() -> None:
    signed = FabricPlatform(account="lake", sas_token=SAS)
    assert signed.storage_options(f"{ACCOUNT}/a") == {
        "azure_storage_account_name": "lake",
        "azure_storage_sas_token": SAS,
    }
    assert signed.credentials(ACCOUNT).expires is None
    text = f"DefaultEndpointsProtocol=https;AccountName=lake;AccountKey={KEY};EndpointSuffix=core.windows.net"
    keyed = FabricPlatform(connection_string=text)
    assert keyed.storage_options("az://box/a")["azure_storage_account_key"] == KEY
    blobs = "https://lake.blob.core.windows.net"
    text = f"BlobEndpoint={blobs}/;QueueEndpoint=https://lake.queue.core.windows.net/;SharedAccessSignature={SAS[1:]}"
    assert FabricPlatform(connection_string=text).storage_options("az://box/a") == {
        "azure_storage_account_name": "lake",
        "azure_storage_sas_token": SAS[1:],
        "azure_endpoint": blobs,
    }
    for dialect, message in (
        (Dialect.ICEBERG, r"'abfss://box@.*/a' only by a further one.*Write Delta tables there"),
        (Dialect.HADOOP, r"'abfss://box@.*/a' by the DFS endpoint.*engine polars"),
    ):
        with pytest.raises(PlatformError, match=message) as caught:
            keyed.storage_options("az://box/a", dialect)
        assert caught.value.error_class is ErrorClass.CONFIGURATION
    assert keyed.storage_options("/a/local/path", Dialect.HADOOP) == {}
    assert redact(f"{KEY} {SAS} sas-canary=") == "*** ?*** ***"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tenant_id": "no tenant", "client_id": "a", "client_secret": "principal-secret"}, "Invalid tenant ID.*Check"),
        ({"authority": "http://login.example"}, "'http://login.example' is an invalid authority.*Check"),
    ],
)
def test_who_can_not_sign_in(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        FabricPlatform(**given).read(f"{ACCOUNT}/a")
    assert "principal-secret" not in caught.value.message
    with pytest.raises(ConfigurationError, match=message):
        KeyVaultResolver(**given).resolve("app", "my-vault")


@pytest.mark.parametrize(
    ("endpoint", "lake", "other"),
    [
        ("https://blobs/lake/", "https://blobs/lake", "https://other.blob.core.windows.net"),
        ("https://blobs/{account}", "https://blobs/lake", "https://blobs/other"),
    ],
)
def test_an_endpoint_is_of_one_account_or_names_it(endpoint: str, lake: str, other: str) -> None:
    here = FabricPlatform(account="lake", endpoint=endpoint)
    for account, url in (("lake", lake), ("other", other)):
        uri = f"abfss://box@{account}.dfs.core.windows.net/a"
        assert here.blobs._accounts.blob(here.blobs._addresses.parse(uri)).url == f"{url}/box/a"


def test_libraries_are_told_the_endpoint_of_its_account_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    here = FabricPlatform(account="lake", account_key=KEY, endpoint="http://blobs/lake")
    monkeypatch.setattr(here.blobs._accounts, "token", lambda _: ("token", datetime.now(UTC)))
    assert here.storage_options(f"{ACCOUNT}/a")["azure_endpoint"] == "http://blobs/lake"
    assert here.storage_options("abfss://box@other.dfs.core.windows.net/a") == {
        "bearer_token": "token",
        "azure_storage_account_name": "other",
    }


@pytest.mark.parametrize("given", [{"account": "lake"}, {"account": "other", "account_key": KEY}])
def test_no_token_is_sent_without_https(given: dict[str, str]) -> None:
    here = FabricPlatform(**given, endpoint="http://blobs/{account}")
    why = r"'abfss://box@lake.*' is at 'http://blobs/lake', .* begins with https://, .* of account 'lake'"
    for call in (here.read, here.stat, here.storage_options, here.credentials):
        with pytest.raises(PlatformError, match=why) as caught:
            call(f"{ACCOUNT}/a")
        assert caught.value.error_class is ErrorClass.CONFIGURATION


def test_nobody_is_signed_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "dev")
    for call in (FabricPlatform().read, FabricPlatform().storage_options):
        with pytest.raises(AccessDeniedError, match=r"the login failed: .*Sign in \(az login\)"):
            call(f"{ACCOUNT}/a")
