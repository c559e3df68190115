"""Documents: what was read from one file, where everything in it stands, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from datacoolie.core.models.masking import is_secret_name, mask_text
from datacoolie.metadata.environment import has_reference
from datacoolie.metadata.faults import Fault, nearest
from datacoolie.metadata.json_reader import read_json
from datacoolie.metadata.positions import Place, dotted, follow
from datacoolie.metadata.text import Parsed, Slip, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path as FilePath

    from datacoolie.metadata.positions import Path


_LONGEST_VALUE = 80


def _of_text(read: Callable[[str], Parsed]) -> Callable[[bytes], Parsed]:
    """Return a reader of bytes for one of text."""

    def read_bytes(content: bytes) -> Parsed:
        text = _decoded(content)
        return replace(read(text), has_variables=has_reference(text))

    return read_bytes


def _read_yaml(text: str) -> Parsed:
    from datacoolie.metadata.yaml_reader import read_yaml  # noqa: PLC0415 - documents may all be JSON

    return read_yaml(text)


def _read_xlsx(content: bytes) -> Parsed:
    from datacoolie.metadata.xlsx_reader import read_xlsx  # noqa: PLC0415 - few documents are workbooks

    return read_xlsx(content)


READERS: dict[str, Callable[[bytes], Parsed]] = {
    ".json": _of_text(read_json),
    ".yaml": _of_text(_read_yaml),
    ".yml": _of_text(_read_yaml),
    ".xlsx": _read_xlsx,
}
"""What reads a document, by the ending of its name."""


@dataclass(kw_only=True)
class Document:
    """One file, read.

    Attributes:
        file: how it was named, for messages.
        path: where it is; relative paths in it start at its folder.
        data: what it says.
        locate: finds out where everything stands.
        faults: what is wrong with it, as far as is known.
        remarks: what is allowed, and better done otherwise.
        has_variables: there may be `${...}` in it.
    """

    file: str
    path: FilePath
    data: object
    locate: Callable[[], Place] = lambda: Place(start=(1, 1))
    faults: list[Fault] = field(default_factory=list)
    remarks: list[Fault] = field(default_factory=list)
    has_variables: bool = False

    @cached_property
    def place(self) -> Place:
        """Where everything stands."""
        return self.locate()

    def fault(
        self, path: Path, message: str, *, value: object = ..., possible: Sequence[str] = (), of_key: bool = False
    ) -> None:
        """Note a fault.

        Args:
            path: the field.
            message: what is wrong, continuing the path.
            value: the wrong value; shown unless it may be a secret.
            possible: what could stand there.
            of_key: the key is wrong, not its value.
        """
        key, place, found = self.place.find(path)
        line, column = key if of_key or not found else place.start
        wrong = path[-1] if of_key else value
        self.faults.append(
            Fault(
                file=self.file,
                line=line,
                column=column,
                path=dotted(path),
                message=message,
                value=None if value is ... else self._shown(path, value),
                possible=tuple(possible),
                near=nearest(wrong, possible) if isinstance(wrong, str) else None,
                sheet=place.sheet,
            )
        )

    def remark(self, path: Path, message: str) -> None:
        """Note what is better done otherwise."""
        place = self.place.find(path)[1]
        line, column = place.start
        self.remarks.append(
            Fault(file=self.file, line=line, column=column, path=dotted(path), message=message, sheet=place.sheet)
        )

    def fault_inside(self, path: Path, message: str, at: tuple[int, int, int] | None) -> None:
        """Note a fault inside of a text; `at` is line, column (from 1) and offset (from 0) in it."""
        _, place, found = self.place.find(path)
        changed = has_reference(str(follow(self.data, path)))
        line, column = place.inside(*at) if at and found and not changed else place.start
        self.faults.append(
            Fault(file=self.file, line=line, column=column, path=dotted(path), message=message, sheet=place.sheet)
        )

    def _shown(self, path: Path, value: object) -> str | None:
        """Return a value as it may be printed; a variable by its name, for its value may be a secret."""
        if any(is_secret_name(str(part)) for part in path):
            return None
        raw = follow(self.data, path)
        if isinstance(raw, str) and has_reference(raw):
            value = raw
        if isinstance(value, dict | list):
            return "a map" if isinstance(value, dict) else "a list"
        shown = (
            {None: "null", True: "true", False: "false"}.get(value)
            if value is None or isinstance(value, bool)
            else None
        )
        shown = shown or repr(mask_text(value) if isinstance(value, str) else value)
        return shown if len(shown) <= _LONGEST_VALUE else shown[: _LONGEST_VALUE - 3] + "..."


def read_document(path: FilePath, file: str) -> Document:
    """Read one document; what is wrong with it is in its `faults`.

    Args:
        path: where it is.
        file: how it was named, for messages.
    """
    document = Document(file=file, path=path, data=None)
    try:
        parsed = READERS[path.suffix.lower()](_content(path))
    except UnreadableError as error:
        slips: tuple[Slip, ...] = (error.slip,)
    else:
        slips = parsed.slips
        document.data, document.locate, document.has_variables = parsed.data, parsed.places, parsed.has_variables
    for slip in slips:
        line, column = slip.position or (None, None)
        fault = Fault(file=file, line=line, column=column, message=slip.message, sheet=slip.sheet)
        document.faults.append(fault)
    return document


def _content(path: FilePath) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"the document can't be read: {error.strerror or error}"
        raise UnreadableError(message) from error


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8", "replace")
        position = before.count("\n") + 1, error.start - (error.object.rfind(b"\n", 0, error.start) + 1) + 1
        message = "the document must be written in UTF-8"
        raise UnreadableError(message, position) from error
