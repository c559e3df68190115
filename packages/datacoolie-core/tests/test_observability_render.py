"""Tables as text within a width, and as HTML."""

from __future__ import annotations

from datacoolie.core.redaction import register_secret_values
from datacoolie.observability.render import Column, Row, Table, clean, to_html

COLUMNS = (
    Column(title="flow"),
    Column(title="status"),
    Column(title="rows", right=True),
    Column(title="new", right=True),
    Column(title="mark", detail=True, label="mark "),
)
TABLE = Table(
    COLUMNS,
    (
        Row(cells={"flow": "orders", "status": "succeeded", "rows": "1,234", "mark": "start -> 9"}, style="green"),
        Row(cells={"flow": "a", "status": "skipped"}, note="nothing new", style="dim"),
        Row(cells={"flow": "b", "status": "succeeded", "rows": "1"}),
    ),
)


def test_columns_align_and_empty_ones_are_left_out() -> None:
    assert TABLE.text().split("\n") == [
        "flow    status      rows  mark",
        "orders  succeeded  1,234  start -> 9",
        "a       skipped    nothing new",
        "b       succeeded      1",
    ]


def test_details_go_below_their_row_when_the_table_is_too_wide() -> None:
    assert TABLE.text(35).split("\n") == [
        "flow    status      rows",
        "orders  succeeded  1,234",
        "  mark start -> 9",
        "a       skipped    nothing new",
        "b       succeeded      1",
    ]


def test_a_table_that_just_fits_stays_whole() -> None:
    assert TABLE.text(36) == TABLE.text()


def test_a_long_name_loses_its_middle() -> None:
    name = "orders_of_the_north_2025"
    table = Table(COLUMNS[:3], (Row(cells={"flow": name, "status": "succeeded", "rows": "1,234"}),))
    assert table.text(32).split("\n")[1] == "orders..h_2025  succeeded  1,234"
    assert table.text(10).split("\n")[1] == "order.._2025  succeeded  1,234"


def test_long_details_break_between_words() -> None:
    row = Row(cells={"flow": "a", "status": "succeeded", "mark": "first_value=1, second_value=2"})
    table = Table(COLUMNS, (row,))
    assert table.text(30).split("\n")[2:] == ["  mark first_value=1,", "  second_value=2"]


def test_no_rows() -> None:
    assert Table(COLUMNS, ()).text() == ""


def test_styles_stay_out_of_the_text() -> None:
    spans = TABLE.lines()[1]
    assert ("succeeded  ", "green") in spans
    assert spans[0] == ("orders  ", "bold")


def test_cells_are_one_line_without_secrets() -> None:
    register_secret_values("hunter2-render")
    assert clean({"flow": "a\nb", "from": "//x:hunter2-render@y"}) == {"flow": "a b", "from": "//x:***@y"}


def test_html_escapes_and_spans_notes() -> None:
    table = Table(COLUMNS[:3], (Row(cells={"flow": "<b>", "status": "skipped"}, note="a & b"), TABLE.rows[0]))
    html = to_html(table, ["1 < 2"])
    assert "&lt;b&gt;" in html
    assert '<td colspan="1" style="text-align: left">a &amp; b</td>' in html
    assert '<td style="text-align: right">1,234</td>' in html
    assert html.endswith('<pre style="white-space: pre-wrap">1 &lt; 2</pre>')
