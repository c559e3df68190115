"""A Databricks workspace as the public REST documentation has it, in this process: files of volumes, and a catalog."""

from __future__ import annotations

import json
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from tools.services.unity import Unity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TOKEN = "dapi-of-the-tests"  # noqa: S105 - of a server on loopback
VOLUME = "/Volumes/main/sales/raw"

_FILES, _FOLDERS = "/api/2.0/fs/files", "/api/2.0/fs/directories"
_PAGE = 1000


@dataclass
class Upload:
    """An upload in parts that has begun.

    Attributes:
        path: where the file will be.
        parts: by number.
    """

    path: str
    parts: dict[int, bytes] = field(default_factory=dict)


@dataclass
class Workspace:
    """What the server has, and what was asked of it.

    Attributes:
        url: its address.
        files: content and time in milliseconds, by path.
        folders: paths of folders.
        uploads: those in parts, by token of the session.
        unity: Unity Catalog.
        asked: method and path of each request.
        strange: requests that the documentation does not have.
    """

    url: str = ""
    asked: list[str] = field(default_factory=list)
    files: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    folders: set[str] = field(default_factory=lambda: {VOLUME})
    uploads: dict[str, Upload] = field(default_factory=dict)
    unity: Unity = field(default_factory=Unity)
    strange: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def put(self, path: str, data: bytes) -> None:
        """Store a file."""
        self.files[path] = data, time.time_ns() // 1_000_000

    def below(self, folder: str) -> list[dict[str, object]]:
        """Return what is right in a folder."""
        found: list[dict[str, object]] = [
            {"path": path, "name": path.rpartition("/")[2], "is_directory": True}
            for path in self.folders
            if path.rpartition("/")[0] == folder
        ]
        for path, (data, at) in self.files.items():
            if path.rpartition("/")[0] == folder:
                name = path.rpartition("/")[2]
                found.append(
                    {"path": path, "name": name, "is_directory": False, "file_size": len(data), "last_modified": at}
                )
        return sorted(found, key=lambda entry: str(entry["name"]))


