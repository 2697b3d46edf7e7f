"""The path service `archive`: files out of a ZIP archive."""

import hashlib
import http.server
import os
import random
import socket
import ssl
import threading
import time
import zipfile

import pytest

from support import node as nodes
from support.certificates import Authority
from support.http import request

LARGE = random.Random(1).randbytes(3_000_000)
TEXT = b"a line of text\n" * 100_000


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    file = tmp_path_factory.mktemp("zip") / "site.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("app/index.html", "<p>home</p>")
        out.writestr("app/sub/index.html", "<p>sub</p>")
        out.writestr("app/text.txt", TEXT)
        out.writestr("app/data.custom", "custom")
        out.writestr("app/empty", "")
        out.writestr(zipfile.ZipInfo("app/large.bin"), LARGE)  # not compressed
        out.writestr("app/folder/", "")
        out.writestr("secret.txt", "outside the prefix")
        out.writestr("../evil", "nothing is unpacked to the disk")
    return file


@pytest.fixture(scope="module")
def site(archive, tmp_path_factory):
    """A node with the archive, as it is and cached: (port, node)."""
    port = nodes.free_port()
    served = {"type": "archive", "archive": str(archive), "default_object": "index.html", "object_prefix": "app",
              "mime_types": {".custom": "text/x-custom"},
              "hashes": ["0" * 64, hashlib.sha256(archive.read_bytes()).hexdigest().upper()]}
    paths = {
        "plain": served,
        "cached": {**served, "cache": True},
        "app": {**served, "options": {"default_file": "index.html"}},
        "all": {"type": "archive", "archive": str(archive)},
    }
    node = nodes.Node(nodes.write_config(tmp_path_factory.mktemp("node") / ".crossbar", nodes.config(port, paths=paths)))
    yield port, node
    assert node.stop() == 0


def get(port, path, method="GET", headers=None):
    response, body = request(port, method, path, headers=headers)
    return response.status, response.headers, body


@pytest.mark.parametrize("service", ["plain", "cached", "cached", "app"])
def test_files_come_out_as_they_went_in(site, service):
    port, _ = site
    for name, content in (("large.bin", LARGE), ("text.txt", TEXT), ("empty", b""), ("", b"<p>home</p>"),
                          ("sub/", b"<p>sub</p>"), ("data.custom", b"custom")):
        status, headers, body = get(port, f"/{service}/{name}")
        assert (status, body) == (200, content)
        assert headers["Content-Length"] == str(len(content))
        again = get(port, f"/{service}/{name}", headers={"If-None-Match": headers["ETag"]})
        assert (again[0], again[2]) == (304, b"")
        head = get(port, f"/{service}/{name}", "HEAD")
        assert (head[0], head[1]["Content-Length"], head[2]) == (200, str(len(content)), b"")
    assert get(port, f"/{service}/text.txt")[1]["Content-Type"] == "text/plain; charset=utf-8"
    assert get(port, f"/{service}/data.custom")[1]["Content-Type"] == "text/x-custom"


def test_what_is_not_there(site):
    port, _ = site
    for path in ("/plain/nothing", "/plain/sub", "/plain/folder/", "/plain/../secret.txt", "/plain/%2e%2e/secret.txt",
                 "/plain//index.html", "/all/", "/all/config.json", "/all/%2e%2e%2fetc/passwd"):
        assert get(port, path)[0] == 404, path
    assert get(port, "/app/not/there")[::2] == (200, b"<p>home</p>")
    assert get(port, "/all/secret.txt")[2] == b"outside the prefix"
    assert get(port, "/plain/", "POST")[0] == 405


