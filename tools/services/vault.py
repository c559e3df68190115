"""HashiCorp Vault: from PATH, else from the seed folder, else built from Go's modules, which takes 10 minutes."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tools.services import http, process, store
from tools.services.model import Running, Service

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "1.14.2"

_SDK = "0.9.2"
_TOKEN = "root"  # noqa: S105 - of a server in memory, on loopback
_MODULE = "github.com/hashicorp/vault"
_MAIN = f"""package main

import (
	"os"

	"{_MODULE}/command"
)

func main() {{ os.Exit(command.Run(os.Args[1:])) }}
"""


class Vault(Service):
    """A Vault in memory, behind TLS and unsealed. Its address has `url`, `token`, `ca` (a file) and `unseal_key`."""

    name: ClassVar[str] = "vault"

    def start(self, folder: Path) -> Running:
        """Start the server."""
        binary = shutil.which("vault") or str(store.installed(_build(), _install) / "vault")
        port = process.free_port()
        options = {
            "tls-cert-dir": folder,
            "root-token-id": _TOKEN,
            "listen-address": f"127.0.0.1:{port}",
        }
        command = [binary, "server", "-dev", "-dev-tls", "-dev-no-store-token"]
        command += [f"-dev-{name}={value}" for name, value in options.items()]
        pid = process.spawn(command, folder, {"HOME": str(folder)})
        url, ca = f"https://127.0.0.1:{port}", folder / "vault-ca.pem"
        log = folder / "server.log"
        # It answers a little before it prints the key.
        process.wait_until(
            lambda: http.answers(f"{url}/v1/sys/health", ca=ca) and bool(_unseal_key(log)), pid, folder, "Vault"
        )
        address = {"url": url, "token": _TOKEN, "ca": str(ca), "unseal_key": _unseal_key(log)}
        return Running(name=self.name, folder=folder, pid=pid, address=address)

    def stop(self, running: Running) -> None:
        """Stop the server."""
        process.stop(running.pid)


def _unseal_key(log: Path) -> str:
    found = re.search(r"^Unseal Key: (\S+)", log.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def _build() -> str:
    """Return the name of the build for this machine."""
    machine = platform.machine()
    return f"vault-{VERSION}-{sys.platform}-{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(machine, machine) }"


def _install(folder: Path) -> None:
    """Build Vault; its published module can't be installed as it is, for it replaces parts of itself."""
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        _go(["mod", "init", "seed"], work, environment)
        _go(["mod", "download", f"{_MODULE}@v{VERSION}", f"{_MODULE}/sdk@v{_SDK}"], work, environment)
        cache = Path(_go(["env", "GOMODCACHE"], work, environment).strip()) / "github.com/hashicorp"
        _lay_out(work, cache / f"vault@v{VERSION}", cache / f"vault/sdk@v{_SDK}")
        local = ["-module=localvault", f"-require={_MODULE}@v{VERSION}", f"-replace={_MODULE}/sdk=./sdk"]
        _go(["mod", "edit", *local], work, environment)
        _go(["build", "-trimpath", "-ldflags", "-s -w", "-o", str(folder / "vault"), "."], work, environment)


def _lay_out(work: Path, vault: Path, sdk: Path) -> None:
    """Make a module that runs Vault's command, with the versions that Vault has been tested with."""
    shutil.copytree(sdk, work / "sdk", copy_function=shutil.copyfile)
    for path in (work / "sdk").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.copyfile(vault / "go.sum", work / "go.sum")
    replaced = re.compile(rf"^(?:replace |\s*){_MODULE}\S* => .*\n", re.MULTILINE)
    (work / "go.mod").write_text(replaced.sub("", (vault / "go.mod").read_text(encoding="utf-8")), encoding="utf-8")
    (work / "main.go").write_text(_MAIN, encoding="utf-8")
    # The published sdk is newer than the one in Vault's repository, and refuses two of Vault's own paths.
    backend = work / "sdk/framework/backend.go"
    refusal = 'panic(fmt.Sprintf("Pattern %v defines a CreateOperation but no ExistenceCheck", p.Pattern))'
    backend.write_text(backend.read_text(encoding="utf-8").replace(refusal, "_ = p"), encoding="utf-8")


def _go(arguments: list[str], work: Path, environment: Mapping[str, str]) -> str:
    return process.run(["go", *arguments], "Vault", cwd=work, env=environment)
