"""Ask a real Spark for the value of every case and write the vectors.

uv run python -m tools.vectors            # all themes; needs Java 17
uv run python -m tools.vectors dates      # one theme
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tools.vectors.cases import THEMES
from tools.vectors.spark import Json, Spark

FOLDER = Path(__file__).parents[2] / "packages/datacoolie-core/src/datacoolie/sql/vectors"


def main(themes: list[str]) -> None:
    """Write one JSON file per theme."""
    spark = Spark()
    FOLDER.mkdir(exist_ok=True)
    for theme in themes or THEMES:
        sets = [spark.answer(case_set, aggregates=theme == "aggregates") for case_set in THEMES[theme]]
        lines = ",\n".join(_set_text(head, cases) for head, cases in sets)
        (FOLDER / f"{theme}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        print(f"{theme}: {sum(len(cases) for _, cases in sets)} expressions")


def _set_text(head: dict[str, Json], cases: list[Json]) -> str:
    """Write a case set with one line per expression, so that a change shows as one line."""
    lines = ",\n".join(json.dumps(case) for case in cases)
    return f'{json.dumps(head)[:-1]}, "cases": [\n{lines}\n]}}'


if __name__ == "__main__":
    main(sys.argv[1:])
