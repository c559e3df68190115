"""`plan` and `run` on a real project with the Polars engine: what they load, print and exit with."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from datacoolie.cli.app import app

pytest.importorskip("datacoolie_engine_polars", reason="the engine is a package of its own")
pl = pytest.importorskip("polars")

CUSTOMERS = [
    (1, "Ada Brandt", "Hamburg", "DE"),
    (2, "Bruno Keller", "Zurich", "CH"),
    (3, "Chiara Rossi", "Torino", "IT"),
    (4, "Dilan Kaya", "Izmir", "TR"),
    (5, "Elif Demir", "Ankara", "TR"),
]
AMOUNTS = {1001: "349.00", 1002: "89.90", 1003: "27.00", 1004: "64.00", 1005: "129.00"} | {
    1006: "124.00",
    1007: "39.00",
    1008: "24.00",
    1009: "37.20",
    1010: "15.90",
}


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, prog_name="datacoolie")


def table(project: Path, name: str) -> list[tuple[object, ...]]:
    frame = pl.read_delta(str(project / "lakehouse" / name))
    rows: list[tuple[object, ...]] = frame.select(pl.exclude("^__.*$")).sort(frame.columns[0]).rows()
    return rows


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    assert call("init", str(folder)).exit_code == 0
    return folder


def test_the_project_that_init_makes_runs_at_once(project: Path) -> None:
    result = call("run", str(project))
    assert (result.exit_code, result.stderr) == (0, "")
    first, second, third, summary = sorted(result.stdout.splitlines()[:3]) + result.stdout.splitlines()[3:]
    assert re.fullmatch(r"customers: succeeded, 5 rows.*, 1 file, .* kB, .*, mark start -> 20.*Z, .*", first)
    assert re.fullmatch(r"large_orders: succeeded, 3 rows, 1 file, .*, mark start -> \d+, effectively-once", second)
    assert re.fullmatch(r"orders: succeeded, 10 rows, 1 file, .*, mark start -> 1010, effectively-once", third)
    assert re.fullmatch(r"3 flows: 3 succeeded; 18 rows, .* kB written in .* m?s", summary)
    assert [row[:4] for row in table(project, "customers")] == CUSTOMERS
    assert {row[0]: str(row[-1]) for row in table(project, "orders")} == AMOUNTS
    assert [(row[0], str(row[3])) for row in table(project, "large_orders")] == [
        (1001, "349.00"),
        (1005, "129.00"),
        (1006, "124.00"),
    ]


def test_a_second_run_finds_nothing_new(project: Path) -> None:
    call("run", str(project))
    result = call("run", str(project))
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert sorted(line.rsplit(", ", 1)[0] for line in lines[:3]) == [
        "customers: skipped, nothing new",
        "large_orders: skipped, nothing new",
        "orders: skipped, nothing new",
    ]
    assert lines[3].startswith("3 flows: 3 skipped; in ")


def test_a_new_file_and_a_changed_one_are_all_that_is_loaded(project: Path) -> None:
    call("run", str(project))
    landing = project / "data" / "landing"
    head = "order_id,customer_id,ordered_at,product,quantity,unit_price\n"
    (landing / "orders" / "2026-03.csv").write_text(head + "1011,5,2026-03-01 10:00:00,Grinder,2,75.00\n")
    customers = landing / "customers.csv"
    customers.write_text(customers.read_text().replace("Ankara", "Bursa") + "6,Finn Olsen,Bergen,no\n")
    os.utime(customers, (2_000_000_000, 2_000_000_000))
    records = {data["flow"]: data for data in map(json.loads, call("run", "--json", str(project)).stdout.splitlines())}
    assert {name: data["commit"]["rows"] for name, data in records.items()} == {
        "orders": 1,
        "customers": 6,
        "large_orders": 1,
    }
    assert records["customers"]["commit"]["inserted"] == 1
    assert records["customers"]["commit"]["updated"] == 5
    assert records["orders"]["window"]["low"] == {"order_id": 1010}
    assert table(project, "customers")[4:] == [
        (5, "Elif Demir", "Bursa", "TR"),
        (6, "Finn Olsen", "Bergen", "NO"),
    ]


def test_json_is_all_that_stands_on_standard_output(project: Path) -> None:
    result = call("run", "--json", str(project))
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert {record["flow"]: record["status"] for record in records} == {
        "orders": "succeeded",
        "customers": "succeeded",
        "large_orders": "succeeded",
    }
    assert {record["schema_version"] for record in records} == {1}


def test_a_flow_that_fails_is_explained_and_ends_with_1(project: Path) -> None:
    (project / "data" / "landing" / "customers.csv").unlink()
    result = call("run", str(project))
    assert result.exit_code == 1
    assert re.search(r"^customers: failed, in window, .*s$", result.stdout, re.MULTILINE)
    assert result.stdout.splitlines()[-1].startswith("3 flows: 2 succeeded, 1 failed; 13 rows, ")
    assert result.stderr.startswith("error: customers failed in window: ")
    assert "customers.csv: there is no such file or folder" in result.stderr
    assert "Traceback" not in result.output
    assert not (project / "lakehouse" / "customers").exists()


def test_a_flow_that_waits_for_one_that_failed_is_cancelled(project: Path) -> None:
    for file in (project / "data" / "landing" / "orders").iterdir():
        file.unlink()
    result = call("run", "--json", str(project))
    records = {data["flow"]: data for data in map(json.loads, result.stdout.splitlines())}
    assert result.exit_code == 1
    assert records["orders"]["status"] == "failed"
    assert (records["large_orders"]["status"], records["large_orders"]["reason"]) == ("cancelled", "orders failed")
    assert records["customers"]["status"] == "succeeded"


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        (["customers"], ["customers"]),
        (["stage:silver"], ["large_orders"]),
        (["+large_orders"], ["large_orders", "orders"]),
        (["customers", "orders"], ["customers", "orders"]),
    ],
)
def test_select(project: Path, selectors: list[str], expected: list[str]) -> None:
    options = [part for selector in selectors for part in ("--select", selector)]
    call("run", "-s", "orders", str(project))
    plans = [json.loads(line)["flow"] for line in call("plan", "--json", *options, str(project)).stdout.splitlines()]
    records = [json.loads(line)["flow"] for line in call("run", "--json", *options, str(project)).stdout.splitlines()]
    assert sorted(plans) == sorted(records) == expected


def test_an_unknown_selector_names_a_near_one(project: Path) -> None:
    result = call("run", "--select", "costumers", str(project))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("Did you mean 'customers'?\n")


def test_plan_writes_nothing_and_says_what_a_run_would_do(project: Path) -> None:
    before = sorted(project.rglob("*"))
    result = call("plan", str(project))
    assert (result.exit_code, result.stderr) == (0, "")
    assert sorted(project.rglob("*")) == before
    lines = [re.split(r"  +", line.strip()) for line in result.stdout.splitlines()]
    assert lines[0] == ["flow", "load", "reads", "since", "guarantee", "from -> to", "after"]
    rows = {row[0]: row[1:] for row in lines[1:4]}
    assert rows["orders"][:4] == ["append", "2 files, 590 B", "start", "effectively-once"]
    assert rows["customers"][:4] == ["merge_upsert", "1 file, 152 B", "start", "idempotent"]
    assert rows["large_orders"][-1] == "orders"
    assert call("run", "--dry-run", str(project)).stdout == result.stdout


def test_a_plan_with_a_flow_that_cannot_run_ends_with_1(project: Path) -> None:
    file = project / "data" / "landing" / "customers.csv"
    file.unlink()
    result = call("plan", str(project))
    assert result.exit_code == 1
    assert re.search(r"^customers +merge_upsert +can't run, see below$", result.stdout, re.MULTILINE)
    assert f"\ncustomers can't run: {file}: there is no such file or folder" in result.stdout


def test_after_a_run_the_plan_has_nothing_new(project: Path) -> None:
    call("run", str(project))
    plans = {data["flow"]: data for data in map(json.loads, call("plan", "--json", str(project)).stdout.splitlines())}
    assert plans["orders"]["has_work"] is False
    assert plans["orders"]["low"] == {"order_id": 1010}
    assert plans["customers"]["has_work"] is False


def test_the_state_can_be_elsewhere(project: Path, tmp_path: Path) -> None:
    result = call("run", "--state", str(tmp_path / "elsewhere"), str(project))
    assert result.exit_code == 0
    assert (tmp_path / "elsewhere").is_dir()
    assert not (project / ".datacoolie").exists()


def test_one_worker_runs_one_flow_at_a_time(project: Path) -> None:
    result = call("run", "--json", "--workers", "1", str(project))
    spans = sorted((data["started_at"], data["ended_at"]) for data in map(json.loads, result.stdout.splitlines()))
    assert len(spans) == 3
    assert all(ended <= started for (_, ended), (started, _) in pairwise(spans))
    assert call("run", "--workers", "0", str(project)).exit_code == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_an_output_that_cannot_be_written_stops_no_load_but_is_told(project: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "datacoolie", "run", "--json", str(project)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: OSError: [Errno 28] No space left on device\n")
    assert len(table(project, "large_orders")) == 3


def test_verbose_logs_to_standard_error(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "datacoolie", "run", "-v", "--json", str(project)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 3


def test_a_pipe_gets_no_escape_codes_and_no_rich(project: Path) -> None:
    code = (
        "import sys, atexit\n"
        "from datacoolie.cli import main\n"
        "atexit.register(lambda: print('rich' in sys.modules))\n"
        f"sys.argv = ['datacoolie', 'run', {str(project)!r}]\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "FORCE_COLOR": "1"},
    )
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "False"


def test_a_secret_in_an_error_is_masked_wherever_it_is_printed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connections = project / "metadata" / "connections.yaml"
    connections.write_text(
        connections.read_text()
        .replace("base_path: ../data/landing", "base_path: LANDING\n    secrets_ref: {'env:SHOP_': [base_path]}")
        .replace("\n      read_options", "\n#     read_options")
    )
    monkeypatch.setenv("SHOP_LANDING", "/no/hunter2-run/folder")
    for arguments in (["run"], ["run", "--json"], ["run", "-v"]):
        command = [sys.executable, "-m", "datacoolie", *arguments, str(project)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "error: customers failed in " in done.stderr
        assert "***" in done.stderr
        assert "hunter2-run" not in done.stdout + done.stderr
    written = [path.read_text() for path in project.rglob("*.json")]
    assert any('"failed"' in text for text in written)
    assert not any("hunter2-run" in text for text in written)


def test_ctrl_c_keeps_what_was_loaded_and_ends_with_130(tmp_path: Path) -> None:
    flows = [
        {
            "name": f"flow_{number:03}",
            "source": {"connection_name": "landing", "table": "a.csv", "watermark_columns": ["id"]},
            "destination": {"connection_name": "lake", "table": f"t{number}"},
        }
        for number in range(150)
    ]
    connections = [
        {"name": "landing", "format": "csv", "configure": {"base_path": ".", "read_options": {"inferSchema": True}}},
        {"name": "lake", "format": "delta", "configure": {"base_path": "lake"}},
    ]
    (tmp_path / "a.csv").write_text("id\n1\n")
    document = tmp_path / "many.json"
    document.write_text(json.dumps({"connections": connections, "dataflows": flows}))
    with subprocess.Popen(
        [sys.executable, "-m", "datacoolie", "run", "--workers", "1", str(document)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "succeeded" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, errors = process.stdout.read(), process.stderr.read()
    ended = rest.count(": succeeded, 1 row") + 1
    assert process.returncode == 130
    assert 0 < ended < 150
    assert re.search(rf"^\d+ flows?: {ended} succeeded\b.*; ", rest, re.MULTILINE)
    assert re.search(rf"^error: interrupted; {ended} of 150 flows had finished\.$", errors, re.MULTILINE)
    assert errors.endswith("What was committed stays; run again to load the rest.\n")
    assert "Traceback" not in errors
    again = call("run", str(document))
    assert again.exit_code == 0
    assert re.search(rf"^150 flows: {150 - ended} succeeded, {ended} skipped; ", again.stdout, re.MULTILINE)
