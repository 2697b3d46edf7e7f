"""The path service `cgi`: scripts that are run for each request."""

import json
import os
import re
import socket
import sys
import threading
import time

import pytest

from support import node as nodes
from support.http import request

LIMIT = max(2, round(nodes.TIME / 5))  # seconds of the service whose scripts may not take long
SCRIPTS = {
    "echo": """
        import json, os, sys
        body = sys.stdin.read()
        print("Content-Type: application/json\\n")
        print(json.dumps({"environment": dict(os.environ), "body": body, "arguments": sys.argv[1:],
                          "directory": os.getcwd()}))
    """,
    "teapot": """
        print("Status: 418 Teapot\\nX-Made-By: hand\\nContent-Length: 3\\n\\nshort and stout", end="")
    """,
    "elsewhere": "print('Location: http://example.org/\\n')",
    "nothing": "pass",
    "garbage": "print('hello')\nprint()",
    "crash": "raise SystemError('this is why')",
    "deaf": """
        import os, sys
        os.close(0)
        print("Content-Type: text/plain\\n\\nnot interested")
    """,
    "much": """
        import sys
        sys.stdout.write("Content-Type: text/plain\\n\\n")
        try:
            for number in range(400): sys.stdout.write(f"{number:9}\\n" * 1000)
        except BrokenPipeError: pass
    """,
    # Says who it is, and stays until it is ended; so does a process that it has started.
    "stay": """
        import os, subprocess, sys, time
        child = subprocess.Popen(["sleep", "1000"])
        print("Content-Type: text/plain\\n", flush=True)
        print(os.getpid(), child.pid, flush=True)
        time.sleep(1000)
    """,
    # The same of a shell, which starts quickly.
    "stay.sh": """
        echo Content-Type: text/plain; echo; echo
        sleep 1000 &
        echo $$ $!
        wait
    """,
    "sub/below": "print('Content-Type: text/plain\\n\\nbelow')",
}


def write_scripts(directory):
    for name, text in SCRIPTS.items():
        lines = text.strip("\n").split("\n")
        indent = len(lines[0]) - len(lines[0].lstrip())
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(line[indent:] for line in lines) + "\n")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A node with the scripts: (port, directory of the scripts, node)."""
    port = nodes.free_port()
    base = tmp_path_factory.mktemp("cgi")
    write_scripts(base / "scripts")
    (base / "secret").write_text("print('Content-Type: text/plain\\n\\nsecret')")
    (base / "scripts" / "out").symlink_to(base / "secret")
    (base / "scripts" / "in").symlink_to(base / "scripts" / "teapot")
    service = {"type": "cgi", "directory": "../scripts", "processor": sys.executable}
    paths = {
        "cgi": service,
        "quick": {**service, "processor": "/bin/sh", "options": {"timeout": LIMIT}},
        "few": {**service, "options": {"max_processes": 2}},
        "little": {**service, "options": {"max_output": 1_000_000}},
    }
    node = nodes.Node(nodes.write_config(base / ".crossbar", nodes.config(port, paths=paths)))
    yield port, base / "scripts", node
    assert node.stop() == 0


def get(port, path, method="GET", body=None, headers=None):
    response, answer = request(port, method, path, body, headers)
    return response.status, response.headers, answer


def wait_until(condition):
    end = time.monotonic() + nodes.TIME
    while not condition():
        assert time.monotonic() < end, "this takes too long"
        time.sleep(0.005)


def begin(port, path):
    """A request for the script that stays: its connection and the processes."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    data = b""
    while not (found := re.search(rb"\n(\d+) (\d+)\n", data)):
        piece = connection.recv(10_000)
        assert piece, data
        data += piece
    return connection, [int(found[1]), int(found[2])]


def test_a_script_gets_the_request_and_gives_the_answer(site):
    port, scripts, _ = site
    body = "Grüße " * 100_000
    status, headers, answer = get(port, "/cgi/echo/more%20of/it?a=1&b=%20", "POST", body.encode(),
                                  {"Content-Type": "text/plain", "X-Thing": "y"})
    assert (status, headers["Content-Type"]) == (200, "application/json")
    seen = json.loads(answer)
    assert seen["body"] == body and seen["arguments"] == [] and seen["directory"] == str(scripts)
    environment = seen["environment"]
    assert environment["REQUEST_METHOD"] == "POST" and environment["PATH_INFO"] == "/more of/it"
    assert environment["SCRIPT_NAME"] == "/cgi/echo" and environment["QUERY_STRING"] == "a=1&b=%20"
    assert environment["CONTENT_LENGTH"] == str(len(body.encode())) and environment["HTTP_X_THING"] == "y"
    assert environment["REMOTE_ADDR"] == "127.0.0.1" and environment["SERVER_PORT"] == str(port)
    assert environment["PATH"] == os.environ["PATH"] and "HOME" not in environment


