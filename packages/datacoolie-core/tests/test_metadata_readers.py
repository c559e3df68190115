from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from datacoolie.metadata import yaml_reader
from datacoolie.metadata.environment import VariableError, expand, substitute
from datacoolie.metadata.json_reader import read_json
from datacoolie.metadata.positions import dotted
from datacoolie.metadata.text import UnreadableError
from datacoolie.metadata.yaml_reader import PurePythonParser, read_yaml

if TYPE_CHECKING:
    from datacoolie.metadata.positions import Path


@pytest.fixture(params=["libyaml", "pure Python"])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pure Python":
        monkeypatch.setattr(yaml_reader, "_PARSER", PurePythonParser)


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[no, on, yes, off, y, True, false]", ["no", "on", "yes", "off", "y", True, False]),
        ("[1:30, 2024-01-31, 12, -3, 0x1F, 0o17, 017, 1_000]", ["1:30", "2024-01-31", 12, -3, 31, 15, 17, "1_000"]),
        ("[1.5, .5, 1e3, 1., -.inf, 1.2.3, 1-2, +]", [1.5, 0.5, 1000.0, 1.0, float("-inf"), "1.2.3", "1-2", "+"]),
        ("[null, ~, NULL, '', \"null\", nil]", [None, None, None, "", "null", "nil"]),
        ("[!!str 12, !!int '7', !!float 3, !!bool true, !!null ~]", ["12", 7, 3.0, True, None]),
        ("{1: a, true: b, 1.5: c}", {"1": "a", "true": "b", "1.5": "c"}),
        (
            "a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\nc: *x",
            {"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 3}, "c": {"p": 1, "q": 2}},
        ),
        ("a: {<<: [{p: 1}, {p: 2, q: 3}]}", {"a": {"p": 1, "q": 3}}),
        ("a: |\n  x\n   y\nb: >\n  x\n  y\n", {"a": "x\n y\n", "b": "x y\n"}),
        ("'<<': 1", {"<<": 1}),
        ("{\"\": 1, 'a': 2}", {"": 1, "a": 2}),
        ("9" * 5000, "9" * 5000),
        ("", None),
        ("# nothing", None),
    ],
)
def test_yaml_has_the_meaning_of_version_1_2(text: str, expected: object) -> None:
    data = read_yaml(text).data
    assert data == expected
    assert repr(data) == repr(expected)


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(
    ("text", "position", "fault"),
    [
        ("a: [1\nb: 2", (2, 2), "this is not YAML"),
        ("a: b: c", (1, 5), "mapping values are not allowed"),
        ("a: 1\n---\nb: 2", (2, 1), "expected a single document"),
        ("a: !secret x", (1, 4), "the tag !secret means nothing here"),
        (
            "a: !!python/object:os.system x",
            (1, 4),
            "the tag tag:yaml.org,2002:python/object:os.system means nothing here",
        ),
        ("a: !!set {x}", (1, 4), "the tag tag:yaml.org,2002:set means nothing here"),
        ("a: !!int x", (1, 4), "'x' is no int"),
        ("? [a]\n: b", (1, 3), "a key must be text"),
        ("a: *b", (1, 4), "found undefined alias"),
        ("a: &b [*b]", (1, 4), "an alias stands inside of what it means"),
        ("a: {<<: 1}", (1, 9), "only a map, or a list of maps, can be merged"),
        ("a: \x01", None, "control characters|special characters"),
        ("[" * 101 + "]" * 101, None, "nested too deeply; possible: 100 levels"),
        ("- " * 50_000, None, "nested too deeply"),
    ],
)
def test_what_is_no_yaml(text: str, position: object, fault: str) -> None:
    with pytest.raises(UnreadableError, match=fault) as caught:
        read_yaml(text)
    if fault != "this is not YAML":  # the two parsers notice an open list at different places
        assert caught.value.slip.position == position


@pytest.mark.usefixtures("_parser")
def test_duplicate_keys_of_yaml_are_all_found() -> None:
    slips = read_yaml("a: 1\nb: {c: 1, 'c': 2}\na: 3\n<<: {x: 1}\n").slips
    assert [(slip.position, slip.message) for slip in slips] == [
        ((2, 11), "the key 'c' is here a second time; the first is at 2:5"),
        ((3, 1), "the key 'a' is here a second time; the first is at 1:1"),
    ]


def test_duplicate_keys_of_json_are_all_found() -> None:
    slips = read_json('{"a": 1,\n "b": [{"c": 1, "c": 2}],\n "\\u0061": 3}').slips
    assert [(slip.position, slip.message) for slip in slips] == [
        ((2, 17), "the key 'c' is here a second time; the first is at 2:9"),
        ((3, 2), "the key 'a' is here a second time; the first is at 1:2"),
    ]


def test_a_duplicate_key_deep_inside_is_found() -> None:
    assert [slip.position for slip in read_json('{"a": {"b": 1, "b": 2}, "c": {}}').slips] == [(1, 16)]


@pytest.mark.parametrize(
    ("text", "position", "fault"),
    [
        ('{"a": 1,}', (1, 9), "this is not JSON: illegal trailing comma|expecting property name"),
        ('{"a": \n nul}', (2, 2), "this is not JSON: expecting value"),
        ("", (1, 1), "this is not JSON"),
        ('{"a": NaN}', None, "it has no NaN"),
        ('{"a": "\\ud800"}', None, "is half of a character"),
        ("1" * 5000, None, "this is not JSON: Exceeds the limit"),
        ("[" * 101 + "]" * 101, None, "nested too deeply"),
        ("[" * 100_000, None, "nested too deeply"),
    ],
)
def test_what_is_no_json(text: str, position: object, fault: str) -> None:
    with pytest.raises(UnreadableError, match=fault) as caught:
        read_json(text)
    if position != (1, 9):  # Python versions point before or at the brace
        assert caught.value.slip.position == position


