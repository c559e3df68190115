"""All case sets, by theme; a theme becomes one file of vectors."""

from __future__ import annotations

from tools.vectors.cases import aggregates, casts, conditional, dates, hashing, maths, operators, patterns, strings

THEMES = {
    "operators": operators.CASES,
    "conditional": conditional.CASES,
    "maths": maths.CASES,
    "strings": strings.CASES,
    "patterns": patterns.CASES,
    "dates": dates.CASES,
    "hashing": hashing.CASES,
    "casts": casts.CASES,
    "aggregates": aggregates.CASES,
}
"""Case sets by the name of their file."""
