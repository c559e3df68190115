"""The wheels as users get them: built, looked into, and installed into empty environments.

`DATACOOLIE_PYTHONS="python3.11 python3.12"` installs every extra alone, on each of these interpreters.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from packaging.requirements import Requirement

from tools.check.imports import HEAVIER, HEAVY
from tools.check.workspace import Package, Workspace

ROOT = Path(__file__).parents[1]
PACKAGES = {package.name: package for package in Workspace(ROOT).packages}
EXTRAS = sorted(map(str, PACKAGES["datacoolie"].table("optional-dependencies")))
PYTHONS = os.environ.get("DATACOOLIE_PYTHONS", "").split()
SDKS = {"azure-identity", "boto3", "databricks-sdk", "deltalake", "hvac", "polars", "pyarrow", "pyiceberg", "pyspark"}
"""Large packages, which an extra only brings when one of its packages asks for them."""

INSTALLED = ["", *(EXTRAS if PYTHONS else ["polars", "all"])]
MATRIX = [(python, extra) for python in PYTHONS or [sys.executable] for extra in INSTALLED]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an sdist of each package, and the wheel that is built from it."""
    return build(tmp_path_factory.mktemp("built"))


def build(folder: Path, *options: str) -> Path:
    common = ["--quiet", "--all-packages", "--no-build-isolation", f"--python={sys.executable}"]
    uv("build", *common, *options, f"--out-dir={folder}", SOURCE_DATE_EPOCH="1700000000")
    return folder


def uv(*arguments: str, **variables: str) -> str:
    command = ["uv", *arguments]
    return subprocess.run(
        command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables}
    ).stdout


def wheel(folder: Path, name: str) -> Path:
    (path,) = folder.glob(f"{name.replace('-', '_')}-[0-9]*.whl")
    return path


def test_an_sdist_and_the_sources_give_the_same_wheel_byte_by_byte(built: Path, tmp_path: Path) -> None:
    again = build(tmp_path, "--wheel")
    for name in PACKAGES:
        assert wheel(again, name).read_bytes() == wheel(built, name).read_bytes(), name


def test_an_index_takes_all_metadata(built: Path) -> None:
    command = [sys.executable, "-m", "twine", "--no-color", "check", "--strict"]
    answer = subprocess.run([*command, *built.glob("datacoolie*")], check=False, capture_output=True, text=True)
    assert (answer.returncode, answer.stdout.count("PASSED")) == (0, 2 * len(PACKAGES)), answer.stdout


