"""The path service `upload`: files that come in chunks, as Resumable.js sends them."""

import json
import os
import socket
import threading
import urllib.parse

import pytest

from support import node as nodes
from support.http import request
from support.wamp import Client

FIELDS = {"file_name": "resumableFilename", "mime_type": "resumableType", "total_size": "resumableTotalSize",
          "chunk_number": "resumableChunkNumber", "chunk_size": "resumableChunkSize",
          "total_chunks": "resumableTotalChunks", "content": "file", "on_progress": "on_progress",
          "session": "session", "chunk_extra": "chunk_extra", "finish_extra": "finish_extra"}
REALM = nodes.realm(roles=[
    {"name": "anonymous", "permissions": [nodes.allow()]},
    {"name": "uploader", "permissions": [nodes.allow("com.upload.*", call=False, register=False, subscribe=False)]},
])


@pytest.fixture
def site(start, port, tmp_path):
    """A node that takes files: (port, directory of complete files, of unfinished ones, node)."""
    files, temp = tmp_path / "files", tmp_path / "temp"
    files.mkdir()
    service = {"type": "upload", "realm": "realm1", "role": "uploader", "directory": str(files),
               "temp_directory": str(temp), "form_fields": FIELDS}
    paths = {
        "upload": {**service, "options": {"max_file_size": 30_000_000, "file_permissions": "0640",
                                          "file_types": [".bin", ".txt"]}},
        "quick": {**service, "temp_directory": str(tmp_path / "temp2"), "options": {"upload_timeout": 1}},
    }
    node = start(nodes.config(port, realms=[REALM], paths=paths))
    return port, files, temp, node


def form(name, number, content, total_size, chunk_size, total_chunks, **more):
    """The body and headers of a chunk as a browser sends it."""
    values = {"resumableFilename": name, "resumableType": "text/plain", "resumableTotalSize": total_size,
              "resumableChunkNumber": number, "resumableChunkSize": chunk_size, "resumableTotalChunks": total_chunks,
              **more}
    body = b"".join(f'--BOUNDARY\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
                    for key, value in values.items() if value is not None)
    body += (f'--BOUNDARY\r\nContent-Disposition: form-data; name="file"; filename="blob"\r\n'
             "Content-Type: application/octet-stream\r\n\r\n").encode() + content + b"\r\n--BOUNDARY--\r\n"
    return body, {"Content-Type": "multipart/form-data; boundary=BOUNDARY"}


def send(port, *chunk, path="/upload", **more):
    body, headers = form(*chunk, **more)
    response, answer = request(port, "POST", path, body, headers)
    return response.status, answer


