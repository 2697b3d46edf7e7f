"""The path service `archive`: files out of a ZIP archive."""

import hashlib
import random
import socket
import zipfile

import pytest

from support import node as nodes
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
     "there is no archive .*none.zip; put there what is at http://example.org/a.zip"),
    ({"archive": "config.json"}, "config.json: Not a zip archive"),
    ({"hashes": ["ab" * 32]}, "has the SHA-256 hash [0-9a-f]{64}, which is none of those"),
])
def test_an_archive_that_cannot_be_used_stops_the_start(archive, start, port, change, problem):
    node = nodes.Node(nodes.write_config(archive.parent / str(port), nodes.config(
        port, paths={"zip": {"type": "archive", "archive": str(archive), **change}})), wait=False)
    assert node.wait() == 1
    node.wait_for(problem)
