"""What runs where: the combinations that tests run and the documentation shows."""

from __future__ import annotations

from dataclasses import dataclass

PLATFORMS = {"polars": ("local", "aws", "fabric", "databricks"), "spark": ("local", "aws")}
"""Where each engine's loads are tested: states, tables and files are there."""

TABLES = ("delta", "iceberg")
FILES = ("parquet", "csv", "json", "jsonl", "avro")

REFUSED = {("fabric", "iceberg")}
"""Formats that a platform does not have."""

OF_FILES = ("append", "overwrite")
"""Load types that flat files have."""

OF_TABLES = (*OF_FILES, "full_load", "merge_upsert", "merge_overwrite", "replace_by_watermark", "scd2")
"""Load types that tables have; `replace_by_watermark` is a setting of `merge_overwrite`."""


@dataclass(frozen=True, kw_only=True, order=True)
class Case:
    """A load that works: it is run twice, with new rows in between, and what it left is read back."""

    engine: str
    platform: str
    format: str
    load_type: str

    def __str__(self) -> str:
        """Return the name of its test."""
        return f"{self.engine}-{self.platform}-{self.format}-{self.load_type}"


CASES = tuple(
    Case(engine=engine, platform=platform, format=form, load_type=load_type)
    for engine, platforms in PLATFORMS.items()
    for platform in platforms
    for form in (*TABLES, *FILES)
    if (platform, form) not in REFUSED
    for load_type in (OF_TABLES if form in TABLES else OF_FILES)
)
