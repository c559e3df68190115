"""Plugins of other people: packages that are installed, found by their entry points, and run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tools.markdown import code_blocks

ROOT = Path(__file__).parents[1]
ACME = ROOT / "tests" / "plugins" / "datacoolie-acme"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of packages to which everything here is installed."""
    return tmp_path_factory.mktemp("site")


def install(package: Path, site: Path) -> None:
    offline = ["--no-deps", "--no-build-isolation", "--no-config"]
    command = ["uv", "pip", "install", "--quiet", *offline, f"--python={sys.executable}", f"--target={site}"]
    subprocess.run([*command, str(package)], check=True)


def run(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        timeout=300,
    )


TAGGED = {"acme_tags": {"team": "sales"}}


def document(rows: int, secrets: str = "acme:secrets.json", **flow: object) -> str:
    options = {"rows": rows, "token": "door"}
    return json.dumps(
        {
            "connections": [
                {
                    "name": "numbers",
                    "connection_type": "plugin",
                    "configure": {"plugin": "acme_numbers", "options": options},
                    "secrets_ref": {secrets: ["options.token"]},
                },
                {"name": "lake", "format": "delta", "configure": {"base_path": "lake"}},
            ],
            "dataflows": [
                {
                    "name": "numbers",
                    "source": {"connection_name": "numbers", "table": "all", "watermark_columns": ["id"]},
                    "transform": {"system_columns": False},
                    "destination": {"connection_name": "lake", "table": "numbers"},
                    "configure": TAGGED,
                    **flow,
                }
            ],
        }
    )


def test_source_resolver_and_transformer_of_another_package_load_what_is_new(site: Path, tmp_path: Path) -> None:
    install(ACME, site)
    (tmp_path / "secrets.json").write_text('{"door": "open sesame"}')
    for rows, status in ((2, "succeeded"), (3, "succeeded"), (3, "skipped")):
        (tmp_path / "it.yaml").write_text(document(rows))
        answer = run(site, tmp_path, "datacoolie", "run", "it.yaml", "--json")
        assert json.loads(answer.stdout)["status"] == status, answer.stdout
    table = pl.read_delta(str(tmp_path / "lake" / "numbers")).sort("id")
    assert table.rows() == [(1, "sales"), (2, "sales"), (3, "sales")]
    (tmp_path / "secrets.json").write_text('{"door": "open barley"}')
    (tmp_path / "it.yaml").write_text(document(4))
    answer = run(site, tmp_path, "datacoolie", "run", "it.yaml", "--json")
    assert "numbers of numbers: the token '***' is wrong" in json.loads(answer.stdout)["error"]["message"]
    assert "barley" not in answer.stdout + answer.stderr
    listed = run(site, tmp_path, "datacoolie", "plugins", "--json").stdout.splitlines()
    found = {(each := json.loads(line))["name"]: (each["version"], each["error"]) for line in listed}
    assert {name: found[name] for name in found if name.startswith("acme")} == {
        "acme": ("2.5.0", None),
        "acme_numbers": ("2.5.0", None),
        "acme_tags": ("2.5.0", None),
    }


GUIDE = """
import datacoolie
from numbers_source import NumbersSource
from upper_transformer import UpperTransformer

datacoolie.source_registry.register("acme_numbers", NumbersSource)
datacoolie.transformer_registry.register("acme_upper", UpperTransformer)
print(*(record.status for record in datacoolie.Project.load("it.yaml").run()))
"""


def test_the_source_and_the_transformer_of_the_guide_work(tmp_path: Path) -> None:
    for block in code_blocks((ROOT / "docs/how-to/own-plugin.md").read_text(encoding="utf-8")):
        if block.language == "python" and "Suite" not in block.text:
            (tmp_path / block.text.splitlines()[0].removeprefix("# ")).write_text(block.text)
    (tmp_path / "guide.py").write_text(GUIDE)
    text = {"column": "id_text", "expression": "concat('n', cast(id as string))"}
    transform = {"additional_columns": [text], "system_columns": False}
    for rows in (1, 3):
        flow = document(rows, "env:", transform=transform, configure={"acme_upper": ["ID_TEXT"]})
        (tmp_path / "it.yaml").write_text(flow)
        answer = subprocess.run(
            [sys.executable, "guide.py"],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "door": "x"},
        )
        assert answer.stdout == "succeeded\n", answer.stderr
    table = pl.read_delta(str(tmp_path / "lake" / "numbers")).sort("id")
    assert table.rows() == [(1, "N1"), (2, "N2"), (3, "N3")]


def test_a_plugin_that_is_not_installed_is_named(tmp_path: Path) -> None:
    (tmp_path / "it.yaml").write_text(document(1, "env:"))
    answer = run(tmp_path, tmp_path, "datacoolie", "run", "it.yaml")
    assert answer.returncode == 2
    assert answer.stderr.startswith(
        "error: [ConfigurationError] numbers: No source is called 'acme_numbers'. Installed: "
    )


@pytest.mark.parametrize("kind", ["resolver", "source", "transformer"])
def test_what_init_makes_can_be_installed_and_passes_its_own_tests(site: Path, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / f"datacoolie-my-{kind}"
    answer = run(site, tmp_path, "datacoolie", "init", "--plugin", kind, folder.name)
    assert answer.stdout.splitlines()[-1] == (
        f"made 5 files. Next: cd {folder.name} && pip install -e '.[test]' && pytest"
    )
    install(folder, site)
    tested = run(site, folder, "pytest", "-q", "-p", "no:cacheprovider")
    assert tested.returncode == 0, tested.stdout
    listed = run(site, tmp_path, "datacoolie", "plugins", "--json").stdout.splitlines()
    (found,) = (each for line in listed if (each := json.loads(line))["name"] == f"my_{kind}")
    assert (found["kind"], found["distribution"], found["error"]) == (kind, folder.name, None)


def test_a_package_can_not_have_every_name(tmp_path: Path) -> None:
    answer = run(tmp_path, tmp_path, "datacoolie", "init", "--plugin", "source", "My_Plugin")
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: [ConfigurationError] 'My_Plugin' can't be the name of a package. ")
    assert list(tmp_path.iterdir()) == []
