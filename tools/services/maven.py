"""Jars from Maven's repositories, by the command `mvn`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.services import process

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def copy_jars(
    coordinates: Iterable[str], folder: Path, what: str, *, transitive: bool = True, without: Iterable[str] = ()
) -> None:
    """Put jars into a folder.

    Args:
        coordinates: `group:artifact:version`, or `group:artifact:version:classifier`.
        folder: where to.
        what: what they are for, for messages.
        transitive: also what these need themselves.
        without: `group:artifact` of what is left out then.

    Raises:
        MissingError: there is no Maven, or it can't get one of them.
    """
    (folder / "pom.xml").write_text(_pom(coordinates, without), encoding="utf-8")
    options = [f"-DoutputDirectory={folder}", f"-DexcludeTransitive={str(not transitive).lower()}"]
    process.run(["mvn", "-q", "-B", "dependency:copy-dependencies", *options], what, cwd=folder)


def _pom(coordinates: Iterable[str], without: Iterable[str]) -> str:
    excluded = "".join(f"<exclusion>{_tags(one)}</exclusion>" for one in without)
    dependencies = (f"<dependency>{_tags(one)}<exclusions>{excluded}</exclusions></dependency>" for one in coordinates)
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>datacoolie</groupId>'
        "<artifactId>services</artifactId><version>1</version>"
        f"<dependencies>{''.join(dependencies)}</dependencies></project>"
    )


def _tags(coordinate: str) -> str:
    names = ("groupId", "artifactId", "version", "classifier")
    return "".join(f"<{name}>{value}</{name}>" for name, value in zip(names, coordinate.split(":"), strict=False))