def test_status_headers_and_redirects_are_the_scripts(site):
    port, _, _ = site
    status, headers, answer = get(port, "/cgi/teapot")
    assert (status, headers["X-Made-By"], answer) == (418, "hand", b"short and stout")
    status, headers, _ = get(port, "/cgi/elsewhere")
    assert (status, headers["Location"]) == (302, "http://example.org/")
    assert get(port, "/cgi/teapot", "HEAD")[2] == b""
    assert get(port, "/cgi/sub/below")[2] == b"below\n"
    assert get(port, "/cgi/in")[0] == 418
    assert get(port, "/cgi/deaf", "POST", b"x" * 1_000_000)[2] == b"not interested\n"
    expected = "".join(f"{number:9}\n" * 1000 for number in range(400)).encode()
    assert get(port, "/cgi/much")[2] == expected


def test_only_files_of_the_directory_are_run(site):
    port, _, node = site
    for path in ("/cgi/", "/cgi", "/cgi/sub", "/cgi/missing", "/cgi/out", "/cgi/../secret", "/cgi/%2e%2e/secret",
                 "/cgi/..%2fsecret", "/cgi/sub/..%2f..%2f..%2fsecret", "/cgi/./teapot"):
        assert get(port, path)[0] == 404, path


@pytest.mark.parametrize(("script", "reason"), [
    ("nothing", "it ended without an answer"),
    ("garbage", "its output does not begin with headers"),
    ("crash", "it ended without an answer"),
])
def test_scripts_without_an_answer(site, script, reason):
    port, scripts, node = site
    assert get(port, f"/cgi/{script}")[0] == 500
    node.wait_for(f"cgi: {scripts}/{script}: {reason}")


def test_what_a_script_writes_to_its_error_output_is_logged(site):
    port, scripts, node = site
    before = len(node.lines)
    get(port, "/cgi/crash")
    node.wait_for(f"cgi: {scripts}/crash says: .*SystemError: this is why", after=before)


def test_a_script_that_takes_too_long_is_ended_with_what_it_has_started(site):
    port, _, node = site
    connection, processes = begin(port, "/quick/stay.sh")
    while connection.recv(1000):
        pass
    wait_until(lambda: not any(map(nodes.is_alive, processes)))
    node.wait_for(f"stay.sh: it has not ended within {LIMIT} s")


def test_a_client_that_leaves_takes_its_script_with_it(site):
    port, _, _ = site
    connection, processes = begin(port, "/cgi/stay")
    assert all(map(nodes.is_alive, processes))
    connection.close()
    wait_until(lambda: not any(map(nodes.is_alive, processes)))


def test_the_number_of_processes_is_limited(site):
    port, _, _ = site
    running = [begin(port, "/few/stay") for _ in range(2)]
    status, headers, _ = get(port, "/few/teapot")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert get(port, "/cgi/teapot")[0] == 418  # of another service
    running[0][0].close()
    wait_until(lambda: get(port, "/few/teapot")[0] == 418)
    running[1][0].close()


def test_the_length_of_output_is_limited(site):
    port, _, node = site
    with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as connection:
        connection.sendall(b"GET /little/much HTTP/1.1\r\nHost: x\r\n\r\n")
        data = b""
        while piece := connection.recv(100_000):
            data += piece
    assert len(data) < 1_200_000 and not data.endswith(b"0\r\n\r\n")
    node.wait_for("much: it writes more than 1000000 bytes")


def test_many_requests_at_a_time(site):
    port, _, _ = site
    answers = []

    def ask():
        answers.append(get(port, "/cgi/teapot")[0])

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(nodes.TIME)
    assert answers == [418] * 10


def test_no_script_outlives_the_node(tmp_path):
    write_scripts(tmp_path / "scripts")
    for how in (nodes.signal.SIGINT, nodes.signal.SIGKILL):
        port = nodes.free_port()
        paths = {"cgi": {"type": "cgi", "directory": "../scripts", "processor": sys.executable}}
        node = nodes.Node(nodes.write_config(tmp_path / ".crossbar", nodes.config(port, paths=paths)))
        _, processes = begin(port, "/cgi/stay")
        assert node.stop(how) == (0 if how == nodes.signal.SIGINT else -how)
        # Of a node that is killed, the kernel ends the script only.
        wait_until(lambda: not nodes.is_alive(processes[0]))
        if how == nodes.signal.SIGINT:
            wait_until(lambda: not nodes.is_alive(processes[1]))
        else:
            os.kill(processes[1], how)


@pytest.mark.parametrize(("change", "problem"), [
    ({"directory": "../nowhere"}, "cgi: there is no directory .*/nowhere"),
    ({"processor": "/usr/bin/no-such-program"}, "cgi: /usr/bin/no-such-program is not a program"),
])
def test_a_directory_or_program_that_is_missing_stops_the_start(tmp_path, port, change, problem):
    (tmp_path / "scripts").mkdir()
    service = {"type": "cgi", "directory": "../scripts", "processor": sys.executable, **change}
    node = nodes.Node(nodes.write_config(tmp_path / ".crossbar", nodes.config(port, paths={"cgi": service})), wait=False)
    assert node.wait() == 1
    node.wait_for(problem)
