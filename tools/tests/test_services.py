from __future__ import annotations

import json
import lzma
import os
import re
import subprocess
import sys
import tarfile
import textwrap
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.services import fixtures, http, postgres, process, running, store
from tools.services.__main__ import main
from tools.services.model import MissingError, Running, Service

if TYPE_CHECKING:
    from collections.abc import Iterator


class Sleeper(Service):
    """A server that does nothing, so that starting and stopping can be tested without any."""

    name = "sleeper"

    def start(self, folder: Path) -> Running:
        pid = process.spawn(["sleep", "600"], folder)
        return Running(name=self.name, folder=folder, pid=pid, address={"url": "none"})

    def stop(self, running: Running) -> None:
        process.stop(running.pid)


@pytest.fixture
def sleeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(running, "SERVICES", {"sleeper": Sleeper()})
    yield
    running.stop("sleeper")


@pytest.mark.usefixtures("sleeper")
def test_a_service_runs_until_it_is_stopped(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["start"]) == 0
    first = running.status("sleeper")
    assert first is not None
    assert main(["start", "sleeper"]) == 0
    assert running.status("sleeper") == first
    assert main(["stop"]) == 0
    assert main(["status"]) == 0
    assert main(["stop"]) == 0
    line = f"sleeper: none (pid {first.pid}, {first.folder})\n"
    assert capsys.readouterr().out == (line * 2 + "sleeper: stopped\nsleeper: not running\nsleeper: was not running\n")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(first.pid, 0)


@pytest.mark.usefixtures("sleeper")
def test_an_unknown_service(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["start", "sleper"])
    assert "no service is called 'sleper'; possible are sleeper" in capsys.readouterr().err


def test_what_is_missing_is_said_in_a_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["start", "iceberg-rest"]) == 1
    assert capsys.readouterr().out == "iceberg-rest: The Iceberg REST catalog: Java 17 or newer is not on PATH\n"


@pytest.mark.parametrize(("required", "outcome"), [("1", pytest.fail.Exception), ("0", pytest.skip.Exception)])
def test_a_missing_service_skips_or_fails(
    monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv(fixtures.REQUIRED, required)
    with pytest.raises(outcome, match="Java 17 or newer is not on PATH"):
        next(fixtures.provided("iceberg-rest"))


def test_what_was_skipped_is_one_table(tmp_path: Path) -> None:
    tests = """
        import pytest

        @pytest.mark.parametrize("number", range(3))
        def test_with_a_server(versitygw, number): ...

        def test_otherwise(): pytest.skip("it is Monday")

        def test_passes(): ...
    """
    (tmp_path / "test_some.py").write_text(textwrap.dedent(tests))
    command = [sys.executable, "-m", "pytest", "-p", "tools.services.fixtures", "-p", "tools.skipped", "test_some.py"]
    nothing = {"PATH": "", "PYTHONPATH": str(Path(__file__).parents[2]), store.CACHE: str(tmp_path)}
    told = subprocess.run(command, check=True, cwd=tmp_path, env=nothing, capture_output=True, text=True).stdout
    assert re.findall(r"^ +\d+  .*", told, re.MULTILINE) == [
        "    3  versitygw: go can't be run (No such file or directory); install Go",
        "    1  it is Monday",
    ]
    assert "1 passed, 4 skipped" in told.splitlines()[-1]


def test_a_server_that_ends_says_why(tmp_path: Path) -> None:
    server = process.spawn(["sh", "-c", "echo no luck; exit 3"], tmp_path)
    with pytest.raises(MissingError, match="It ended: no luck"):
        process.wait_until(lambda: False, server, tmp_path, "It")


def test_files_come_from_the_cache_then_from_the_seed_then_from_a_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(store.CACHE, str(tmp_path / "cache"))
    monkeypatch.setenv(store.SEED, str(tmp_path / "seed"))
    (tmp_path / "seed").mkdir()
    (tmp_path / "file").write_text("seeded")
    with tarfile.open(tmp_path / "seed/one-1.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "file", "file")
    with lzma.open(tmp_path / "seed/three-1-linux.xz", "wb") as program:
        program.write(b"#!/bin/sh\necho three")
    installs: list[Path] = []

    def install(folder: Path) -> None:
        installs.append(folder)
        (folder / "file").write_text("installed")

    for _ in range(2):
        assert (store.installed("one-1", install) / "file").read_text() == "seeded"
        assert (store.installed("two-1", install) / "file").read_text() == "installed"
    assert len(installs) == 1
    unpacked = store.installed("three-1-linux", install) / "three"
    assert subprocess.run([unpacked], capture_output=True, check=True).stdout == b"three\n"


def test_vault_answers_to_those_who_know_its_certificate(vault_server: Running) -> None:
    url, ca = f"{vault_server.address['url']}/v1/sys/health", Path(vault_server.address["ca"])
    assert http.answers(url, ca=ca)
    assert not http.answers(url)
    assert vault_server.address["unseal_key"]


def test_postgres_answers(postgres_server: Running) -> None:
    found = subprocess.run(
        ["psql", postgres_server.address["url"], "-Atc", "select 41 + 1"], capture_output=True, text=True, check=False
    )
    assert found.stdout == "42\n", found.stderr


@pytest.mark.slow
def test_the_binaries_of_the_package_start_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_on_this_machine", lambda: None)
    with running.started("postgres") as server:
        assert (server.folder / "data" / "postmaster.pid").exists()
    assert not server.folder.exists()


def test_the_rest_catalog_answers(iceberg_rest: Running) -> None:
    with urllib.request.urlopen(f"{iceberg_rest.address['url']}/v1/config") as answer:  # noqa: S310 - a URL of ours
        assert "endpoints" in json.load(answer)


@pytest.mark.parametrize("fixture", ["moto_server", "versitygw"])
def test_servers_of_s3_answer(fixture: str, request: pytest.FixtureRequest) -> None:
    server: Running = request.getfixturevalue(fixture)
    assert http.answers(server.address["url"], refusing=True)
