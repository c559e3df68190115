"""A plugin of pytest: says at the end, in one table, which tests were skipped, and what they need."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest import TerminalReporter  # noqa: PT013 - a type


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print the reasons, and how many tests were skipped for each."""
    reports = terminalreporter.stats.get("skipped", [])
    if not reports:
        return
    reasons = Counter(" ".join(report.longrepr[2].removeprefix("Skipped: ").split()) for report in reports)
    terminalreporter.section("skipped")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count:>5}  {reason}")
