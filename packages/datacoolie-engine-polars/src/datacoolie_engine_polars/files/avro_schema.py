"""Schemas of Avro files: what Polars can decode of them, in a form in which it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datacoolie_engine_polars.files.avro_container import malformed

if TYPE_CHECKING:
    import polars as pl

    from datacoolie_engine_polars.files.avro_container import AvroType

_PRIMITIVES = frozenset({"boolean", "int", "long", "float", "double", "bytes", "string"})
_LOGICAL: dict[str, frozenset[str]] = {
    "int": frozenset({"date"}),
    "long": frozenset({"timestamp-millis", "timestamp-micros", "local-timestamp-millis", "local-timestamp-micros"}),
    "bytes": frozenset({"decimal"}),
    "fixed": frozenset({"decimal"}),
}
"""Logical types that are read, by what they stand on. As in Spark, values of others are what they stand on."""

_REFUSED = {"enum": "an enumeration inside of another type", "map": "a map", "null": "always null"}
_MAX_DEPTH = 50


class ReadableSchema:
    """The schema of a file as Polars decodes it.

    Named types are spelled out where they are used; enumerations are the numbers of their symbols.

    Attributes:
        schema: the schema, as JSON data.
        symbols: of columns that are enumerations: their symbols.

    Raises:
        polars.exceptions.ComputeError: there is a type that can't be read.
    """

    def __init__(self, written: AvroType) -> None:
        """Translate what was written."""
        self.symbols: dict[str, list[str]] = {}
        self._named: dict[str, dict[str, Any]] = {}
        self._space = ""
        if not isinstance(written, dict) or written.get("type") != "record":
            message = "the file holds no records with fields"
            raise malformed(message)
        try:
            self.schema = self._record(self._remembered(written), ())
        except (KeyError, TypeError) as error:
            message = f"the file's schema is no schema: {error}"
            raise malformed(message) from error

    def _record(self, node: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
        outer, self._space = self._space, node["name"].rpartition(".")[0]
        made = [{"name": one["name"], "type": self._type(one["type"], (*path, one["name"]))} for one in node["fields"]]
        self._space = outer
        # Names of types mean nothing to a reader, but must not be there twice.
        return {"type": "record", "name": ".".join(("record", *path)), "fields": made}

    def _type(self, node: AvroType, path: tuple[str, ...]) -> AvroType:
        if len(path) > _MAX_DEPTH:
            raise _unreadable(path[:1], "nested in itself")
        match node:
            case list():
                return self._union(node, path)
            case dict() if isinstance(node["type"], str):
                return self._described(node["type"], node, path)
            case dict():
                return self._type(node["type"], path)
            case str() if (name := self._full_name(node)) in self._named:
                return self._type(self._named[name], path)
            case str() if node in _PRIMITIVES:
                return node
            case _:
                raise _unreadable(path, _REFUSED.get(str(node), f"of the type {node}"))

    def _described(self, kind: str, node: dict[str, Any], path: tuple[str, ...]) -> AvroType:
        """Return a type that is more than a name."""
        if kind in {"record", "enum", "fixed"}:
            node = self._remembered(node)
        logical = node.get("logicalType")
        kept: dict[str, Any] = {"logicalType": logical} if logical in _LOGICAL.get(kind, ()) else {}
        match kind:
            case "record":
                return self._record(node, path)
            case "array":
                return {"type": "array", "items": self._type(node["items"], (*path, "element"))}
            case "enum" if len(path) == 1:
                self.symbols[path[0]] = list(node["symbols"])
                return "int"
            case "fixed" | "bytes":
                sizes: dict[str, Any] = {name: node[name] for name in ("size", "precision", "scale") if name in node}
                return {"type": kind, "name": ".".join(("fixed", *path)), **sizes, **kept}
            case _ if kept:
                return {"type": kind, **kept}
            case _:
                return self._type(kind, path)

    def _union(self, members: list[AvroType], path: tuple[str, ...]) -> list[AvroType]:
        """Return a type that may be null; there is no column for values of several types."""
        if len(members) == 2 and "null" in members:  # noqa: PLR2004 - null and the type
            return [member if member == "null" else self._type(member, path) for member in members]
        raise _unreadable(path, "of several types (a union)")

    def _remembered(self, node: dict[str, Any]) -> dict[str, Any]:
        """Keep a type that others may name, and return it with its full name."""
        name = self._full_name(node["name"], node.get("namespace"))
        self._named[name] = {**node, "name": name}
        return self._named[name]

    def _full_name(self, name: str, namespace: str | None = None) -> str:
        """Return a name with its namespace, by default that of the record around it."""
        space = self._space if namespace is None else namespace
        return name if "." in name or not space else f"{space}.{name}"


def _unreadable(path: tuple[str, ...], what: str) -> pl.exceptions.ComputeError:
    return malformed(f"column {'.'.join(path)!r} is {what}, which the engine 'polars' can't read from Avro")
