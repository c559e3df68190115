from __future__ import annotations

import subprocess
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tools.check import code
from tools.check.__main__ import CHECKS, main

if TYPE_CHECKING:
    from tools.check.workspace import Workspace

CORE = "packages/datacoolie-core"
INIT = f"{CORE}/src/datacoolie/__init__.py"


def write(workspace: Workspace, name: str, text: str) -> None:
    path = workspace.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def replace(workspace: Workspace, name: str, old: str, new: str) -> None:
    text = (workspace.root / name).read_text(encoding="utf-8")
    assert old in text
    write(workspace, name, text.replace(old, new))


def found(check: str, workspace: Workspace) -> list[str]:
    return [str(finding) for finding in CHECKS[check](workspace)]


@pytest.mark.parametrize("check", CHECKS)
def test_nothing_is_found_where_nothing_is_wrong(check: str, workspace: Workspace) -> None:
    assert found(check, workspace) == []


def test_ranges_between_packages_follow_their_versions(workspace: Workspace) -> None:
    replace(workspace, f"{CORE}/pyproject.toml", '"0.3.1"', '"0.4.0"')
    assert found("ranges", workspace) == [
        (
            "packages/one/pyproject.toml:4: datacoolie-core<0.4,>=0.3 is not the range of datacoolie-core 0.4.0: "
            "expected >=0.4,<0.5"
        )
    ]


def test_ranges_after_1_0_end_at_the_next_major(workspace: Workspace) -> None:
    replace(workspace, f"{CORE}/pyproject.toml", '"0.3.1"', '"1.2.0"')
    replace(workspace, "packages/one/pyproject.toml", ">=0.3,<0.4", ">=1.2,<2")
    assert found("ranges", workspace) == []


def test_ranges_of_others_have_two_bounds(workspace: Workspace) -> None:
    replace(workspace, "packages/one/pyproject.toml", "polars>=2,<3", "polars>=2")
    assert found("ranges", workspace) == [
        "packages/one/pyproject.toml:6: polars>=2 needs a lower and an upper bound: >=oldest,<next major"
    ]


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ('[project.scripts]\ntree = "json:nothing"', "tree does not load: module 'json' has no attribute 'nothing'"),
        ('[project.scripts]\ntree = "no_module:it"', "tree does not load: No module named 'no_module'"),
        ('[project.scripts]\ntree = "string:digits"', "tree can't be called"),
        (
            '[project.entry-points."datacoolie.engines"]\nx = "json:JSONDecoder"',
            "x is not a BaseEngine",
        ),
        (
            '[project.entry-points."datacoolie.engine"]\nx = "json:JSONDecoder"',
            "x is in datacoolie.engine, which no registry reads",
        ),
    ],
)
def test_entry_points_load_and_fulfil_their_contract(workspace: Workspace, point: str, message: str) -> None:
    replace(workspace, f"{CORE}/pyproject.toml", '[project.scripts]\ntree = "json:loads"', point)
    assert found("entry-points", workspace) == [f"{CORE}/pyproject.toml:6: entry point {message}"]


def test_plugins_beside_core_state_their_contract(workspace: Workspace) -> None:
    plugin = '\n[project.entry-points."datacoolie.resolvers"]\nx = "datacoolie.core.secret_resolver:EnvResolver"\n'
    write(workspace, "packages/one/pyproject.toml", (workspace.text("packages/one/pyproject.toml") or "") + plugin)
    assert found("entry-points", workspace) == [
        "packages/one/pyproject.toml:10: entry point x does not state its contract_version"
    ]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("uv run no-such-command", "no-such-command is not a command of the development environment"),
        ("uv run pytest tests/none", "tests/none is not there"),
        ("CI=1 python -m no_such_module", "there is no module no_such_module"),
        ("uv run --quiet datacoolie no-such-command", "datacoolie no-such-command fails: "),
        ("datacoolie run examples --no-such-option", "datacoolie run has no option --no-such-option"),
        ("git status && made-up", "made-up is not a command of the development environment"),
    ],
)
def test_commands_that_do_not_exist(workspace: Workspace, command: str, message: str) -> None:
    write(workspace, "docs/how.md", f"Text.\n\n```bash\n{command}\n```\n")
    (finding,) = found("commands", workspace)
    assert finding.startswith(f"docs/how.md:4: {message}")


