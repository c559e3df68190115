"""A proxy before a real server: it counts requests, and does on demand what servers do on bad days."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})
"""Headers that belong to one connection, or that the proxy writes itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the proxy answers itself.

    Attributes:
        status: of HTTP.
        body: content, as the real server would write it.
        headers: beside those that say how long it is.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the proxy was asked.

    Attributes:
        method: of HTTP.
        path: with the query, escaped.
        headers: as they were sent.
    """

    method: str
    path: str
    headers: Mapping[str, str]


class Fault(Enum):
    """What the proxy does without answering."""

    SILENCE = "silence"
    """The request is read, and nothing is ever answered."""
    LOST_ANSWER = "lost answer"
    """The real server does what it is asked, and its answer is lost."""


class FaultyProxy:
    """A proxy on loopback, for as long as it is open as a context manager.

    Args:
        upstream: URL of the real server.

    Attributes:
        url: of the proxy.
        requests: all requests so far.
    """

    def __init__(self, upstream: str) -> None:
        """Listen on a free port."""
        self._upstream = urlsplit(upstream).netloc
        self._faults: deque[Answer | Fault] = deque()
        self._closed = threading.Event()
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.requests: list[Request] = []

    def disturb(self, *faults: Answer | Fault) -> None:
        """Do this to the next requests, one by one, instead of what was left to do."""
        self._faults.clear()
        self._faults.extend(faults)

    def next_fault(self, request: Request) -> Answer | Fault | None:  # noqa: ARG002 - for those who look at it
        """Take what is to be done to a request; `None`: pass it on."""
        try:
            return self._faults.popleft()
        except IndexError:
            return None

    def wait(self) -> None:
        """Wait until the proxy is closed."""
        self._closed.wait()

    def connect(self) -> HTTPConnection:
        """Connect to the real server."""
        return HTTPConnection(self._upstream, timeout=60)

    def __enter__(self) -> Self:
        """Answer from now on."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the port, and let go who still waits."""
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: FaultyProxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        """Print nothing."""

    def do_request(self) -> None:
        body = self._body()
        request = Request(method=self.command, path=self.path, headers=dict(self.headers))
        self.owner.requests.append(request)
        match self.owner.next_fault(request):
            case Answer() as answer:
                self._answer(answer, len(answer.body))
            case Fault.SILENCE:
                self.owner.wait()
                self.close_connection = True
            case Fault.LOST_ANSWER:
                self._pass_on(body)
                self.close_connection = True
            case None:
                self._answer(*self._pass_on(body))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_request  # noqa: N815 - the names in the standard library

    def _body(self) -> bytes:
        """Read the body, which may come in chunks without a length of the whole."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return b"".join(chunks)

    def _pass_on(self, body: bytes) -> tuple[Answer, int]:
        """Ask the real server; return its answer and the length that it says, which HEAD has without a body."""
        upstream = self.owner.connect()
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP | {"expect"}}
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            data = answer.read()
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
            length = answer.getheader("Content-Length")
            return Answer(status=answer.status, body=data, headers=kept), int(length or len(data))
        finally:
            upstream.close()

    def _answer(self, answer: Answer, length: int) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