@pytest.mark.parametrize("package", PACKAGES.values(), ids=list(PACKAGES))
def test_wheels_hold_code_types_and_licence_but_no_tests(built: Path, package: Package) -> None:
    names = zipfile.ZipFile(wheel(built, package.name)).namelist()
    modules = {path.name for path in package.modules}
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == modules
    assert {f"{module}/{file}" for module in modules for file in ("__init__.py", "py.typed")} <= set(names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert not [name for name in names if re.search(r"(^|/)(tests/|test_[^/]*\.py$|conftest\.py$)", name)]


def closure(extra: str) -> set[str]:
    """Return which of our packages `datacoolie[extra]` brings, as their `pyproject.toml` say."""
    found: set[str] = set()
    waiting = [Requirement(f"datacoolie[{extra}]" if extra else "datacoolie")]
    while waiting:
        asked = waiting.pop()
        package = PACKAGES[asked.name]
        found.add(package.name)
        groups = [
            package.project.get("dependencies", []),
            *map(package.table("optional-dependencies").get, asked.extras),
        ]
        required = [Requirement(str(text)) for group in groups if isinstance(group, list) for text in group]
        waiting += [each for each in required if each.name in PACKAGES]
    return found


@dataclass(frozen=True)
class Environment:
    """An environment that has nothing but `datacoolie[extra]`."""

    extra: str
    folder: Path

    def run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        path = self.folder / ("Scripts" if sys.platform == "win32" else "bin") / program
        return subprocess.run(
            [path, *arguments], check=False, capture_output=True, text=True, cwd=self.folder, timeout=120
        )

    def distributions(self) -> set[str]:
        listed = json.loads(uv("pip", "list", "--quiet", "--format=json", f"--python={self.folder}"))
        return {each["name"] for each in listed}


def install(built: Path, extra: str, folder: Path, python: str = sys.executable) -> Environment:
    """Install what is locked, then our packages from the built wheels and never from an index; they ask for no more."""
    project = ["--package=datacoolie", *([f"--extra={extra}"] if extra else [])]
    only = ["--quiet", "--frozen", "--no-dev", "--no-install-workspace", f"--python={python}"]
    uv("sync", *only, *project, UV_PROJECT_ENVIRONMENT=str(folder))
    environment = Environment(extra, folder)
    locked = environment.distributions()
    (folder / "ours.txt").write_text("".join(f"{name} @ {wheel(built, name).as_uri()}\n" for name in PACKAGES))
    asked = f"datacoolie[{extra}]" if extra else "datacoolie"
    uv("pip", "install", "--quiet", f"--python={folder}", f"--constraint={folder / 'ours.txt'}", asked)
    assert environment.distributions() - set(PACKAGES) == locked
    return environment


@pytest.fixture(
    scope="module", params=MATRIX, ids=lambda param: f"{param[0] if PYTHONS else 'here'}-{param[1] or 'bare'}"
)
def environment(request: pytest.FixtureRequest, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    python, extra = request.param
    return install(built, extra, tmp_path_factory.mktemp("environment"), python)


@pytest.mark.parametrize("extra", EXTRAS)
def test_each_extra_brings_what_it_names_and_no_sdk_of_others(built: Path, tmp_path: Path, extra: str) -> None:
    brought = install(built, extra, tmp_path).distributions()
    assert brought & set(PACKAGES) == closure(extra)
    asked = {Requirement(text).name for name in closure(extra) for text in PACKAGES[name].requirements()}
    assert brought & (SDKS - asked) == set()


def test_installed_wheels_have_plugins_in_good_health(environment: Environment) -> None:
    answer = environment.run("datacoolie", "plugins", "--json")
    plugins = [json.loads(line) for line in answer.stdout.splitlines()]
    expected = {
        (group.removeprefix("datacoolie.").removesuffix("s"), name, package.name, package.project["version"])
        for package in map(PACKAGES.__getitem__, closure(environment.extra))
        for group, points in package.table("entry-points").items()
        for name in (points if isinstance(points, dict) else ())
    }
    found = {(each["kind"], each["name"], each["distribution"], each["version"]) for each in plugins}
    assert found == expected
    # One that lacks an SDK, which some runtimes bring themselves, says how to get it.
    broken = {each["name"]: each["error"] for each in plugins if each["error"]}
    assert [error for error in broken.values() if 'pip install "datacoolie-' not in error] == []
    assert answer.returncode == (1 if broken else 0)
    assert not broken.keys() & {"polars", "local", "file", "env"}


def test_installed_wheels_run_a_document(environment: Environment) -> None:
    project = environment.folder / "project"
    assert environment.run("datacoolie", "init", project).returncode == 0
    answer = environment.run("datacoolie", "run", project, "--json")
    if "datacoolie-engine-polars" not in closure(environment.extra):
        assert answer.returncode == 2
        assert re.search(
            r"No engine is called 'polars'.*pip install \"datacoolie\[polars\]\"\.$", answer.stderr.strip()
        )
        return
    assert answer.returncode == 0, answer.stderr
    orders = pl.read_delta(str(project / "lakehouse" / "orders"))
    assert orders.sort("order_id")["amount"].cast(pl.String).head(3).to_list() == ["349.00", "89.90", "27.00"]
    again = environment.run("datacoolie", "run", project, "--json")
    assert {json.loads(line)["status"] for line in again.stdout.splitlines()} == {"skipped"}


def test_importing_installed_wheels_stays_light(environment: Environment) -> None:
    answer = environment.run("python", "-c", "import sys, datacoolie; print(datacoolie.__file__, *sys.modules)")
    file, *modules = answer.stdout.split()
    assert Path(file).is_relative_to(environment.folder)
    assert set(modules) & {*HEAVY, *HEAVIER} == set()


DOCUMENT = """
connections:
  - {name: files, format: csv, configure: {base_path: data, read_options: {header: true}}}
  - {name: sheets, format: excel, configure: {base_path: data}}
  - {name: lake, format: delta, configure: {base_path: lake}}
  - name: ice
    format: iceberg
    database: db
    configure: {catalog_options: {type: sql, uri: "sqlite:///c.db", warehouse: w}}
dataflows:
  - {name: to_iceberg, source: {connection_name: files, table: a.csv}, destination: {connection_name: ice, table: a}}
  - {name: from_excel, source: {connection_name: sheets, table: a.xlsx}, destination: {connection_name: lake, table: a}}
"""


@pytest.mark.parametrize("environment", [each for each in MATRIX if each[1] == "polars"], indirect=True, ids=str)
def test_formats_without_their_extra_say_which(environment: Environment) -> None:
    (environment.folder / "data").mkdir()
    for name in ("a.csv", "a.xlsx"):
        (environment.folder / "data" / name).write_text("id\n1\n")
    (environment.folder / "it.yaml").write_text(DOCUMENT)
    answer = environment.run("datacoolie", "run", "it.yaml", "--json")
    records = map(json.loads, answer.stdout.splitlines())
    assert {record["flow"]: re.findall(r"[\w-]+\[\w+\]", record["error"]["message"]) for record in records} == {
        "from_excel": ["datacoolie-core[excel]"],
        "to_iceberg": ["datacoolie-engine-polars[iceberg]"],
    }