JSON = """{
  "flows": [
    {"name": "a", "é": [true, null, -1.5e3]},
    {"name": "say \\"x\\" \\u00e9 y", "none": {}, "empty": []}
  ]
}"""
YAML = """flows:
  - name: a
    é: [true, ~, -1500.0]
  - name: 'say "x" é y'
    none: {}
    empty: []
"""


@pytest.mark.parametrize(
    ("path", "in_json", "in_yaml"),
    [
        ((), ((1, 1), (1, 1)), ((1, 1), (1, 1))),
        (("flows",), ((2, 3), (2, 12)), ((1, 1), (2, 3))),
        (("flows", 0), ((3, 5), (3, 5)), ((2, 5), (2, 5))),
        (("flows", 0, "é"), ((3, 19), (3, 24)), ((3, 5), (3, 8))),
        (("flows", 0, "é", 2), ((3, 37), (3, 37)), ((3, 18), (3, 18))),
        (("flows", 1, "empty"), ((4, 48), (4, 57)), ((6, 5), (6, 12))),
    ],
)
def test_positions_of_keys_and_values(path: Path, in_json: object, in_yaml: object) -> None:
    assert read_json(JSON).data == read_yaml(YAML).data == json.loads(JSON)
    for parsed, expected in ((read_json(JSON), in_json), (read_yaml(YAML), in_yaml)):
        key, place, found = parsed.places().find(path)
        assert (key, place.start) == expected
        assert found


def test_what_is_not_there_is_placed_at_what_should_hold_it() -> None:
    assert read_yaml(YAML).places().find(("flows", 0, "source", "table"))[::2] == ((2, 5), False)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("e: a + b", (1, 6)),
        ("e: 'a + b'", (1, 7)),
        ('e: "a + b"', (1, 7)),
        ('e: "\\x61 + b"', (1, 4)),
        ("e: 'a''+ b'", (1, 4)),
        ("e: a\n  + b", (1, 4)),
        ("e: |\n    a + b", (2, 7)),
        ("e: |-\n\n    a + b", (3, 7)),
        ("e: |1\n  a + b", (1, 4)),
        ("e: >\n    a + b", (1, 4)),
    ],
)
def test_positions_inside_of_yaml_texts(text: str, position: object) -> None:
    parsed = read_yaml(text)
    value = str(dict(parsed.data)["e"]) if isinstance(parsed.data, dict) else ""
    at = value.index("+")
    line = value.count("\n", 0, at) + 1
    column = at - (value.rfind("\n", 0, at) + 1) + 1
    assert parsed.places().find(("e",))[1].inside(line, column, at) == position


def test_positions_inside_of_json_texts() -> None:
    parsed = read_json('{"e": "a\\n\\"\\u0061 + b", "f": "a + b"}')
    assert parsed.places().find(("e",))[1].inside(2, 4, 5) == (1, 20)
    assert parsed.places().find(("f",))[1].inside(1, 3, 2) == (1, 34)


def test_paths_are_written_with_dots_and_brackets() -> None:
    assert dotted(("dataflows", 0, "source", "table")) == "dataflows[0].source.table"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a ${X} b ${X}", "a 1 b 1"),
        ("${NONE:-2}${EMPTY:-3}${X:-4}", "231"),
        ("${NONE:-}", ""),
        ("${EMPTY}", ""),
        ("$${X} $X $$ ${NONE:-a:-b}", "${X} $X $$ a:-b"),
        ("{year}/{month}", "{year}/{month}"),
    ],
)
def test_variables_are_replaced(text: str, expected: str) -> None:
    assert substitute(text, {"X": "1", "EMPTY": ""}) == expected


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("${NONE}", r"the environment variable NONE is not set; set it or write \$\{NONE:-default\}"),
        ("${a.b}", r"'\$\{a\.b\}' is no variable"),
        ("${}", "is no variable"),
        ("x ${X", r"'\$\{X' is no variable"),
        ("${X-1}", "is no variable"),
    ],
)
def test_what_is_no_variable(text: str, fault: str) -> None:
    with pytest.raises(VariableError, match=fault):
        substitute(text, {"X": "1"})


def test_values_are_expanded_and_keys_are_not() -> None:
    faults: list[object] = []
    data = {"${X}": ["${X}", 1, {"a": "${NONE}", "b": "${ALSO}"}]}
    expanded = expand(data, {"X": "1"}, lambda path, message: faults.append((path, message[:25])))
    assert expanded == {"${X}": ["1", 1, {"a": "${NONE}", "b": "${ALSO}"}]}
    assert faults == [
        (("${X}", 2, "a"), "the environment variable "),
        (("${X}", 2, "b"), "the environment variable "),
    ]


def test_a_document_may_be_as_deep_as_anyone_needs() -> None:
    deep = "[" * 100 + "]" * 100
    assert read_json(deep).data == read_yaml(deep).data


def test_a_variable_is_not_expanded_twice() -> None:
    assert substitute("${A}", {"A": "${B}"}) == "${B}"
