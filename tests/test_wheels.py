"""The wheels as users get them: built, looked into, and installed into an empty environment."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    options = ["--quiet", "--all-packages", "--wheel", "--no-build-isolation", f"--python={sys.executable}"]
    uv("build", *options, f"--out-dir={folder}")
    return folder


def wheel(folder: Path, distribution: str) -> Path:
    (path,) = folder.glob(f"{distribution}-[0-9]*.whl")
    return path


def contents(folder: Path, distribution: str) -> list[str]:
    return zipfile.ZipFile(wheel(folder, distribution)).namelist()


@pytest.mark.parametrize(
    ("distribution", "module"),
    [
        ("datacoolie_core", "datacoolie"),
        ("datacoolie_engine_polars", "datacoolie_engine_polars"),
        ("datacoolie_engine_spark", "datacoolie_engine_spark"),
        ("datacoolie_platform_aws", "datacoolie_platform_aws"),
        ("datacoolie_resolver_vault", "datacoolie_resolver_vault"),
    ],
)
def test_wheels_hold_code_types_and_licence_but_no_tests(wheels: Path, distribution: str, module: str) -> None:
    names = contents(wheels, distribution)
    assert f"{module}/__init__.py" in names
    assert f"{module}/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {module, distribution}
    assert not [
        name for name in names if Path(name).stem.startswith(("test_", "conftest")) or "tests" in Path(name).parts
    ]


def test_the_distribution_for_users_has_no_code(wheels: Path) -> None:
    names = contents(wheels, "datacoolie")
    assert {Path(name).parts[0].rpartition(".")[2] for name in names} == {"dist-info"}


def test_installed_wheels_run(wheels: Path, tmp_path: Path) -> None:
    """Here the ranges between the packages count, and nothing of the repository is on the path."""
    environment = tmp_path / "environment"
    uv("venv", "--quiet", f"--python={sys.executable}", str(environment))
    scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")
    locked = tmp_path / "locked.txt"
    uv("export", "--quiet", "--frozen", "--no-emit-workspace", "--no-hashes", f"--output-file={locked}")
    # By path, all of them: a package of that name on an index is never asked for.
    ours = {path.name.split("-")[0]: path.as_uri() for path in wheels.glob("*.whl")}
    named = [f"{name.replace('_', '-')}{'[all]' * (name == 'datacoolie')} @ {uri}" for name, uri in ours.items()]
    uv("pip", "install", "--quiet", f"--python={scripts / 'python'}", f"--constraint={locked}", *named)
    answer = subprocess.run(
        [scripts / "datacoolie", "plugins"], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert "polars" in answer.stdout
    assert "spark" in answer.stdout


def uv(*arguments: str) -> None:
    subprocess.run(["uv", *arguments], check=True, cwd=ROOT)
