"""Conventions of the code that linters don't know."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tools.check.workspace import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tools.check.workspace import Workspace

MODULE_LINES = 400
FUNCTION_LINES = 60

BROAD_HANDLERS: Mapping[str, int] = {
    "packages/datacoolie-core/src/datacoolie/cli/app.py": 1,  # the last resort: one line instead of a traceback
}
"""How many `except Exception` that don't raise a file may have. This list only shrinks."""

DEPRECATION = re.compile(r"since \d+\.\d+.*; (use|write) .+", re.DOTALL)
"""What a deprecation says: the version, and what takes the place."""

_BROAD = frozenset({"Exception", "BaseException"})


def check_code(workspace: Workspace) -> Iterator[Finding]:
    """Look at sizes of modules and functions (not of tests), handlers that swallow everything, and deprecations."""
    for name in workspace.files:
        if not name.endswith(".py"):
            continue
        text = (workspace.root / name).read_text(encoding="utf-8")
        is_test = name.rpartition("/")[2].startswith("test_")
        if not is_test and (lines := len(text.splitlines())) > MODULE_LINES:
            yield Finding(name, MODULE_LINES, f"the module has {lines} lines, at most {MODULE_LINES} are allowed")
        try:
            tree = ast.parse(text)
        except SyntaxError as error:
            yield Finding(name, error.lineno or 1, f"is not Python: {error.msg}")
            continue
        if not is_test:
            yield from _long_functions(name, tree)
        yield from _broad_handlers(name, tree)
        yield from _deprecations(name, tree)


def _long_functions(name: str, tree: ast.AST) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                message = f"{node.name} has {lines} lines, at most {FUNCTION_LINES} are allowed"
                yield Finding(name, node.lineno, message)


def _broad_handlers(name: str, tree: ast.AST) -> Iterator[Finding]:
    handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and _is_broad(node)]
    allowed = BROAD_HANDLERS.get(name, 0)
    for handler in handlers[allowed:]:
        yield Finding(name, handler.lineno, "swallows every exception; name those that can happen")
    if len(handlers) < allowed:
        yield Finding(name, 1, f"has {len(handlers)} broad handlers, BROAD_HANDLERS says {allowed}: lower it")


def _is_broad(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler swallows everything; one that ends with `raise` cleans up or translates."""
    if isinstance(handler.body[-1], ast.Raise):
        return False
    caught = ast.walk(handler.type) if handler.type else [ast.Name("Exception")]
    return any(isinstance(node, ast.Name) and node.id in _BROAD for node in caught)


def _deprecations(name: str, tree: ast.AST) -> Iterator[Finding]:
    """Look at `@deprecated("...")` and at `warn("...", DeprecationWarning)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _deprecates(node):
            texts = (part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant))
            if not DEPRECATION.search("".join(map(str, texts))):
                message = "a deprecation says `since VERSION` and `; use REPLACEMENT`"
                yield Finding(name, node.lineno, message)


def _deprecates(call: ast.Call) -> bool:
    function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    warned = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
    return function == "deprecated" or (
        function == "warn" and any(isinstance(each, ast.Name) and each.id == "DeprecationWarning" for each in warned)
    )
