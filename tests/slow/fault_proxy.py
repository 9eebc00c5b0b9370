"""A proxy before an S3 server on loopback that spoils requests: errors, waiting, broken connections."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, cast
from urllib.parse import urlsplit

Fault = Literal["403", "500", "503", "reset", "half", "slow"]
"""A refusal, an internal error, `SlowDown`, a reset before the answer, half an answer and a reset, a second's wait."""

_ERRORS = {"403": (403, "AccessDenied"), "500": (500, "InternalError"), "503": (503, "SlowDown")}
_OF_ONE_HOP = {"connection", "expect", "keep-alive", "transfer-encoding"}


class FaultProxy(ThreadingHTTPServer):
    """Each request takes the next of `faults`; without one it goes through."""

    daemon_threads = True

    def __init__(self, server_url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.server = urlsplit(server_url).netloc
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.deletes_left: int | None = None
        """So many deletions go through, then they are refused; None: all do."""
        self.requests = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def next_fault(self, method: str) -> Fault | None:
        """What happens to the request that came now."""
        self.requests += 1
        if method == "DELETE" and self.deletes_left is not None:
            self.deletes_left -= 1
            return "403" if self.deletes_left < 0 else None
        if self.always:
            return self.always
        try:
            return self.faults.popleft()
        except IndexError:
            return None

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        proxy = cast(FaultProxy, self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = proxy.next_fault(self.command)
        if fault == "slow":
            time.sleep(1.0)
        if fault in _ERRORS:
            status, code = _ERRORS[fault]
            text = f"<Error><Code>{code}</Code><Message>as asked</Message></Error>".encode()
            self._answer(status, {"Content-Type": "application/xml"}, text, len(text))
            return
        if fault == "reset":
            self._reset()
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_ONE_HOP}
        upstream = http.client.HTTPConnection(proxy.server, timeout=30)
        upstream.request(self.command, self.path, body, headers)
        response = upstream.getresponse()
        data = response.read()
        told = {name: value for name, value in response.getheaders() if name.lower() not in _OF_ONE_HOP}
        length = int(told.pop("Content-Length", len(data)))
        if fault == "half":
            self._answer(response.status, told, data[: len(data) // 2], length)
            self._reset()
            return
        self._answer(response.status, told, data, length)
        upstream.close()

    def _answer(self, status: int, headers: dict[str, str], data: bytes, length: int) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _reset(self) -> None:
        self.wfile.flush()
        time.sleep(0.05)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _pass_on

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def fault_proxy(server_url: str) -> Iterator[FaultProxy]:
    """A running proxy before the server."""
    proxy = FaultProxy(server_url)
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join(timeout=5)
