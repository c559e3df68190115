"""Sessions: which one is taken, what is set in it, what is said when there is none."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pyspark
import pytest

from datacoolie.core.exceptions import ConfigurationError, EngineError, ErrorClass
from datacoolie.engines import InterruptedPassError
from datacoolie.sql import count
from datacoolie_engine_spark import SparkEngine, connecting, session
from datacoolie_engine_spark.starting import start_session
from tests.spark_work import PATIENCE, lasting

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession


def conf(session: SparkSession, *names: str) -> list[str | None]:
    return [session.conf.get(name) for name in names]


def test_the_session_that_is_there_is_used_and_nothing_is_set_in_it(spark_session: SparkSession) -> None:
    theirs = spark_session.newSession()
    theirs.conf.set("spark.sql.session.timeZone", "America/New_York")
    theirs.conf.set("spark.sql.ansi.enabled", "false")
    for engine in (SparkEngine(theirs, conf={"spark.sql.shuffle.partitions": 3}), SparkEngine()):
        assert engine.session.sparkContext is theirs.sparkContext
        assert conf(engine.session, "spark.sql.session.timeZone", "spark.sql.ansi.enabled") == ["UTC", "true"]
        engine.stop()
    assert conf(theirs, "spark.sql.session.timeZone", "spark.sql.ansi.enabled", "spark.sql.shuffle.partitions") == [
        "America/New_York", "false", "2",
    ]  # fmt: skip
    assert theirs.range(2).count() == 2


def test_settings_of_the_project_are_those_of_the_engines_own_session(spark_session: SparkSession) -> None:
    engine = SparkEngine(spark_session, conf={"spark.sql.shuffle.partitions": 3, "spark.sql.caseSensitive": False})
    assert conf(engine.session, "spark.sql.shuffle.partitions", "spark.sql.caseSensitive") == ["3", "false"]
    assert conf(SparkEngine(conf={"spark.driver.memory": "2g"}).session, "spark.driver.memory") == ["2g"]
    with pytest.raises(EngineError, match=r"CANNOT_MODIFY.*spark\.sql\.extensions") as caught:
        _ = SparkEngine(spark_session, conf={"spark.sql.extensions": "x"}).session
    assert caught.value.error_class is ErrorClass.CONFIGURATION


def test_settings_of_the_project_that_are_none() -> None:
    with pytest.raises(ConfigurationError, match=r"engine\.conf\.a is \['b'\]; write text, a number, true or false"):
        SparkEngine(conf={"a": ["b"]})
    with pytest.raises(ConfigurationError, match=r"engine\.conf is list; write settings of Spark by name"):
        SparkEngine(conf=["a"])  # type: ignore[arg-type] # as a project file may have it


def test_each_thread_has_a_session_of_its_own_named_after_its_flow(spark_engine: SparkEngine) -> None:
    seen: list[tuple[SparkSession, str | None, set[str]]] = []

    def flow(name: str) -> None:
        with spark_engine.naming(name):
            session = spark_engine.session
            description = session.sparkContext.getLocalProperty("spark.job.description")
            seen.append((session, description, session.getTags()))

    for name in ("orders, new", "customers"):
        thread = threading.Thread(target=flow, args=(name,))
        thread.start()
        thread.join()
    (first, described, tags), (second, *_) = seen
    assert (described, tags) == ("orders, new", {"orders  new"})
    assert seen[1][1:] == ("customers", {"customers"})
    assert first is second
    assert first is not spark_engine.session


@pytest.mark.parametrize(
    ("name", "ended"), [("spark_engine", "long"), ("spark_engine", None), ("spark_connect_engine", None)]
)
def test_an_interrupt_ends_what_runs_and_nothing_that_begins_later(
    name: str, ended: str | None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_PAUSE", 0.01)
    engine: SparkEngine = request.getfixturevalue(name)
    # A server may forget an interrupt that comes while it plans: then the work ends with its last row.
    with lasting(engine, "long", seconds=10 if name == "spark_connect_engine" else 60) as work:
        if ended is None:
            engine.interrupt()
        else:
            with engine.naming("another"):
                engine.end_work(ended)
                assert engine.frames.aggregate(engine.session.range(3), {"n": count()}) == {"n": 3}
        assert isinstance(work.exception(PATIENCE), InterruptedPassError)
    with engine.naming("next"):
        for _ in range(20):
            assert engine.frames.aggregate(engine.session.range(3), {"n": count()}) == {"n": 3}


def test_a_server_that_does_not_answer_to_an_interrupt_holds_nobody_up(
    spark_engine: SparkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answers = threading.Event(), threading.Event()

    def hang(_: list[SparkSession]) -> None:
        asked.set()
        answers.wait(300)

    monkeypatch.setattr(session, "_interrupt", hang)
    with spark_engine.naming("first"):
        first = spark_engine.session
        spark_engine.end_work("first")
        assert asked.wait(300)
    with spark_engine.naming("second"):
        assert spark_engine.session is not first  # the interrupt is still on its way to that one
        assert spark_engine.frames.aggregate(spark_engine.session.range(3), {"n": count()}) == {"n": 3}
    answers.set()


def test_rows_that_are_kept_are_those_of_one_load_alone(spark_engine: SparkEngine) -> None:
    def kept() -> DataFrame:
        return spark_engine.frames.reused(spark_engine.session.range(3).toDF("id"))

    def another() -> bool:
        with spark_engine.frames.keeping():
            return kept().storageLevel.useMemory

    with spark_engine.frames.keeping():
        mine = kept()
        with ThreadPoolExecutor(1) as threads:
            assert threads.submit(another).result()
        assert mine.storageLevel.useMemory
    assert not mine.storageLevel.useMemory


def test_a_session_that_is_stopped_in_the_middle_is_said_and_the_next_try_has_another(
    spark_connect_engine: SparkEngine,
) -> None:
    engine = spark_connect_engine
    with engine.naming("first"):
        frame = engine.session.range(3)
        engine.session.stop()
        with pytest.raises(EngineError, match="The Spark session was stopped while it was in use") as caught:
            engine.frames.aggregate(frame, {"n": count()})
        assert caught.value.error_class is ErrorClass.TRANSIENT
    with engine.naming("again"):
        assert engine.frames.aggregate(engine.session.range(3), {"n": count()}) == {"n": 3}


def test_a_connect_session_that_is_given_goes_on_when_the_engine_is_stopped(spark_connect_engine: SparkEngine) -> None:
    theirs = spark_connect_engine.session
    engine = SparkEngine(theirs)
    assert engine.session is not theirs
    assert engine.frames.aggregate(engine.session.range(3), {"n": count()}) == {"n": 3}
    engine.stop()
    assert theirs.range(2).count() == 2


def test_a_connect_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "PATIENCE", 1.0)
    with pytest.raises(EngineError, match=r"No Spark Connect server answers at sc://127.0.0.1:1 ") as caught:
        _ = SparkEngine(remote="sc://127.0.0.1:1/;token=hidden").session
    assert caught.value.error_class is ErrorClass.TRANSIENT
    assert "hidden" not in str(caught.value)
    for wrong in ("http://here:1", "sc://", "sc://here:port", "here"):
        with pytest.raises(ConfigurationError, match=r"write sc://HOST:PORT"):
            _ = SparkEngine(remote=wrong).session


def refusal(jars: Path | None) -> str:
    with pytest.raises((EngineError, ConfigurationError)) as caught:
        start_session(master="local[1]", conf={}, jars=str(jars) if jars else None)
    assert caught.value.error_class is ErrorClass.CONFIGURATION
    return caught.value.message


def test_java_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "any.jar").touch()
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    assert refusal(tmp_path).startswith(
        "Spark needs Java 17 or newer, and there is none on PATH. Install Java 17 or 21 and put it on PATH, or name its"
    )
    java = tmp_path / "old/bin/java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    assert refusal(tmp_path).startswith(f"Spark needs Java 17 or newer, and {java} is Java 11. Install")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "none"))
    assert f"there is none at JAVA_HOME, which is '{tmp_path}/none'" in refusal(tmp_path)


def test_jars_have_to_fit_the_spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyspark, "__version__", "4.1.4")
    assert refusal(tmp_path).startswith(
        f"{tmp_path}: there are no jars here. For Spark 4.1.4 put these into it: io.delta:delta-spark_4.1_2.13:4.4.0, "
    )
    wrong = tmp_path / "delta-spark_4.0_2.13-4.4.0.jar"
    wrong.touch()
    assert refusal(tmp_path) == (
        f"{wrong}: this jar is for Spark 4.0, and here is Spark 4.1.4. Use io.delta:delta-spark_4.1_2.13:4.4.0"
    )
    monkeypatch.setattr(pyspark, "__version__", "4.7.0")
    assert refusal(None).startswith(
        "No jars of Delta and Iceberg are known for Spark 4.7.0; there are some for 4.1, 4.0. Install one of these"
    )