class _Handler(BaseHTTPRequestHandler):
    """Answers for the workspace of its server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    workspace: Workspace

    def do_request(self) -> None:
        parts, body = urlsplit(self.path), self._body()
        path, query = unquote(parts.path), dict(parse_qsl(parts.query))
        self.workspace.asked.append(f"{self.command} {path}")
        if path == "/.well-known/databricks-config":
            self._fail(404, "NOT_FOUND", "no such page")
        elif path.startswith("/cloud/"):
            self._cloud(path, query, body)
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._fail(401, "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type.")
        else:
            with self.workspace.lock:
                self._api(path, query, body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_request  # noqa: N815 - the names in the standard library

    def _api(self, path: str, query: Mapping[str, str], body: bytes) -> None:
        for root, kind in ((_FILES, "file"), (_FOLDERS, "folder")):
            act = getattr(self, f"_{kind}_{self.command.lower()}", None)
            if path.startswith(f"{root}/") and act is not None:
                act(path.removeprefix(root).rstrip("/"), query, body)
                return
        asked: dict[str, Callable[[dict[str, object]], None]] = {
            "POST /api/2.0/fs/create-upload-part-urls": self._part_urls,
            "POST /api/2.0/fs/create-abort-upload-url": self._abort_url,
        }
        request = f"{self.command} {path}"
        if request in asked:
            asked[request](json.loads(body))
        elif found := self.workspace.unity.answer(request, json.loads(body or b"{}")):
            status, answer = found
            self._json(answer, status)
        else:
            self._strange()

    def _file_get(self, path: str, query: Mapping[str, str], _body: bytes) -> None:
        found = self.workspace.files.get(path)
        if query:
            self._strange()
            return
        if found is None:
            self._fail(404, "NOT_FOUND", f"The file {path} does not exist.")
            return
        data, at = found
        headers = {"Last-Modified": formatdate(at / 1000, usegmt=True), "Content-Type": "application/octet-stream"}
        wanted: str | None = self.headers["Range"]
        if wanted is None:
            self._answer(200, data, headers)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = (int(first), int(last or len(data))) if first else (max(len(data) - int(last), 0), len(data))
        if start >= len(data):
            self._fail(416, "INVALID_RANGE", "The requested range is not satisfiable.")
        else:
            self._answer(206, data[start : end + 1], headers)

    _file_head = _file_get

    def _file_put(self, path: str, query: Mapping[str, str], body: bytes) -> None:
        if self._may_write(path, query):
            self.workspace.put(path, body)
            self._answer(204)

    def _may_write(self, path: str, query: Mapping[str, str]) -> bool:
        if set(query) - {"overwrite", "action"} or query.get("overwrite") not in {None, "true", "false"}:
            self._strange()
        elif path.rpartition("/")[0] not in self.workspace.folders:
            self._fail(404, "NOT_FOUND", f"The parent folder of {path} does not exist.")
        elif path in self.workspace.folders or (query.get("overwrite") == "false" and path in self.workspace.files):
            self._fail(409, "ALREADY_EXISTS", f"{path} already exists.")
        else:
            return True
        return False

    def _file_delete(self, path: str, _: Mapping[str, str], __: bytes) -> None:
        if self.workspace.files.pop(path, None) is None:
            self._fail(404, "NOT_FOUND", f"The file {path} does not exist.")
        else:
            self._answer(204)

    def _file_post(self, path: str, query: Mapping[str, str], body: bytes) -> None:
        match dict(query):
            case {"action": "initiate-upload"}:
                if self._may_write(path, query):
                    token = secrets.token_hex(8)
                    self.workspace.uploads[token] = Upload(path)
                    self._json({"multipart_upload": {"session_token": token}})
            case {"action": "complete-upload", "upload_type": "multipart", "session_token": token}:
                upload = self.workspace.uploads.pop(token)
                named = [(part["part_number"], part["etag"]) for part in json.loads(body)["parts"]]
                taken = [(number, _etag(upload.parts[number])) for number in range(1, len(upload.parts) + 1)]
                if (upload.path, taken) == (path, named):
                    self.workspace.put(path, b"".join(upload.parts[number] for number, _ in named))
                    self._json({})
                else:
                    self._strange()
            case _:
                self._strange()

    def _part_urls(self, asked: dict[str, object]) -> None:
        first, token = int(str(asked["start_part_number"])), str(asked["session_token"])
        if self.workspace.uploads[token].path != asked["path"] or not asked["expire_time"]:
            self._strange()
            return
        url = f"{self.workspace.url}/cloud/{token}"
        numbers = range(first, first + int(str(asked["count"])))
        urls = [{"url": f"{url}/{number}?Signature=s", "part_number": number, "headers": []} for number in numbers]
        self._json({"upload_part_urls": urls})

    def _abort_url(self, asked: dict[str, object]) -> None:
        url = f"{self.workspace.url}/cloud/{asked['session_token']}/0?Signature=s"
        self._json({"abort_upload_url": {"url": url, "headers": []}})

    def _cloud(self, path: str, query: Mapping[str, str], body: bytes) -> None:
        """Answer as the storage of the cloud, which takes its own signatures only."""
        token, number = path.split("/")[2:]
        if self.headers["Authorization"] is not None or query != {"Signature": "s"}:
            self._strange()
        elif self.command == "DELETE":
            self.workspace.uploads.pop(token, None)
            self._answer(200)
        else:
            self.workspace.uploads[token].parts[int(number)] = body
            self._answer(200, headers={"ETag": _etag(body)})

    def _folder_put(self, path: str, _: Mapping[str, str], __: bytes) -> None:
        while path.startswith(VOLUME) and path not in self.workspace.folders:
            self.workspace.folders.add(path)
            path = path.rpartition("/")[0]
        if path.startswith(VOLUME):
            self._answer(204)
        else:
            self._fail(404, "NOT_FOUND", f"The volume of {path} does not exist.")

    def _folder_head(self, path: str, _: Mapping[str, str], __: bytes) -> None:
        self._answer(200 if path in self.workspace.folders else 404)

    def _folder_get(self, path: str, query: Mapping[str, str], _: bytes) -> None:
        if path not in self.workspace.folders:
            self._fail(404, "NOT_FOUND", f"The directory {path} does not exist.")
            return
        start = int(query.get("page_token", "0"))
        found = self.workspace.below(path)
        more = {"next_page_token": str(start + _PAGE)} if start + _PAGE < len(found) else {}
        self._json({"contents": found[start : start + _PAGE], **more})

    def _folder_delete(self, path: str, _: Mapping[str, str], __: bytes) -> None:
        if path not in self.workspace.folders:
            self._fail(404, "NOT_FOUND", f"The directory {path} does not exist.")
        elif self.workspace.below(path):
            self._fail(400, "BAD_REQUEST", "The directory is not empty.")
        else:
            self.workspace.folders.remove(path)
            self._answer(204)

    def _body(self) -> bytes:
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _strange(self) -> None:
        self.workspace.strange.append(f"{self.command} {self.path}")
        self._fail(400, "BAD_REQUEST", "not in the documentation")

    def _fail(self, status: int, code: str, message: str) -> None:
        self._json({"error_code": code, "message": message}, status)

    def _json(self, body: object, status: int = 200) -> None:
        self._answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _etag(data: bytes) -> str:
    return f'"{hash(data):x}"'


@contextmanager
def running_workspace() -> Iterator[Workspace]:
    """Yield a workspace with one volume, for as long as the context is open.

    Raises:
        RuntimeError: it was asked for something that is not in the documentation.
    """
    workspace = Workspace()
    handler = type("Handler", (_Handler,), {"workspace": workspace})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    workspace.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield workspace
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    if workspace.strange:
        message = f"The documentation has no such requests: {workspace.strange}"
        raise RuntimeError(message)
