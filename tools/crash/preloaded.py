"""Imported once by the server that loads are forked from: all that a load imports, and the models of a document.

Nothing of it starts a thread, which a fork would lose.
"""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path

from datacoolie import Project
from tools.crash.arena import Arena
from tools.crash.cases import CASES

for module in (
    "datacoolie.destinations.files",
    "datacoolie.destinations.lakehouse",
    "datacoolie.sources.files",
    "datacoolie_engine_polars.delta.table",
    "datacoolie_engine_polars.iceberg.table",
    "datacoolie_platform_aws",
    "pyiceberg.catalog.sql",
    "pyiceberg.io.pyarrow",
):
    import_module(module)

with tempfile.TemporaryDirectory() as folder:
    Project.load(Arena(Path(folder), CASES[0]).document)
