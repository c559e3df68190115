"""The metadata documents of the jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FLOW = "flow"
"""The name of the one flow of a document, and of the table it writes."""


def one_flow(source: Path, source_format: str, tables: Path, table_format: str, load: dict[str, object]) -> str:
    """Return a document that loads the folder `source` into the table `tables/flow`."""
    flow = {
        "name": FLOW,
        "source": {"connection": "source", "table": source.name},
        "destination": {"connection": "tables", "table": FLOW, **load},
        "transform": {"system_columns": False},
    }
    connections = [_source(source.parent, source_format), _tables(tables, table_format)]
    return json.dumps({"connections": connections, "dataflows": [flow]})


def tiny_flows(source: Path, tables: Path, count: int) -> str:
    """Return a document of `count` flows, each from its own folder by watermark into its own Delta table."""
    flows = [
        {
            "name": name,
            "source": {"connection": "source", "table": name, "watermark_columns": ["updated_at"]},
            "destination": {"connection": "tables", "table": name, "load_type": "append"},
            "transform": {"system_columns": False},
        }
        for name in (f"flow_{number:03}" for number in range(count))
    ]
    return json.dumps({"connections": [_source(source, "parquet"), _tables(tables, "delta")], "dataflows": flows})


def _source(folder: Path, format_: str) -> dict[str, object]:
    options = {"header": True, "inferSchema": True} if format_ == "csv" else {}
    return {"name": "source", "format": format_, "configure": {"base_path": str(folder), "read_options": options}}


def _tables(folder: Path, format_: str) -> dict[str, object]:
    if format_ == "iceberg":
        options = {"type": "sql", "uri": f"sqlite:///{folder}/catalog.db", "warehouse": str(folder)}
        return {"name": "tables", "format": format_, "database": "db", "configure": {"catalog_options": options}}
    return {"name": "tables", "format": format_, "configure": {"base_path": str(folder)}}
