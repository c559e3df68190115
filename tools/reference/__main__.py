"""`python -m tools.reference`: write the generated pages; `python -m tools.check reference` compares them."""

from __future__ import annotations

from pathlib import Path

from tools.reference.pages import PAGES


def main(root: Path = Path(__file__).parents[2]) -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (root / "docs" / "reference" / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
