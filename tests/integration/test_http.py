"""The web side of a transport: HTTP itself, and the path services behind it."""

import http.client
import json
import socket

import pytest

from support import node as nodes


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A node with every path service: (port, directory of static files, node)."""
    port = nodes.free_port()
    base = tmp_path_factory.mktemp("site")
    files = base / "web"
    files.mkdir()
    (files / "index.html").write_text("<p>home</p>")
    (files / "large.bin").write_bytes(bytes(range(256)) * 20_000)
    paths = {
        "/": {"type": "static", "directory": "../web"},
        "json": {"type": "json", "value": {"a": [1, "ü"]}},
        "elsewhere": {"type": "redirect", "url": "http://example.com/"},
        "info": {"type": "nodeinfo"},
        "deep": {"type": "path", "paths": {"er": {"type": "json", "value": 5}}},
    }
    directory = nodes.write_config(base / ".crossbar", nodes.config(port, paths=paths))
    node = nodes.Node(directory)
    yield port, files, node
    assert node.stop() == 0


def get(port, path, method="GET", headers=None, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=nodes.TIME)
    connection.request(method, path, body=body, headers=headers or {})
    response = connection.getresponse()
    return response, response.read()


def raw(port, request):
    """Sends bytes and reads until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as connection:
        connection.sendall(request)
        data = b""
        while True:
            piece = connection.recv(65536)
            if not piece:
                return data
            data += piece


def test_services_answer_at_their_paths(site):
    port, _, _ = site
    response, body = get(port, "/")
    assert response.status == 200 and body == b"<p>home</p>"
    assert response.getheader("Server") == "Crosspoint"
    assert json.loads(get(port, "/json")[1]) == {"a": [1, "ü"]}
    assert get(port, "/deep/er")[1] == b"5"
    assert get(port, "/deep/other")[0].status == 404
    response, _ = get(port, "/elsewhere")
    assert response.status == 302 and response.getheader("Location") == "http://example.com/"
    assert b"I/O threads" in get(port, "/info")[1]
    response, body = get(port, "/ws")
    assert response.status == 200 and b"WAMP over WebSocket" in body


def test_one_connection_serves_many_requests(site):
    port, _, _ = site
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=nodes.TIME)
    for path in ("/", "/json", "/missing", "/"):
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        assert response.getheader("Connection") != "close"
    sock = connection.sock
    connection.request("GET", "/")
    assert connection.getresponse().read() and connection.sock is sock


def test_pipelined_requests_are_answered_in_order(site):
    port, _, _ = site
    one = b"GET /json HTTP/1.1\r\nHost: x\r\n\r\n"
    two = b"GET /large.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=0-4000000\r\n\r\n"
    three = b"GET /deep/er HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    data = raw(port, one + two + three)
    assert data.count(b"HTTP/1.1 ") >= 3
    assert data.index(b'{"a":[1,') < data.index(b"bytes 0-4000000/5120000") < len(data)
    assert data.endswith(b"\r\n\r\n5")


def test_head_has_the_length_and_no_body(site):
    port, _, _ = site
    response, body = get(port, "/large.bin", "HEAD")
    assert response.status == 200 and body == b""
    assert response.getheader("Content-Length") == "5120000"
    assert raw(port, b"HEAD /json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").endswith(b"\r\n\r\n")


def test_large_files_arrive_whole_even_at_slow_readers(site):
    port, files, _ = site
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(nodes.TIME)
    connection.connect(("127.0.0.1", port))
    connection.sendall(b"GET /large.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    data = b""
    while True:
        piece = connection.recv(100_000)
        if not piece:
            break
        data += piece
    assert data.split(b"\r\n\r\n", 1)[1] == (files / "large.bin").read_bytes()


def test_parts_and_conditions(site):
    port, _, _ = site
    response, body = get(port, "/large.bin", headers={"Range": "bytes=256-511"})
    assert response.status == 206 and body == bytes(range(256))
    etag = response.getheader("ETag")
    response, body = get(port, "/large.bin", headers={"If-None-Match": etag})
    assert response.status == 304 and body == b""


def test_http_1_0_closes_unless_asked_not_to(site):
    port, _, _ = site
    assert raw(port, b"GET /json HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 OK")
    kept = b"GET /json HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /deep/er HTTP/1.0\r\n\r\n"
    assert raw(port, kept).endswith(b"5")


@pytest.mark.parametrize(("request_bytes", "status"), [
    (b"\r\n\r\nrubbish\r\n\r\n", b"400"),
    (b"GET\r\n\r\n", b"400"),
    (b"GET relative HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
    (b"GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"400"),
    (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\n" + b"X: " + b"x" * 100_000 + b"\r\n\r\n", b"431"),
    (b"POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n", b"413"),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: nothing\r\n\r\n", b"400"),
    (b"DELETE /index.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"405"),
    (b"GET /../config.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
    (b"GET /%2e%2e/.crossbar/config.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
])
def test_bad_requests_are_refused(site, request_bytes, status):
    port, _, _ = site
    answer = raw(port, request_bytes)
    assert answer.startswith(b"HTTP/1.1 " + status), answer[:200]


def test_a_client_that_sends_no_request_is_disconnected(start, port):
    document = nodes.config(port)
    document["workers"][0]["transports"][0]["options"] = {"client_timeout": 1}
    start(document)
    assert raw(port, b"") == b""
    assert raw(port, b"GET / HTTP/1.1\r\nHost:") == b""


def test_the_access_log_has_a_line_for_each_request(start, port):
    document = nodes.config(port)
    document["workers"][0]["transports"][0]["options"] = {"access_log": True, "hsts": True, "hsts_max_age": 60}
    node = start(document)
    response, _ = get(port, "/some/where?x=1")
    assert response.status == 404
    assert response.getheader("Strict-Transport-Security") == "max-age=60"
    node.wait_for(r'tcp4:127.0.0.1:\d+ "GET /some/where\?x=1" 404 \d+')


@pytest.mark.parametrize(("service", "advice"), [
    ({"type": "wsgi", "module": "m", "object": "o"}, "it hosts Python code; run that in a server of its own"),
    ({"type": "resource", "classname": "c"}, "it hosts Python code; run that in a server of its own"),
    ({"type": "wap", "templates": "t"}, "renders templates in Python"),
    ({"type": "catalog"}, "belongs to XBR"),
    ({"type": "websocket-reverseproxy"}, ""),
])
def test_check_names_services_that_are_not_available(tmp_path, service, advice):
    directory = nodes.write_config(tmp_path, nodes.config(nodes.free_port(), paths={"x": service}))
    done = nodes.run("check", "--cbdir", directory)
    line = next(line for line in done.stdout.splitlines() if "not available here" in line)
    assert done.returncode == 0 and "transports[0].paths.x" in line and f'"{service["type"]}"' in line and advice in line
    assert nodes.run("start", "--cbdir", directory).returncode == 1
