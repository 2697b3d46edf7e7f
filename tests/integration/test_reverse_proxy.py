"""The reverse proxy: what a backend is told, what of its answers comes through, and what happens without one."""

import http.client
import http.server
import json
import socket
import threading

import pytest

from support import node as nodes
from support.http import request


class Backend(http.server.ThreadingHTTPServer):
    """Answers with what it was asked, or as the path says."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.go_on = threading.Event()
        self.sent = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass  # a connection that broke off


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Backend/1"

    def log_message(self, *_):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "/chunks" in self.path:
            return self.chunks()
        if "/endless" in self.path:
            return self.endless()
        if "/short" in self.path:
            self.head(200, 100)
            self.wfile.write(b"x" * 50)
            self.close_connection = True
            return None
        if "/silent" in self.path:
            self.server.go_on.wait(nodes.TIME)
            self.close_connection = True
            return None
        status = int(self.path.split("/status/")[1]) if "/status/" in self.path else 200
        data = json.dumps({"method": self.command, "path": self.path, "headers": list(self.headers.items()),
                           "body": body.decode("latin-1")}).encode()
        if status in (204, 304):
            data = b""
        self.head(status, None if status in (204, 304) else len(data))
        if self.command != "HEAD":
            self.wfile.write(data)
        return None

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_OPTIONS = do_PATCH = answer

    def head(self, status, length):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Connection", "X-Private, close")
        self.send_header("X-Private", "1")
        self.send_header("X-Backend", "yes")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.end_headers()

    def chunks(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nfirst\r\n")
        self.wfile.flush()
        self.server.go_on.wait(nodes.TIME)  # until the client has seen it
        self.wfile.write(b"6\r\nsecond\r\n0\r\n\r\n")

    def endless(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.connection.settimeout(1)
        part = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        try:
            while True:
                self.wfile.write(part)
                self.server.sent += len(part)
        except OSError as error:  # TimeoutError if nobody reads
            self.server.end = type(error)
            self.server.go_on.set()
            self.close_connection = True


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    backend = Backend()
    port = nodes.free_port()
    target = {"type": "reverseproxy", "host": "127.0.0.1", "port": backend.server_port}
    paths = {
        "plain": target,
        "app": {**target, "path": "/base/", "forwarded_port": 443, "forwarded_proto": "https"},
        "quick": {**target, "timeout": 1},
        "away": {"type": "reverseproxy", "host": "127.0.0.1", "port": nodes.free_port()},
        "nowhere": {"type": "reverseproxy", "host": "no-such-host.invalid"},
        "deep": {"type": "path", "paths": {"/": target, "er": target}},
    }
    directory = nodes.write_config(tmp_path_factory.mktemp("proxy") / ".crossbar",
                                   nodes.config(port, paths=paths))
    node = nodes.Node(directory)
    yield port, backend
    assert node.stop() == 0
    backend.shutdown()


@pytest.fixture
def backend(site):
    site[1].go_on.clear()
    site[1].sent = 0
    return site[1]


def told(body):
    """What the backend was asked, with the names of headers in lower case."""
    seen = json.loads(body)
    return seen, {name.lower(): value for name, value in seen["headers"]}


def test_a_request_is_passed_on(site):
    port, backend = site
    headers = {"Host": "example.com:99", "X-Own": "kept", "Connection": "X-Drop, keep-alive", "X-Drop": "1", "TE": "trailers",
               "Upgrade": "h2c", "X-Forwarded-For": "6.6.6.6", "X-Real-IP": "6.6.6.6"}
    response, body = request(port, "POST", "/app/a%2Fb/c?x=%20&y", "the body", headers)
    seen, sent = told(body)
    assert seen["method"] == "POST" and seen["path"] == "/base/a%2Fb/c?x=%20&y" and seen["body"] == "the body"
    assert sent["host"] == f"127.0.0.1:{backend.server_port}" and sent["x-own"] == "kept"
    assert sent["x-forwarded-host"] == "example.com:99" and sent["content-length"] == "8"
    assert sent["x-forwarded-for"] == sent["x-real-ip"] == "127.0.0.1"
    assert sent["x-forwarded-port"] == "443" and sent["x-forwarded-proto"] == "https"
    assert not {"x-drop", "te", "upgrade"} & set(sent) and len(sent) == len(seen["headers"])
    assert response.status == 200 and response.getheader("X-Backend") == "yes"
    assert response.getheader("X-Private") is None and response.getheader("Server").startswith("Backend/1")
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert len(response.headers.get_all("Date")) == 1 and response.getheader("Connection") is None


@pytest.mark.parametrize(("path", "expected"), [
    ("/plain", "/"), ("/plain/", "/"), ("/plain/x", "/x"), ("/plain/x/", "/x/"), ("/plain?q", "/?q"), ("/app", "/base"),
    ("/app/", "/base/"), ("/app/x", "/base/x"), ("/deep/er/x", "/x"), ("/deep/x/y", "/x/y"), ("/%70lain/%41b", "/Ab"),
])
def test_paths(site, path, expected):
    assert told(request(site[0], "GET", path)[1])[0]["path"] == expected


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_every_method_passes(site, method):
    seen, sent = told(request(site[0], method, "/plain/x", None if method == "GET" else "b")[1])
    assert seen["method"] == method
    assert sent["x-forwarded-port"] == "80" and sent["x-forwarded-proto"] == "http"


@pytest.mark.parametrize("status", [200, 201, 204, 301, 304, 404, 500])
def test_status_and_keep_alive(site, status):
    port, _ = site
    connection = nodes_connection(port)
    for method in ("GET", "HEAD", "GET"):  # the same connection stays in step
        response, body = request(port, method, f"/plain/status/{status}", connection=connection)
        assert response.status == status and bool(body) == (method == "GET" and status not in (204, 304))
    connection.close()


def nodes_connection(port):
    return http.client.HTTPConnection("127.0.0.1", port, timeout=nodes.TIME)


def test_bodies_come_through_as_they_come(site, backend):
    port, _ = site
    connection = nodes_connection(port)
    connection.request("GET", "/plain/chunks")
    response = connection.getresponse()
    assert response.getheader("Transfer-Encoding") == "chunked"
    assert response.read(5) == b"first"  # while the backend still waits
    backend.go_on.set()
    assert response.read() == b"second"
    assert request(port, "GET", "/plain/x", connection=connection)[0].status == 200
    # HTTP/1.0 has no chunks: the connection's end is the body's.
    with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as raw:
        raw.sendall(b"GET /plain/chunks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        data = b""
        while piece := raw.recv(65536):
            data += piece
    assert data.endswith(b"\r\n\r\nfirstsecond") and b"chunked" not in data


def test_pipelined_requests_wait(site, backend):
    backend.go_on.set()
    with socket.create_connection(("127.0.0.1", site[0]), timeout=nodes.TIME) as raw:
        raw.sendall(b"GET /plain/chunks HTTP/1.1\r\nHost: x\r\n\r\nGET /plain/after HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = b""
        while piece := raw.recv(65536):
            data += piece
    assert data.index(b"second") < data.index(b"0\r\n\r\nHTTP/1.1 200") < data.index(b"/after")


def test_a_client_that_does_not_read_stops_the_backend(site, backend):
    with socket.create_connection(("127.0.0.1", site[0]), timeout=nodes.TIME) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.sendall(b"GET /plain/endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert backend.go_on.wait(nodes.TIME) and backend.end is TimeoutError
        assert backend.sent < 32 * 1024 * 1024
    backend.go_on.clear()
    # One that leaves ends the backend's connection.
    with socket.create_connection(("127.0.0.1", site[0]), timeout=nodes.TIME) as raw:
        raw.sendall(b"GET /plain/endless HTTP/1.1\r\nHost: x\r\n\r\n")
        raw.recv(100_000)
    assert backend.go_on.wait(nodes.TIME) and issubclass(backend.end, ConnectionError)


def test_a_backend_that_is_away(site, backend):
    port, _ = site
    response, body = request(port, "GET", "/away/x")
    assert response.status == 502 and b"502" in body
    assert request(port, "GET", "/nowhere")[0].status in (502, 504)  # as fast as the resolver is
    connection = nodes_connection(port)
    response, _ = request(port, "POST", "/quick/silent", "body", connection=connection)
    assert response.status == 504
    backend.go_on.set()
    assert request(port, "GET", "/plain/x", connection=connection)[0].status == 200


def test_a_body_that_breaks_off_is_not_taken_for_a_whole_one(site):
    with pytest.raises(http.client.IncompleteRead):
        request(site[0], "GET", "/plain/short")


def test_large_requests_are_refused(site):
    with socket.create_connection(("127.0.0.1", site[0]), timeout=nodes.TIME) as raw:
        raw.sendall(b"POST /plain/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n")
        assert raw.recv(65536).startswith(b"HTTP/1.1 413 ")
