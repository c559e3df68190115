"""The Java that the Spark engine carries is compiled of the sources that are here."""

from __future__ import annotations

from zipfile import ZipFile

from tools.java import JAR, SOURCES


def test_the_jar_has_the_sources_and_a_class_of_each() -> None:
    with ZipFile(JAR) as jar:
        found = {name: jar.read(name) for name in jar.namelist()}
    sources = {path.relative_to(SOURCES).as_posix(): path.read_bytes() for path in SOURCES.rglob("*.java")}
    assert {name: data for name, data in found.items() if name.endswith(".java")} == sources
    assert found.keys() - sources.keys() == {name.replace(".java", ".class") for name in sources}
