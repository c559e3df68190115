"""YAML documents with the meaning of YAML 1.2: `no` and `1:30` are text, duplicate keys are errors.

LibYAML parses when it is there; everything else is the same without it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from datacoolie.metadata.positions import Place
from datacoolie.metadata.text import MAX_DEPTH, Parsed, Slip, UnreadableError, too_deep, twice

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacoolie.metadata.positions import Position

_PLAIN = "plain"
_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_NUMBER_START = frozenset("-+.0123456789")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class _Resolver:
    """Leaves the meaning of plain scalars to this module, and counts how deep the parser is."""

    depth = 0

    def resolve(self, kind: type[Node], _value: object, implicit: tuple[bool, bool] | bool) -> str:  # noqa: FBT001 - PyYAML's signature
        if kind is not ScalarNode:
            return _TAG + ("map" if kind is MappingNode else "seq")
        return _PLAIN if isinstance(implicit, tuple) and implicit[0] else f"{_TAG}str"

    def descend_resolver(self, _current: Node | None, _index: object) -> None:
        # LibYAML's own recursion would end the process.
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise too_deep()

    def ascend_resolver(self) -> None:
        self.depth -= 1

    def check_resolver_prefix(self, *_: object) -> bool:
        return False


class PurePythonParser(Reader, Scanner, Parser, Composer, _Resolver):
    """The parser where there is no LibYAML."""

    def __init__(self, text: str) -> None:
        """Begin to parse `text`."""
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)


if yaml.__with_libyaml__:
    from yaml._yaml import CParser

    class _CParser(CParser, _Resolver):
        """The parser of LibYAML."""

    _PARSER: Callable[[str], _CParser | PurePythonParser] = _CParser
else:
    _PARSER = PurePythonParser


def read_yaml(text: str) -> Parsed:
    """Read a YAML document.

    Raises:
        UnreadableError: the text is not YAML, holds several documents or tags that mean something elsewhere.
    """
    try:
        root = _PARSER(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        problem = " ".join(part for part in (error.context, error.problem) if part)
        mark = error.problem_mark or error.context_mark
        message = f"this is not YAML: {problem}"
        raise UnreadableError(message, _position(mark) if mark else None) from error
    except yaml.YAMLError as error:
        message = f"this is not YAML: {error}"
        raise UnreadableError(message) from error
    builder = _Builder()
    data = builder.build(root) if root is not None else None
    return Parsed(data=data, places=lambda: _Placer(text).place(root), slips=tuple(builder.slips))


def _position(mark: yaml.Mark) -> Position:
    return mark.line + 1, mark.column + 1


MAX_VALUES = 1_000_000
"""How many values a document may hold."""


class _Builder:
    """Turns nodes into data."""

    def __init__(self) -> None:
        self.slips: list[Slip] = []
        self._made: dict[int, object] = {}
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()
        self._count = 0

    def build(self, node: Node) -> object:
        self._add(self._sizes.get(id(node), 1), node)
        if isinstance(node, ScalarNode):
            return node.value if node.tag == f"{_TAG}str" else _scalar(node)
        if id(node) in self._made:
            return self._made[id(node)]
        before = self._count - 1
        if id(node) in self._open:
            message = "an alias stands inside of what it means"
            raise UnreadableError(message, _position(node.start_mark))
        self._open.add(id(node))
        made: object
        if isinstance(node, SequenceNode):
            _check_tag(node, "seq")
            made = [self.build(item) for item in node.value]
        else:
            made = self._map(node)
        self._made[id(node)] = made
        self._sizes[id(node)] = self._count - before
        return made

    def _add(self, values: int, node: Node) -> None:
        """Count values, those that an alias means each time: few lines may mean more than any memory holds."""
        self._count += values
        if self._count > MAX_VALUES:
            message = f"the document holds too much; possible: {MAX_VALUES:,} values, aliases counted as what they mean"
            raise UnreadableError(message, _position(node.start_mark))

    def _map(self, node: Node) -> dict[str, object]:
        _check_tag(node, "map")
        made: dict[str, object] = {}
        keys: dict[str, Node] = {}
        merged: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = _key(key_node)
            if key in keys:
                self.slips.append(twice(key, _position(keys[key].start_mark), _position(key_node.start_mark)))
            keys[key] = key_node
            if _is_merge(key_node):
                merged = self._merged(value_node)
            else:
                made[key] = self.build(value_node)
        return {**merged, **made} if merged else made

    def _merged(self, node: Node) -> dict[str, object]:
        """Build what stands behind `<<`: a map or a list of maps, of which the first wins."""
        merged: dict[str, object] = {}
        for item in reversed(_merge_sources(node)):
            if not isinstance(item, MappingNode):
                message = "only a map, or a list of maps, can be merged with <<"
                raise UnreadableError(message, _position(item.start_mark))
            built = self.build(item)
            merged |= built if isinstance(built, dict) else {}
        return merged


def _is_merge(key: Node) -> bool:
    return key.tag == _PLAIN and key.value == _MERGE


def _merge_sources(node: Node) -> list[Node]:
    return list(node.value) if isinstance(node, SequenceNode) else [node]


def _key(node: Node) -> str:
    if isinstance(node, ScalarNode) and (node.value or node.style):  # quotes have a style
        return str(node.value)
    message = "a key must be text"
    raise UnreadableError(message, _position(node.start_mark))


def _check_tag(node: Node, kind: str) -> None:
    if node.tag != _TAG + kind:
        message = f"the tag {node.tag} means nothing here; leave it out"
        raise UnreadableError(message, _position(node.start_mark))


def _scalar(node: ScalarNode) -> object:
    """Return the value of a scalar that is not simply text."""
    if node.tag == _PLAIN:
        return _plain(node.value)
    readers = {"null": (), "bool": (bool,), "int": (int,), "float": (int, float)}
    kind = node.tag.removeprefix(_TAG)
    if kind not in readers:
        _check_tag(node, "str")
    value = _plain(node.value)
    if (value is None) if kind == "null" else type(value) in readers[kind]:
        return float(value) if kind == "float" and isinstance(value, int) else value
    message = f"{node.value!r} is no {kind}"
    raise UnreadableError(message, _position(node.start_mark))


def _plain(text: str) -> object:
    """Return what a scalar without quotes means, by the core schema of YAML 1.2."""
    if text[:1] in _NUMBER_START:
        if _INTEGER.fullmatch(text):
            return _integer(text)
        if _FLOAT.fullmatch(text):
            return float(
                text.replace(".inf", "inf").replace(".Inf", "inf").replace(".INF", "inf").replace(".nan", "nan")
            )
        return text
    return _WORDS.get(text, text)


def _integer(text: str) -> object:
    try:
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    except ValueError:
        return text  # thousands of digits, which Python refuses to read


class _Placer:
    """Finds where everything stands."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._made: dict[int, Place] = {}

    def place(self, node: Node | None) -> Place:
        if node is None:
            return Place(start=(1, 1))
        if id(node) not in self._made:
            self._made[id(node)] = self._place(node)
        return self._made[id(node)]

    def _place(self, node: Node) -> Place:
        start = _position(node.start_mark)
        if isinstance(node, ScalarNode):
            return Place(start=start, verbatim=self._verbatim(node, start))
        if isinstance(node, SequenceNode):
            places = [self.place(item) for item in node.value]
            return Place(start=start, children={at: (place.start, place) for at, place in enumerate(places)})
        return Place(start=start, children=self._children(node))

    def _children(self, node: Node) -> dict[str | int, tuple[Position, Place]]:
        own: dict[str | int, tuple[Position, Place]] = {}
        merged: dict[str | int, tuple[Position, Place]] = {}
        for key, value in node.value:
            if _is_merge(key):
                for item in reversed(_merge_sources(value)):
                    merged |= self.place(item).children
            else:
                own[_key(key)] = _position(key.start_mark), self.place(value)
        return merged | own

    def _verbatim(self, node: ScalarNode, start: Position) -> tuple[Position, int] | None:
        """Return where the text begins when it stands there as it is."""
        line, column = start
        if node.style == "|":
            header, body = self._lines[line - 1][column - 1 :], self._lines[line:]
            indented = next((text for text in body if text.strip()), "")
            indent = len(indented) - len(indented.lstrip(" ")) + 1
            return None if re.match(r"\|[-+]?\d", header) else ((line + 1, indent), indent)
        quotes = 1 if node.style in ("'", '"') else 0
        length = node.end_mark.column - node.start_mark.column
        if node.end_mark.line == node.start_mark.line and length == len(node.value) + 2 * quotes:
            return (line, column + quotes), 1
        return None
