"""Words that must not be committed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tools.check.workspace import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.check.workspace import Workspace

EXEMPT = frozenset({"uv.lock", "tools/check/words.py", "tools/tests/test_check_words.py"})
"""Files that name such words by nature."""

FORBIDDEN = {
    "an unfinished thing": r"\b(?:TODO|FIXME|HACK)\b",
    "the host of a registry": r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.org|crates\.io|repo1?\.maven)",
    "a path of one machine": r"(?<![\w.}/-])/(?:work|root|home/\w+|Users/\w+|opt/wheels|tmp/bash\w*)/|\.pyenv\b",
    "an unresolved conflict": r"^(?:<{7}|>{7}) ",
}
"""What is forbidden, by what it is."""


def check_words(workspace: Workspace) -> Iterator[Finding]:
    """Look for forbidden words in all text files."""
    for name in workspace.files:
        if name not in EXEMPT and (text := workspace.text(name)) is not None:
            for what, pattern in FORBIDDEN.items():
                for match in re.finditer(pattern, text, re.MULTILINE):
                    yield Finding(name, text.count("\n", 0, match.start()) + 1, f"{match[0].strip()!r} is {what}")
