from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from datacoolie.core.models.masking import Suspicion, suspicion
from datacoolie.core.redaction import get_registered_secret_values
from datacoolie.metadata import DocumentError, FileMetadataProvider
from datacoolie.metadata.project import load_project

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = r"""
connections:
  - name: shop
    format: sql
    configure: {database_type: postgresql, host: h, username: u, password: hunter2-by-name}
  - name: other
    format: sql
    configure:
      url: postgresql://ann:hunter2%2Furl@host/shop
  - name: cloud
    format: csv
    configure: '{"base_path": "x", "storage_options": {"note": "AbCdEfGhIjKlMnOpQrStUvWx0123456789"}}'
  - name: referred
    format: sql
    configure: {database_type: sqlite, database: f, password: DB_PASSWORD}
    secrets_ref: {"env:": password}
  - name: from_environment
    format: sql
    configure: {database_type: sqlite, database: f, password: "${SHOP_PASSWORD}"}
  - {name: api, format: api, configure: {base_url: "http://h", default_headers: {X-Api-Key: hunter2-of-header}}}
  - {name: out, format: csv, configure: {base_path: out}}
dataflows:
  - name: calls
    source: {connection: api, endpoint: e, configure: {endpoint: e, params: {api_key: hunter2-of-flow}}}
    destination: {connection: out, table: calls}
"""


def test_secrets_in_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = DOCUMENT.replace("endpoint: e, configure", "configure")
    (tmp_path / "doc.yaml").write_text(text)
    metadata = FileMetadataProvider("doc.yaml", environ={"SHOP_PASSWORD": "hunter2-of-environment"}).load()
    remarks = [str(remark).partition(", which")[0].partition(": name it")[0] for remark in metadata.remarks]
    assert remarks == [
        "doc.yaml:5:76: connections[0].configure.password: a field of this name holds a secret",
        "doc.yaml:9:12: connections[1].configure.url: a password stands in this text",
        "doc.yaml:12:16: connections[2].configure.storage_options.note: this looks like a secret",
        "doc.yaml:20:93: connections[5].configure.default_headers.X-Api-Key: a field of this name holds a secret",
        "doc.yaml:24:74: dataflows[0].source.configure.params.api_key: a field of this name holds a secret",
    ]
    assert get_registered_secret_values() == {
        "hunter2-by-name",
        "hunter2%2Furl",
        "hunter2/url",
        "AbCdEfGhIjKlMnOpQrStUvWx0123456789",
        "hunter2-of-environment",
        "hunter2-of-header",
        "hunter2-of-flow",
    }


def test_documents_that_are_wrong_are_masked_too(tmp_path: Path) -> None:
    (tmp_path / "doc.yaml").write_text("connections: [{name: a, format: csv, configure: {password: hunter2-wrong}}]")
    with pytest.raises(DocumentError):
        FileMetadataProvider(tmp_path / "doc.yaml").load()
    assert get_registered_secret_values() == {"hunter2-wrong"}


def test_secrets_in_targets_and_project_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "doc.yaml").write_text("connections: [{name: a, format: csv, configure: {base_path: x}}]")
    (tmp_path / "datacoolie.yaml").write_text(
        "metadata: doc.yaml\nresolvers: {env: {token: hunter2-of-resolver}}\nplatform: {name: local, secret: '${PW}'}\n"
        "targets:\n  prod: {a: {configure: {storage_options: {secret: hunter2-of-target}}}}\n"
    )
    metadata = load_project(".", target="prod", environ={"PW": "hunter2-of-platform"}).metadata
    assert [(remark.file, remark.line, remark.path) for remark in metadata.remarks] == [
        ("datacoolie.yaml", 2, "resolvers.env.token"),
        ("datacoolie.yaml", 5, "targets.prod.a.configure.storage_options.secret"),
    ]
    assert ["secrets_ref" in remark.message for remark in metadata.remarks] == [False, True]
    expected = {"hunter2-of-resolver", "hunter2-of-target", "hunter2-of-platform"}
    assert get_registered_secret_values() == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("password_file", "/run/secrets/db"),
        ("token_url", "https://login.example.com/oauth2/token"),
        ("api_key_header", "X-API-Key"),
        ("aws_access_key_id", "AKIAIOSFODNN7EXAMPLE"),
        ("base_path", "s3://Bucket-2026/data/key=1/token=2"),
        ("base_path", "abfss://Sales2026@OneLake.dfs.fabric.microsoft.com/Shop.Lakehouse/Files"),
        ("role_arn", "arn:aws:iam::123456789012:role/DataLoader"),
        ("workspace", "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        ("note", "A sentence with 3 Kinds of Characters in it"),
        ("warehouse", "MyCompanyWarehouse2026"),
        ("password", ""),
    ],
)
def test_what_is_no_secret(name: str, text: str) -> None:
    assert suspicion(name, text) is None


@pytest.mark.parametrize(
    ("name", "text", "secrets"),
    [
        ("sas", "sv=2024&sig=abc%2Bdef%3D", ["sv=2024&sig=abc%2Bdef%3D"]),
        ("url", "https://a.blob.core.windows.net/c?sv=2024&sig=abc%2Bdef%3D&se=2", ["abc%2Bdef%3D", "abc+def="]),
        ("options", "Server=h;Password=hunter2;AccountKey=abc==", ["hunter2", "abc=="]),
        ("x", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"]),
    ],
)
def test_what_is_a_secret(name: str, text: str, secrets: list[str]) -> None:
    found = suspicion(name, text)
    assert found is not None
    assert set(found[1]) == set(secrets)
    assert (found[0] is Suspicion.NAME) == (name == "sas")


def test_validate_warns(tmp_path: Path) -> None:
    pytest.importorskip("datacoolie_engine_polars", reason="the engine is a package of its own")
    (tmp_path / "doc.yaml").write_text(
        "connections: [{name: a, format: sql, configure: {database_type: sqlite, database: f, password: hunter2-x}}]"
    )
    command = [sys.executable, "-m", "datacoolie", "validate", "doc.yaml"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, encoding="utf-8")
    first, second = told.stdout.splitlines()
    assert first == (
        "warning: doc.yaml:1:96: connections[0].configure.password: a field of this name holds a secret, which stands "
        "in the document: name it in secrets_ref, or take it from the environment: ${NAME}"
    )
    assert second.startswith("valid: 1 connection")
    told = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert [remark["path"] for remark in json.loads(told.stdout)["remarks"]] == ["connections[0].configure.password"]
    assert "hunter2" not in told.stdout