def test_commands_over_several_lines_are_read_as_one(workspace: Workspace) -> None:
    write(workspace, "docs/how.md", "```console\n$ uv run pytest \\\n    packages/none\nno output of ours\n```\n")
    assert found("commands", workspace) == ["docs/how.md:2: packages/none is not there"]


def test_code_blocks_of_other_languages_are_not_commands(workspace: Workspace) -> None:
    write(workspace, "docs/how.md", "```python\nmade_up()\n```\n")
    assert found("commands", workspace) == []


def test_links_that_lead_nowhere(workspace: Workspace) -> None:
    write(workspace, "docs/how.md", "See [this](../README.md) and\n[that](that.md#part).\n")
    assert found("commands", workspace) == ["docs/how.md:2: that.md is not there"]


@pytest.mark.parametrize("name", ["notes.md", "+slug.feature.md", "+Slug.added.md", "12.added.rst"])
def test_fragments_with_wrong_names(workspace: Workspace, name: str) -> None:
    write(workspace, f"packages/one/changes/{name}", "Text.\n")
    assert found("fragments", workspace) == [
        (
            f"packages/one/changes/{name}:1: not a fragment's name; "
            "expected NUMBER.TYPE.md or +slug.TYPE.md, TYPE one of added, fixed"
        )
    ]


def test_fragments_that_are_empty(workspace: Workspace) -> None:
    write(workspace, "packages/one/changes/8.added.md", "\n")
    assert found("fragments", workspace) == ["packages/one/changes/8.added.md:1: the fragment is empty"]


def test_fragments_are_needed_for_what_changed_since_the_release(workspace: Workspace) -> None:
    (workspace.root / "packages/one/changes/7.fixed.md").unlink()
    missing = "packages/one/changes:1: one changed since its last release without a fragment in changes/"
    assert found("fragments", workspace) == [missing]
    workspace.git("tag", "one-v0.2.0")
    assert found("fragments", workspace) == []
    replace(workspace, "packages/one/README.md", "# one", "# One")
    assert found("fragments", workspace) == []
    replace(workspace, "packages/one/pyproject.toml", "pyarrow>=21", "pyarrow>=22")
    assert found("fragments", workspace) == [missing]


@pytest.mark.parametrize("module", ["yaml", "click"])
def test_imports_of_heavy_modules(workspace: Workspace, module: str) -> None:
    write(workspace, INIT, f"import {module}\n")
    assert found("imports", workspace) == [f"{INIT}:1: import datacoolie brings {module} along"]


def test_imports_that_fail_are_not_passed_over(workspace: Workspace) -> None:
    write(workspace, INIT, "import no_such_module\n")
    with pytest.raises(subprocess.CalledProcessError):
        found("imports", workspace)


@pytest.mark.parametrize("name", ["LICENSE", "README.md", "CHANGELOG.md", "src/datacoolie/py.typed"])
def test_layout_without_a_required_file(workspace: Workspace, name: str) -> None:
    (workspace.root / CORE / name).unlink()
    assert found("layout", workspace) == [f"{CORE}/{name}:1: is missing"]


def test_layout_with_another_licence(workspace: Workspace) -> None:
    write(workspace, f"{CORE}/LICENSE", "another licence\n")
    assert found("layout", workspace) == [f"{CORE}/LICENSE:1: differs from the LICENSE of the root"]


def test_layout_with_two_decisions_of_one_number(workspace: Workspace) -> None:
    for name in ("0001-one.md", "0002-other.md", "0002-third.md"):
        workspace.root.joinpath("docs/adr").mkdir(parents=True, exist_ok=True)
        workspace.root.joinpath("docs/adr", name).write_text("# A decision")
    assert found("layout", workspace) == [
        "docs/adr/0002-third.md:1: has the number of 0002-other.md; take the next one that is free"
    ]


@pytest.mark.parametrize("name", ["test_it.py", "tests/it.py", "conftest.py"])
def test_layout_with_tests_that_would_be_installed(workspace: Workspace, name: str) -> None:
    write(workspace, f"{CORE}/src/datacoolie/{name}", "")
    assert found("layout", workspace) == [
        f"{CORE}/src/datacoolie/{name}:1: a test would be installed; tests are beside src, not in it"
    ]


