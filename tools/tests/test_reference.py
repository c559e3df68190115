from __future__ import annotations

from typing import TYPE_CHECKING

from tools.reference import __main__ as reference
from tools.reference.functions import page

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_page_names_functions_with_aliases_and_escapes_bars() -> None:
    text = page()
    assert "| `coalesce(" in text
    assert "`nvl" in text
    assert "`a || b`" not in text


def test_the_committed_page_is_current() -> None:
    assert reference.main(["--check"]) == 0


def test_a_page_that_is_out_of_date_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "FOLDER", tmp_path)
    assert reference.main(["--check"]) == 1
    assert "out of date" in capsys.readouterr().out
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
