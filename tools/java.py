"""Compile the Java that the Spark engine carries into its jar: `python -m tools.java`, with a JDK of 17 or later."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile, ZipInfo

from tools.services import process, spark

_PACKAGE = Path(__file__).parents[1] / "packages/datacoolie-engine-spark"

SOURCES = _PACKAGE / "java"
"""What is compiled, in the folders of its packages."""

JAR = _PACKAGE / "src/datacoolie_engine_spark/s3-log-store.jar"
"""Classes, and beside each what it was compiled of."""


def build(jar: Path) -> None:
    """Compile all of `SOURCES` into a jar; the same sources and compiler give the same bytes.

    Raises:
        MissingError: there is no compiler, it refuses, or the libraries can't be had.
    """
    sources = sorted(SOURCES.rglob("*.java"))
    libraries = [str(folder / "*") for folder in (spark.jars(), spark.home() / "jars")]
    with TemporaryDirectory() as name:
        options = ["--release", "17", "-proc:none", "-cp", ":".join(libraries), "-d", name]
        process.run(["javac", *options, *map(str, sources)], "the compiler of Java")
        files = {path.relative_to(SOURCES).as_posix(): path for path in sources}
        files |= {path.relative_to(name).as_posix(): path for path in sorted(Path(name).rglob("*.class"))}
        with ZipFile(jar, "w") as archive:
            for inside, path in files.items():
                archive.writestr(ZipInfo(inside), path.read_bytes())


if __name__ == "__main__":
    build(JAR)
    print(JAR)
    sys.exit(0)
