"""The jobs as one writes them by hand in plain PySpark: `python spark_by_hand.py JOB SOURCE DESTINATION KEY,... CONF`.

This file imports nothing of the project: what it uses is what such a script uses. CONF is a JSON file with the settings
of the session, which are those that datacoolie is given too.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

if TYPE_CHECKING:
    from collections.abc import Mapping


def session_of(conf: Mapping[str, str]) -> SparkSession:
    """Start a session with Delta."""
    builder = SparkSession.builder.config(map=dict(conf))
    builder = builder.config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    catalog = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    return builder.config("spark.sql.catalog.spark_catalog", catalog).getOrCreate()


def append(spark: SparkSession, source: Path, destination: Path, _keys: list[str]) -> None:
    """Append Parquet files to a Delta table."""
    spark.read.parquet(str(source)).write.format("delta").mode("append").save(str(destination))


def upsert(spark: SparkSession, source: Path, destination: Path, keys: list[str]) -> None:
    """Merge Parquet files into a Delta table."""
    spark.read.parquet(str(source)).createOrReplaceTempView("changes")
    condition = " AND ".join(f"t.{key} = s.{key}" for key in keys)
    spark.sql(
        f"MERGE INTO delta.`{destination}` AS t USING changes AS s ON {condition} "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )


def tiny_flows(spark: SparkSession, source: Path, destination: Path, _keys: list[str]) -> None:
    """Append what is new in each folder to its own Delta table; the newest moment is kept in a file."""
    for folder in sorted(source.iterdir()):
        mark = destination / f"{folder.name}.json"
        frame = spark.read.parquet(str(folder))
        if mark.exists():
            frame = frame.filter(f.col("updated_at") > datetime.fromisoformat(json.loads(mark.read_text())))
        ((newest,),) = frame.select(f.date_format(f.max("updated_at"), "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX")).collect()
        if newest is not None:
            frame.write.format("delta").mode("append").save(str(destination / folder.name))
            mark.write_text(json.dumps(newest))


JOBS = {job.__name__: job for job in (append, upsert, tiny_flows)}

if __name__ == "__main__":
    settings = json.loads(Path(sys.argv[5]).read_text())
    JOBS[sys.argv[1]](session_of(settings), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4].split(","))
