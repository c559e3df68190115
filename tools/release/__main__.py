"""`python -m tools.release plan | prepare | check | build | tag`: release one distribution."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from packaging.version import Version

from tools.check.workspace import Workspace
from tools.release.distributions import build, check, check_source
from tools.release.model import ReleaseError, Steps, find_package, tag_of
from tools.release.prepare import plan, prepare


def main(arguments: list[str] | None = None) -> int:
    """Do what is asked; 0 when all is well, 1 when a release can't go on."""
    options, pytest = _parser().parse_known_args(arguments)
    workspace = Workspace(options.root.resolve())
    try:
        if options.action == "plan":
            print("\n".join(plan(workspace)) or "nothing is due: no package has fragments")
        else:
            _act(workspace, options, pytest)
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[2], help="the repository")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("plan", help="list what is due, with versions and what depends on it")
    one = argparse.ArgumentParser(add_help=False)
    one.add_argument("--dry-run", action="store_true", help="only say what would be done")
    one.add_argument("distribution", metavar="DIST", help="a package, or the tag of its version")
    preparing = actions.add_parser("prepare", parents=[one], help="write version, changelog, ranges and lock")
    preparing.add_argument("--version", type=Version, help="another one than follows from the fragments, such as 1.0.0")
    actions.add_parser("check", parents=[one], help="look whether it can be released; more arguments go to pytest")
    building = actions.add_parser("build", parents=[one], help="build sdist, wheel, bill of materials and checksums")
    building.add_argument("--out", type=Path, default=Path("dist"), help="the folder, by default dist")
    actions.add_parser("tag", parents=[one], help="tag the commit, once it is ready")
    return parser


def _act(workspace: Workspace, options: argparse.Namespace, pytest: list[str]) -> None:
    package = find_package(workspace, options.distribution)
    steps = Steps(root=workspace.root, dry_run=options.dry_run)
    match options.action:
        case "prepare":
            prepare(workspace, package, steps, options.version)
        case "check":
            check(workspace, package, steps, pytest)
        case "build":
            build(workspace, package, steps, workspace.root / options.out)
        case _:
            check_source(workspace, package)
            steps.run("git", "tag", "--annotate", f"--message={tag_of(package)}", tag_of(package))


if __name__ == "__main__":
    sys.exit(main())
