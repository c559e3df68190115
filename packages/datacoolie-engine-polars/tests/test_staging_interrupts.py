"""What ends a pass in the middle: an interrupt, a full disk, no right to write. Nothing is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import polars as pl
import pytest

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.engines import FileWrite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from datacoolie_engine_polars import PolarsEngine

SCRIPT = """
import sys, threading, time
import polars as pl
from datacoolie.engines import *
from datacoolie_engine_polars import PolarsEngine

engine, (mode, folder, *more) = PolarsEngine(), sys.argv[1:]
part = pl.LazyFrame({"id": range(1_000_000)}).with_columns(t=pl.col("id").hash().cast(pl.String), day=pl.col("id") % 5)

def stage(frame, **options):
    request = FileWrite(format="parquet", folder=folder, stem="s", **options)
    try:
        staged = engine.files.stage(frame, request)
    except BaseException as error:
        print("ended by", type(error).__name__, flush=True)
        raise
    print("rows", staged.rows, flush=True)
"""


def start(tmp_path: Path, mode: str, body: str, *more: str) -> subprocess.Popen[str]:
    script = tmp_path / f"run_{mode}.py"
    script.write_text(SCRIPT + textwrap.dedent(body))
    command = [sys.executable, str(script), mode, str(tmp_path / "out"), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def await_files(process: subprocess.Popen[str], folder: Path) -> None:
    """Wait until the pass has begun to write."""
    for _ in range(2400):
        if any(path.is_file() for path in folder.rglob("*")):
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail("nothing was written")


@pytest.mark.skipif(os.name == "nt", reason="SIGINT can't be sent to a process on Windows")
@pytest.mark.parametrize(("mode", "error"), [("main", "KeyboardInterrupt"), ("thread", "InterruptedPassError")])
@pytest.mark.parametrize("keys", ["", "day"])
def test_an_interrupt_ends_the_pass_and_removes_what_it_wrote(tmp_path: Path, mode: str, error: str, keys: str) -> None:
    body = """
        keys = tuple(more)
        big = pl.concat([part] * 500)
        if mode == "main":
            stage(big, partition_by=keys)
        else:
            worker = threading.Thread(target=stage, args=(big,), kwargs={"partition_by": keys})
            worker.start()
            worker.join()
    """
    process = start(tmp_path, mode, body, *([keys] if keys else []))
    await_files(process, tmp_path / "out")
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert f"ended by {error}" in out, err
    assert not (tmp_path / "out").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small file system can't be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


BIG = pl.LazyFrame({"id": range(3_000_000)}).with_columns(t=pl.col("id").hash().cast(pl.String), day=pl.col("id") % 5)


@pytest.mark.parametrize("format", ["parquet", "csv", "json", "jsonl"])
@pytest.mark.parametrize("keys", [(), ("day",)])
def test_a_full_disk(engine: PolarsEngine, small_disk: Path, format: str, keys: tuple[str, ...]) -> None:  # noqa: A002
    request: FileWrite[pl.LazyFrame] = FileWrite(
        format=format, folder=str(small_disk / "out"), stem="s", partition_by=keys, options={}
    )
    with pytest.raises(DestinationError, match=r"disk/out: no space left on the device after [\d,]+ bytes") as caught:
        engine.files.stage(BIG, request)
    assert caught.value.error_class is ErrorClass.TRANSIENT
    assert list(small_disk.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_no_right_to_write(engine: PolarsEngine, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    request: FileWrite[pl.LazyFrame] = FileWrite(format="parquet", folder=str(tmp_path / "out"), stem="s")
    with pytest.raises(DestinationError, match="no right to write here"):
        engine.files.stage(BIG.head(10), request)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc takes no files")
def test_a_place_that_takes_no_files(engine: PolarsEngine) -> None:
    request: FileWrite[pl.LazyFrame] = FileWrite(format="parquet", folder="/proc/datacoolie", stem="s")
    with pytest.raises(DestinationError, match="/proc/datacoolie"):
        engine.files.stage(BIG.head(10), request)


PEAK = """
    import resource
    from datacoolie.sql import count
    frame = pl.concat([pl.scan_parquet(more[0])] * int(more[1]))
    observed = {"n": Observation(frame=frame, aggregate=count())}
    request = FileWrite(format=mode, folder=folder, stem="s", observe=observed)
    staged = engine.files.stage(frame.filter(pl.col("id") >= 0), request)
    print(staged.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is measured as Linux reports it")
@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl"])
def test_memory_does_not_grow_with_the_data(tmp_path: Path, format: str) -> None:  # noqa: A002
    BIG.head(1_000_000).collect().write_parquet(tmp_path / "part.parquet", row_group_size=100_000)
    peaks = {}
    for times in (4, 16):
        out, err = start(tmp_path, format, PEAK, str(tmp_path / "part.parquet"), str(times)).communicate(timeout=300)
        assert out, err
        rows, peak = out.split()
        assert int(rows) == times * 1_000_000
        peaks[times] = int(peak)
    assert peaks[16] < peaks[4] * 1.5 + 50