def chunks_of(data, size):
    """As Resumable.js makes them: the last one is the largest."""
    count = max(len(data) // size, 1)
    return [(number, data[(number - 1) * size:number * size if number < count else len(data)], len(data), size, count)
            for number in range(1, count + 1)]


def is_there(port, name, number):
    query = urllib.parse.urlencode({"resumableFilename": name, "resumableChunkNumber": number})
    return request(port, "GET", f"/upload?{query}")[0].status == 200


def test_a_file_comes_in_chunks_and_is_whole_or_not_there(site):
    port, files, temp, _ = site
    data = os.urandom(5_500_000)
    chunks = chunks_of(data, 1024 * 1024)
    for chunk in [*chunks[1:], chunks[1]]:
        assert not is_there(port, "a b+c.bin", chunk[0]) or chunk == chunks[1]
        assert send(port, "a b+c.bin", *chunk) == (200, b"")
        assert is_there(port, "a b+c.bin", chunk[0])
    assert not is_there(port, "a b+c.bin", 1)
    assert list(files.iterdir()) == [] and len(list(temp.iterdir())) == 1
    assert send(port, "a b+c.bin", *chunks[0])[0] == 200
    assert (files / "a b+c.bin").read_bytes() == data
    assert (files / "a b+c.bin").stat().st_mode & 0o777 == 0o640
    assert list(temp.iterdir()) == [] and not is_there(port, "a b+c.bin", 1)


def test_many_clients_at_a_time(site):
    port, files, temp, _ = site
    data = [os.urandom(2_000_000) for _ in range(4)]
    statuses = []

    def upload(index):
        for chunk in chunks_of(data[index], 300_000):
            statuses.append(send(port, f"{index}.bin", *chunk)[0])

    threads = [threading.Thread(target=upload, args=[index]) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(nodes.TIME)
    assert set(statuses) == {200}
    assert [(files / f"{index}.bin").read_bytes() for index in range(4)] == data


def test_progress_is_published_to_the_topic_that_the_client_names(site):
    port, _, _, node = site
    watcher, other = Client(port), Client(port)
    for client in (watcher, other):
        client.subscribe("com.upload.progress")
    more = {"on_progress": "com.upload.progress", "session": watcher.session, "chunk_extra": '{"a": [1]}',
            "finish_extra": '{"b": 2}'}
    for chunk in chunks_of(b"0123456789", 4):
        assert send(port, "f.txt", *chunk, **more)[0] == 200
    events = [watcher.receive()[4] for _ in range(4)]
    about = {"id": "f.txt", "name": "f.txt", "total": 10, "chunk_extra": {"a": [1]}}
    assert events == [
        [{**about, "chunk": 1, "status": "started", "remaining": 10, "progress": 0.0}],
        [{**about, "chunk": 1, "status": "progress", "remaining": 6, "progress": 0.4}],
        [{**about, "chunk": 2, "status": "progress", "remaining": 0, "progress": 1.0}],
        [{**about, "chunk": 2, "status": "finished", "remaining": 0, "progress": 1.0, "finish_extra": {"b": 2}}],
    ]
    other.nothing_comes()
    assert send(port, "g.txt", 1, b"x", 1, 1, 1, on_progress="com.upload.progress")[0] == 200
    for client in (watcher, other):
        assert [client.receive()[4][0]["status"] for _ in range(2)] == ["started", "finished"]
    # A role that may not publish there loses the event, not the file.
    assert send(port, "h.txt", 1, b"x", 1, 1, 1, on_progress="com.secret")[0] == 200
    node.wait_for('upload: progress was not published to "com.secret": wamp.error.not_authorized')


@pytest.mark.parametrize(("chunk", "more", "status"), [
    (("../x.txt", 1, b"x", 1, 1, 1), {}, 400),
    (("/etc/x.txt", 1, b"x", 1, 1, 1), {}, 400),
    ((".x.txt", 1, b"x", 1, 1, 1), {}, 400),
    (("a.txt", 1, b"xy", 1, 1, 1), {}, 400),
    (("a.txt", 1, b"x", 30_000_001, 10_000, 3000), {}, 413),
    (("a.exe", 1, b"x", 1, 1, 1), {}, 415),
    (("a.txt", "one", b"x", 1, 1, 1), {}, 400),
    (("a.txt", -1, b"x", 1, 1, 1), {}, 400),
    (("a.txt", 1, b"x", 1, 1, 99999999999999999999), {}, 400),
    (("a.txt", 1, b"x", 1, 1, 1), {"chunk_extra": "{"}, 400),
    (("a.txt", 1, b"x", 1, 1, 1), {"on_progress": "com.upload.x", "session": "me"}, 400),
    (("a.txt", 1, b"x", 1, 1, 1), {"resumableFilename": None}, 400),
])
def test_what_is_wrong_is_refused_and_leaves_nothing(site, chunk, more, status):
    port, files, temp, _ = site
    got, answer = send(port, *chunk, **more)
    assert got == status and answer
    assert list(files.iterdir()) == [] and list(temp.iterdir()) == [] and not (files.parent / "x.txt").exists()


def test_requests_that_are_no_uploads(site):
    port, _, _, _ = site
    assert request(port, "GET", "/upload")[0].status == 400
    assert request(port, "GET", "/upload?resumableFilename=a&resumableChunkNumber=x")[0].status == 400
    assert request(port, "PUT", "/upload", "x")[0].status == 405
    assert request(port, "POST", "/upload", "x")[0].status == 400
    body, headers = form("a.txt", 1, b"x", 1, 1, 1)
    assert request(port, "POST", "/upload", body[:-20], headers)[0].status == 400


def test_bodies_are_as_large_as_a_chunk_may_be_and_no_larger(site):
    port, files, _, _ = site
    data = os.urandom(8 * 1024 * 1024)
    assert send(port, "large.bin", 1, data, len(data), len(data), 1)[0] == 200
    assert (files / "large.bin").read_bytes() == data
    for path in (b"/upload", b"/ws"):
        with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as connection:
            connection.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 413")
        with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as connection:
            connection.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                               b"1400000\r\n" + b"x" * 1000)
            assert connection.recv(1000).startswith(b"HTTP/1.1 413")


def test_a_client_that_asks_first_is_told_to_go_on(site):
    port, files, _, _ = site
    body, headers = form("asked.txt", 1, b"content", 7, 7, 1)
    head = f"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: {headers['Content-Type']}\r\n" \
           f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert (files / "asked.txt").read_bytes() == b"content"


def test_what_is_not_finished_is_removed(site):
    port, files, temp, node = site
    assert send(port, "half.bin", *chunks_of(b"0123456789", 4)[0], path="/quick")[0] == 200
    left = files.parent / "temp2"
    assert len(list(left.iterdir())) == 1
    # The service looks every ten seconds, and when a chunk comes.
    node.wait_for("upload: half.bin was not finished and has been removed", timeout=nodes.TIME + 15)
    assert list(left.iterdir()) == []


@pytest.mark.parametrize(("change", "problem"), [
    ({"directory": "/nowhere/at/all"}, "upload: there is no directory /nowhere/at/all"),
    ({"temp_directory": "/dev/shm"}, "upload: the directories .* must be on one file system"),
])
def test_directories_that_do_not_serve_stop_the_start(tmp_path, port, change, problem):
    service = {"type": "upload", "realm": "realm1", "role": "uploader", "directory": str(tmp_path),
               "form_fields": FIELDS, **change}
    node = nodes.Node(nodes.write_config(tmp_path / ".crossbar", nodes.config(port, realms=[REALM],
                                                                              paths={"upload": service})), wait=False)
    assert node.wait() == 1
    node.wait_for(problem)
