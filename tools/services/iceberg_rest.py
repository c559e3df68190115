"""The Iceberg REST catalog that the Iceberg project tests its own clients with; it needs Java 17."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from tools.services import http, maven, process, store
from tools.services.model import MissingError, Running, Service

if TYPE_CHECKING:
    from pathlib import Path

ICEBERG = "1.11.0"

_JARS = (
    f"org.apache.iceberg:iceberg-open-api:{ICEBERG}:test-fixtures",
    f"org.apache.iceberg:iceberg-core:{ICEBERG}",
    f"org.apache.iceberg:iceberg-core:{ICEBERG}:tests",
    "org.xerial:sqlite-jdbc:3.50.3.0",
    "org.apache.hadoop:hadoop-client-api:3.4.2",
    "org.apache.hadoop:hadoop-client-runtime:3.4.2",
    "org.slf4j:slf4j-simple:2.0.17",
    "org.eclipse.jetty.ee10:jetty-ee10-servlet:12.1.1",
    "org.eclipse.jetty.compression:jetty-compression-server:12.1.1",
    "org.eclipse.jetty.compression:jetty-compression-gzip:12.1.1",
)
"""What these need themselves comes with them."""


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
        process.wait_until(partial(http.answers, f"{url}/v1/config"), pid, folder, "The Iceberg REST catalog")
        return Running(name=self.name, folder=folder, pid=pid, address={"url": url, "port": str(port)})

    def stop(self, running: Running) -> None:
        """Stop the server."""
        process.stop(running.pid)


def _install(folder: Path) -> None:
    maven.copy_jars(_JARS, folder, "The Iceberg REST catalog")