def test_slow_readers_and_those_that_leave(site):
    port, _ = site
    for _ in range(20):
        gone = socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME)
        gone.sendall(b"GET /plain/large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        assert gone.recv(1000)
        gone.close()
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.settimeout(nodes.TIME)
    slow.connect(("127.0.0.1", port))
    slow.sendall(b"GET /plain/large.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    # Others are served while it waits.
    assert get(port, "/plain/text.txt")[2] == TEXT
    data = b""
    while piece := slow.recv(100_000):
        data += piece
    assert data.split(b"\r\n\r\n", 1)[1] == LARGE


def test_a_damaged_file_is_not_passed_off_as_whole(archive, start, port, tmp_path):
    data = bytearray(archive.read_bytes())
    at = data.index(LARGE[1_000_000:1_000_100])
    data[at] ^= 1
    small = data.index(b"app/index.html") + len(b"app/index.html") + 3
    data[small] ^= 0x55
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(data)
    node = start(nodes.config(port, paths={"zip": {"type": "archive", "archive": str(damaged)}}))
    with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as connection:
        connection.sendall(b"GET /zip/app/large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        body = b""
        while piece := connection.recv(100_000):
            body += piece
    assert b"Content-Length: 3000000\r\n" in body and len(body.split(b"\r\n\r\n", 1)[1]) < 3_000_000
    node.wait_for("archive: app/large.bin: ")
    assert get(port, "/zip/app/index.html")[0] == 500
    assert get(port, "/zip/app/text.txt")[2] == TEXT


@pytest.mark.parametrize(("change", "problem"), [
    ({"archive": "none.zip", "origin": "http://example.org/a.zip"},
     "there is no archive .*none.zip; \"download\": true fetches it from http://example.org/a.zip"),
    ({"archive": "config.json"}, "config.json: Not a zip archive"),
    ({"hashes": ["ab" * 32]}, "has the SHA-256 hash [0-9a-f]{64}, which is none of those"),
])
def test_an_archive_that_cannot_be_used_stops_the_start(archive, start, port, change, problem):
    node = nodes.Node(nodes.write_config(archive.parent / str(port), nodes.config(
        port, paths={"zip": {"type": "archive", "archive": str(archive), **change}})), wait=False)
    assert node.wait() == 1
    node.wait_for(problem)


class Origin:
    """A server that has the archive: `answer(handler)` sends it. Over TLS with an authority's certificate."""

    def __init__(self, answer, authority=None):
        origin = self
        self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                origin.asked.append(self.path)
                answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}/files/site.zip?version=1"
        if authority:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            key, certificate = authority.issue("origin")
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.url = self.url.replace("http:", "https:")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def whole(data):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
    return answer


@pytest.fixture
def origin():
    """origin(answer, authority): an Origin that ends with the test."""
    running = []

    def make(*arguments):
        running.append(Origin(*arguments))
        return running[-1]

    yield make
    for each in running:
        each.server.shutdown()
        each.server.server_close()


def fetching(port, url, **more):
    return nodes.config(port, paths={"zip": {"type": "archive", "archive": "fetched.zip", "origin": url, "download": True,
                                             **more}})


@pytest.mark.parametrize("secure", [False, True])
def test_an_archive_that_is_missing_is_fetched_once(archive, origin, start, port, tmp_path, monkeypatch, secure):
    authority = Authority(tmp_path / "ca") if secure else None
    if secure:
        monkeypatch.setenv("SSL_CERT_FILE", authority.file)
    data = archive.read_bytes()
    server = origin(whole(data), authority)
    document = fetching(port, server.url, hashes=[hashlib.sha256(data).hexdigest()])
    node = start(document)
    node.wait_for("archive .*fetched.zip with [0-9]+ files, from http")
    assert get(port, "/zip/app/large.bin")[::2] == (200, LARGE)
    assert server.asked == ["/files/site.zip?version=1"]
    directory = node.directory
    assert sorted(file for file in os.listdir(directory) if "zip" in file) == ["fetched.zip"]
    assert (directory / "fetched.zip").read_bytes() == data
    assert node.stop() == 0
    again = start(document)
    again.wait_for("archive .*fetched.zip with [0-9]+ files$")
    assert get(port, "/zip/app/text.txt")[2] == TEXT and len(server.asked) == 1


def cut_short(data):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[:1000])
    return answer


def not_found(handler):
    handler.send_error(404)


@pytest.mark.parametrize(("kind", "problem"), [
    ("missing", "the server answers 404"),
    ("cut short", "the connection ended, or stood still, before all of it was there"),
    ("no archive", "Not a zip archive"),
    ("another", "has the SHA-256 hash [0-9a-f]{64}, which is none of those"),
    ("untrusted", "the server's certificate is not to be trusted"),
    ("away", "the server cannot be reached"),
])
def test_what_cannot_be_fetched_is_not_served_and_leaves_nothing(archive, origin, start, port, tmp_path, kind, problem):
    data = archive.read_bytes()
    answer = {"missing": not_found, "cut short": cut_short(data), "no archive": whole(b"no archive")}.get(kind, whole(data))
    server = origin(answer, Authority(tmp_path / "ca") if kind == "untrusted" else None)
    with socket.socket() as away:
        away.bind(("127.0.0.1", 0))  # nobody listens there
        url = f"http://127.0.0.1:{away.getsockname()[1]}/x.zip" if kind == "away" else server.url
        node = start(fetching(port, url, **({"hashes": ["ab" * 32]} if kind == "another" else {})))
        node.wait_for("archive .*fetched.zip: it cannot be fetched from http.*" + problem)
    status, headers, _ = get(port, "/zip/app/text.txt")
    assert (status, headers["Retry-After"]) == (503, "10")
    assert not [file for file in os.listdir(node.directory) if "zip" in file]


def test_a_failed_attempt_is_followed_by_another(archive, origin, start, port):
    answers = [not_found, whole(archive.read_bytes())]
    server = origin(lambda handler: answers[len(server.asked) - 1](handler))
    node = start(fetching(port, server.url))
    node.wait_for("it cannot be fetched")
    end = time.monotonic() + 3 * nodes.TIME
    while get(port, "/zip/app/text.txt")[::2] != (200, TEXT):
        assert time.monotonic() < end, node.output()
        time.sleep(0.05)
    assert len(server.asked) == 2


def test_a_node_ends_while_an_archive_is_being_fetched(origin, start, port):
    begun, over = threading.Event(), threading.Event()

    def never_end(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        begun.set()
        try:
            while not over.wait(0.1):
                handler.wfile.write(b"x")
        except OSError:
            pass  # the node has gone

    node = start(fetching(port, origin(never_end).url))
    assert begun.wait(nodes.TIME)
    assert get(port, "/zip/")[0] == 503
    try:
        assert node.stop() == 0
    finally:
        over.set()
    assert not [file for file in os.listdir(node.directory) if "zip" in file]