def test_code_of_too_many_lines(workspace: Workspace) -> None:
    body = "    x = 1\n" * 60
    write(workspace, INIT, f"\n\ndef long():\n{body}" + "x = 1\n" * 338)
    assert found("code", workspace) == [
        f"{INIT}:400: the module has 401 lines, at most 400 are allowed",
        f"{INIT}:3: long has 61 lines, at most 60 are allowed",
    ]


def test_code_that_is_not_python(workspace: Workspace) -> None:
    write(workspace, INIT, "x = 1\n  y = 2\n")
    assert found("code", workspace) == [f"{INIT}:2: is not Python: unexpected indent"]


BROAD = """
    try:
        pass
    except {}:
        {}
"""


@pytest.mark.parametrize("caught", ["", "Exception", "BaseException as error", "(ValueError, Exception)"])
def test_code_that_swallows_every_exception(workspace: Workspace, caught: str) -> None:
    write(workspace, INIT, dedent(BROAD).format(caught, "pass").replace("except :", "except:"))
    assert found("code", workspace) == [f"{INIT}:4: swallows every exception; name those that can happen"]


@pytest.mark.parametrize(
    ("caught", "body"), [("ValueError", "pass"), ("BaseException", "raise"), ("Exception as e", "raise OSError from e")]
)
def test_code_that_cleans_up_or_translates(workspace: Workspace, caught: str, body: str) -> None:
    write(workspace, INIT, dedent(BROAD).format(caught, body))
    assert found("code", workspace) == []


@pytest.mark.parametrize(
    "call", ['deprecated("old is deprecated")', 'warnings.warn(f"{x} is old since 0.3", category=DeprecationWarning)']
)
def test_deprecations_without_version_or_replacement(workspace: Workspace, call: str) -> None:
    write(workspace, INIT, f"{call}\nwarn('Just so')\ndeprecated('old is deprecated since 0.3; use new')\n")
    assert found("code", workspace) == [f"{INIT}:1: a deprecation says `since VERSION` and `; use REPLACEMENT`"]


API = """
__all__ = ["Public", "function"]


class Public:
    def method(self, x, *, y=1): ...


def function(a, b=2): ...


def internal(a): ...
"""


def test_public_names_that_broke_since_the_release(workspace: Workspace) -> None:
    write(workspace, INIT, API)
    workspace.git("add", ".")
    workspace.git("-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "--quiet", "--message=Names")
    workspace.git("tag", "datacoolie-core-v0.3.1")
    write(workspace, INIT, API.replace("y=1", "y=1, z=2").replace("b=2", "b=2, c=3").replace("internal", "other"))
    assert found("api", workspace) == []
    write(workspace, INIT, API.replace("y=1", "z=1").replace("def function(a, b=2)", "def function(a, b)"))
    since = "since datacoolie-core-v0.3.1, and no fragment of type breaking says so"
    assert found("api", workspace) == [
        f"{INIT}:1: Public.method(y): Parameter was removed {since}",
        f"{INIT}:1: function(b): Parameter is now required {since}",
    ]
    write(workspace, INIT, API.replace('"Public", ', "").replace("class Public", "class Other"))
    assert found("api", workspace) == [f"{INIT}:1: Public: Public object was removed {since}"]
    write(workspace, f"{CORE}/changes/+it.breaking.md", "Public is Other.\n")
    assert found("api", workspace) == []


def test_code_has_as_many_broad_handlers_as_listed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    write(workspace, INIT, dedent(BROAD).format("Exception", "pass"))
    monkeypatch.setattr(code, "BROAD_HANDLERS", {INIT: 1})
    assert found("code", workspace) == []
    monkeypatch.setattr(code, "BROAD_HANDLERS", {INIT: 2})
    assert found("code", workspace) == [f"{INIT}:1: has 1 broad handlers, BROAD_HANDLERS says 2: lower it"]


def test_main_prints_the_findings_and_fails(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layout", "ranges", "--root", str(workspace.root)]) == 0
    assert capsys.readouterr().out == "checks: 2, files: 15, findings: 0\n"
    (workspace.root / CORE / "LICENSE").unlink()
    assert main(["layout", "--root", str(workspace.root)]) == 1
    assert capsys.readouterr().out == (f"{CORE}/LICENSE:1: is missing [layout]\nchecks: 1, files: 14, findings: 1\n")


def test_main_refuses_an_unknown_check(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["layouts", "--root", str(workspace.root)])
    assert "no check is called layouts; there are: api, code, commands" in capsys.readouterr().err
