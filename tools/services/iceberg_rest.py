"""The Iceberg REST catalog that the Iceberg project tests its own clients with; it needs Java 17."""

from __future__ import annotations

import shutil
import urllib.request
from typing import TYPE_CHECKING, ClassVar
from urllib.error import URLError

from tools.services import process, store
from tools.services.model import MissingError, Running, Service

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ICEBERG = "1.11.0"

_JARS = (
    ("org.apache.iceberg", "iceberg-open-api", ICEBERG, "test-fixtures"),
    ("org.apache.iceberg", "iceberg-core", ICEBERG, ""),
    ("org.apache.iceberg", "iceberg-core", ICEBERG, "tests"),
    ("org.xerial", "sqlite-jdbc", "3.50.3.0", ""),
    ("org.apache.hadoop", "hadoop-client-api", "3.4.2", ""),
    ("org.apache.hadoop", "hadoop-client-runtime", "3.4.2", ""),
    ("org.slf4j", "slf4j-simple", "2.0.17", ""),
    ("org.eclipse.jetty.ee10", "jetty-ee10-servlet", "12.1.1", ""),
    ("org.eclipse.jetty.compression", "jetty-compression-server", "12.1.1", ""),
    ("org.eclipse.jetty.compression", "jetty-compression-gzip", "12.1.1", ""),
)
"""Group, artifact, version and classifier; what these need themselves comes with them."""


class IcebergRest(Service):
    """A REST catalog on SQLite whose warehouse is a folder. It listens on all interfaces, and can't do otherwise."""

    name: ClassVar[str] = "iceberg-rest"

    def start(self, folder: Path) -> Running:
        """Start the server."""
        java = shutil.which("java")
        if java is None:
            message = "The Iceberg REST catalog: Java 17 or newer is not on PATH"
            raise MissingError(message)
        jars, port = store.installed(f"iceberg-rest-{ICEBERG}", _install), process.free_port()
        environment = {
            "CATALOG_REST_PORT": str(port),
            "CATALOG_WAREHOUSE": (folder / "warehouse").as_uri(),
            "CATALOG_URI": f"jdbc:sqlite:{folder / 'catalog.db'}",
            "CATALOG_JDBC_SCHEMA__VERSION": "V1",
        }
        command = [java, "-Xmx256m", "-cp", f"{jars}/*", "org.apache.iceberg.rest.RESTCatalogServer"]
        pid = process.spawn(command, folder, environment)
        url = f"http://127.0.0.1:{port}"
        process.wait_until(lambda: _answers(f"{url}/v1/config"), pid, folder, "The Iceberg REST catalog")
        return Running(name=self.name, folder=folder, pid=pid, address={"url": url, "port": str(port)})

    def stop(self, running: Running) -> None:
        """Stop the server."""
        process.stop(running.pid)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - a URL of this module
            return True
    except (URLError, OSError):
        return False


def _install(folder: Path) -> None:
    (folder / "pom.xml").write_text(_pom(_JARS), encoding="utf-8")
    command = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    process.run(command, "The Iceberg REST catalog", cwd=folder)


def _pom(jars: Iterable[tuple[str, str, str, str]]) -> str:
    wanted = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>"
        f"{f'<classifier>{classifier}</classifier>' if classifier else ''}</dependency>"
        for group, artifact, version, classifier in jars
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>datacoolie</groupId>'
        f"<artifactId>services</artifactId><version>1</version><dependencies>{wanted}</dependencies></project>"
    )
