"""Tables of text: what the results of a run and of a plan look like, in a terminal, a pipe and a notebook.

A table is made of text only. Its `lines` are spans of text with the name of a style, which a terminal may show.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, TypeAlias

from datacoolie.core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TEXT_WIDTH = 100
"""Columns of text that `str()` of a result takes at most, as far as its content allows."""

Span: TypeAlias = tuple[str, str]
"""Text, and the style in which a terminal shows it (words that rich knows: `bold`, `dim`, `green`, ...)."""

_GAP = "  "
_SHORTEST_NAME = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        title: its heading.
        right: whether its cells end at the right, as numbers do.
        detail: whether it goes below the row where the table is too wide.
        label: what stands before a detail there.
    """

    title: str
    right: bool = False
    detail: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table.

    Attributes:
        cells: text by title of the column; what is missing stays empty.
        note: text that takes the place of all cells after the second one; empty for a row of cells.
        style: style of the second cell.
    """

    cells: dict[str, str]
    note: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns. The first column is the name of the row."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def lines(self, width: int | None = None) -> list[list[Span]]:
        """Lay the table out; columns that are empty in every row are left out.

        Args:
            width: where the table is wider than this, details go below their row and long names lose their middle.
        """
        columns = [column for column in self.columns if any(row.cells.get(column.title) for row in self.rows)]
        widths = self._widths(columns)
        details: list[Column] = []
        if width is not None and _total(widths.values()) > width:
            details = [column for column in columns if column.detail]
            columns = [column for column in columns if not column.detail]
            excess = _total(widths[column.title] for column in columns) - width
            if excess > 0:
                name = columns[0].title
                widths[name] = max(widths[name] - excess, _SHORTEST_NAME)
        lines = [_heading(columns, widths)]
        for row in self.rows:
            lines.append(_line(row, columns, widths))
            lines += [[(text, "dim")] for text in _below(row, details, width)]
        return lines

    def text(self, width: int | None = None) -> str:
        """Return the lines without styles."""
        return as_text(self.lines(width))

    def html(self) -> str:
        """Return the table as HTML, for notebooks."""
        columns = [column for column in self.columns if any(row.cells.get(column.title) for row in self.rows)]
        head = "".join(_cell("th", column, column.title) for column in columns)
        body = "".join(f"<tr>{_html_cells(row, columns)}</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _widths(self, columns: Sequence[Column]) -> dict[str, int]:
        """Return how wide each column has to be."""
        return {
            column.title: max(len(column.title), *(len(row.cells.get(column.title, "")) for row in self.rows))
            for column in columns
        }


def as_text(lines: Iterable[Sequence[Span]]) -> str:
    """Join lines of spans to text without styles and without trailing spaces."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def to_html(table: Table, remarks: Iterable[str]) -> str:
    """Return a table and what is said below it as HTML, for notebooks."""
    return table.html() + "".join(f'<pre style="white-space: pre-wrap">{escape(remark)}</pre>' for remark in remarks)


def clean(cells: dict[str, str]) -> dict[str, str]:
    """Return cells of a row that can be printed: each one line, without secrets."""
    return {title: " ".join(redact(text).split()) for title, text in cells.items()}


def _total(widths: Iterable[int]) -> int:
    sizes = list(widths)
    return sum(sizes) + len(_GAP) * (len(sizes) - 1)


def _heading(columns: Sequence[Column], widths: dict[str, int]) -> list[Span]:
    return [(_GAP.join(_padded(column.title, column, widths) for column in columns), "dim")]


def _line(row: Row, columns: Sequence[Column], widths: dict[str, int]) -> list[Span]:
    """Lay out one row: the name, the styled second cell, then the other cells or the note."""
    cells = [_padded(row.cells.get(column.title, ""), column, widths) for column in columns]
    rest = row.note or _GAP.join(cells[2:])
    return [(cells[0] + _GAP, "bold"), (cells[1] + _GAP, row.style), (rest, "dim" if row.note else "")]


def _below(row: Row, details: Sequence[Column], width: int | None) -> list[str]:
    """Return the lines below a row: its details, indented."""
    shown = ", ".join(item.label + row.cells[item.title] for item in details if row.cells.get(item.title))
    return wrap(
        shown,
        width=width or TEXT_WIDTH,
        initial_indent=_GAP,
        subsequent_indent=_GAP,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _padded(text: str, column: Column, widths: dict[str, int]) -> str:
    width = widths[column.title]
    text = text if len(text) <= width else _without_middle(text, width)
    return text.rjust(width) if column.right else text.ljust(width)


def _without_middle(text: str, width: int) -> str:
    """Shorten a name so that both its ends, which tell names apart, can be seen."""
    kept = width - len("..")
    return f"{text[: kept - kept // 2]}..{text[len(text) - kept // 2 :]}"


def _html_cells(row: Row, columns: Sequence[Column]) -> str:
    """Return the cells of a row; a note spans the columns whose place it takes."""
    if not row.note:
        return "".join(_cell("td", column, row.cells.get(column.title, "")) for column in columns)
    first = "".join(_cell("td", column, row.cells.get(column.title, "")) for column in columns[:2])
    return f'{first}<td colspan="{max(len(columns) - 2, 1)}" style="text-align: left">{escape(row.note)}</td>'


def _cell(tag: str, column: Column, text: str) -> str:
    return f'<{tag} style="text-align: {"right" if column.right else "left"}">{escape(text)}</{tag}>'
