"""The vectors that are committed are those of the cases that are committed."""

from __future__ import annotations

import pytest

from datacoolie.sql.vectors import THEMES, vectors
from tools.vectors.cases import THEMES as CASES


def test_every_theme_has_a_file() -> None:
    assert sorted(CASES) == sorted(THEMES)


@pytest.mark.parametrize("theme", THEMES)
def test_a_changed_case_needs_new_vectors(theme: str) -> None:
    expected = [(expression, len(case_set.rows)) for case_set in CASES[theme] for expression in case_set.expressions]
    assert [(vector.expression, len(vector.rows)) for vector in vectors(theme)] == expected
