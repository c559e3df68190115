"""What an editor shows in a new project: completion and faults by the JSON Schema, from a real language server."""

from __future__ import annotations

import json
import subprocess
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from datacoolie.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS = 300
"""After these a server that does not answer is killed, which ends the test."""


@dataclass
class Editor:
    """Speaks to a language server as editors do: JSON-RPC by standard input and output."""

    server: subprocess.Popen[bytes]
    asked: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, method: str, params: object, **more: object) -> None:
        self._send({"method": method, "params": params, **more})

    def ask(self, method: str, params: object) -> Any:  # noqa: ANN401 - JSON
        self.asked += 1
        self.tell(method, params, id=self.asked)
        while True:
            message = self._read()
            if message.get("id") == self.asked and "method" not in message:
                return message["result"]
            self._hear(message)

    def faults(self, *, some: bool) -> list[tuple[int, int, str]]:
        """Wait until the server marks something, or nothing any more: line, column, message."""
        while True:
            while self.told:
                message = self.told.pop(0)
                if message["method"] == "textDocument/publishDiagnostics":
                    found = [(one["range"]["start"], one["message"]) for one in message["params"]["diagnostics"]]
                    if bool(found) is some:
                        return [(start["line"] + 1, start["character"] + 1, text) for start, text in found]
            self._hear(self._read())

    def _hear(self, message: dict[str, Any]) -> None:
        if "id" not in message:
            self.told.append(message)
        elif message["method"] == "workspace/configuration":
            self._send({"id": message["id"], "result": [None] * len(message["params"]["items"])})
        else:
            self._send({"id": message["id"], "result": None})

    def _send(self, message: dict[str, object]) -> None:
        assert self.server.stdin
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.server.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self.server.stdout
        length = 0
        while header := self.server.stdout.readline().strip():
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        assert length, "the language server ended"
        message: dict[str, Any] = json.loads(self.server.stdout.read(length))
        return message


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert CliRunner().invoke(app, ["init", str(tmp_path)]).exit_code == 0
    return tmp_path


@pytest.fixture
def editor(yaml_language_server: list[str], project: Path) -> Iterator[Editor]:
    with subprocess.Popen(yaml_language_server, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        late = threading.Timer(_SECONDS, server.kill)
        late.start()
        try:
            editor = Editor(server)
            folders = [{"uri": project.as_uri(), "name": "project"}]
            editor.ask("initialize", {"processId": None, "capabilities": {}, "workspaceFolders": folders})
            editor.tell("initialized", {})
            yield editor
            editor.ask("shutdown", None)
            editor.tell("exit", None)
        finally:
            late.cancel()
            late.join()
            server.kill()


def opened(editor: Editor, path: Path, text: str) -> str:
    uri = path.as_uri()
    document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
    editor.tell("textDocument/didOpen", {"textDocument": document})
    return uri


def test_what_is_wrong_is_marked_and_a_new_project_has_no_faults(editor: Editor, project: Path) -> None:
    path = project / "metadata" / "dataflows.yaml"
    right = path.read_text(encoding="utf-8")
    wrong = right.replace("load_type: merge_upsert", "load_type: merge_upsrt").replace("merge_keys", "merge_kys")
    uri = opened(editor, path, wrong)
    lines = wrong.splitlines()
    at = next(number for number, line in enumerate(lines, 1) if "merge_upsrt" in line)
    possible = '"append", "overwrite", "full_load", "merge_upsert", "merge_overwrite", "scd2"'
    assert editor.faults(some=True) == [
        (at, lines[at - 1].index("merge_upsrt") + 1, f"Value is not accepted. Valid values: {possible}."),
        (at + 1, lines[at].index("merge_kys") + 1, "Property merge_kys is not allowed."),
    ]
    changed = {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": right}]}
    editor.tell("textDocument/didChange", changed)
    assert editor.faults(some=False) == []


def test_fields_and_values_are_completed_with_what_they_mean(editor: Editor, project: Path) -> None:
    path = project / "metadata" / "dataflows.yaml"
    before, load_type, after = path.read_text(encoding="utf-8").partition("      load_type: append\n")
    uri = opened(editor, path, f"{before}{load_type}      \n{after}")
    at = before.count("\n")

    def completed(line: int, character: int) -> dict[str, str]:
        position = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        found = editor.ask("textDocument/completion", position)["items"]
        return {item["label"]: str(item.get("documentation", "")) for item in found}

    assert {"append", "merge_upsert", "scd2"} <= completed(at, len("      load_type: ")).keys()
    fields = completed(at + 1, len("      "))
    assert fields["merge_keys"] == "Columns that tell which rows are the same."
    assert "load_type" not in fields


def test_a_project_file_is_known_too(editor: Editor, project: Path) -> None:
    path = project / "datacoolie.yaml"
    opened(editor, path, path.read_text(encoding="utf-8").replace("platform:", "platfrom:"))
    assert [text for *_, text in editor.faults(some=True)] == ["Property platfrom is not allowed."]
