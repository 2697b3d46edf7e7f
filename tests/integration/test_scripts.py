"""bin/run-crossbar and bin/run-worker, in a copy of the tree whose lessons listen on free ports. The program and the
workers are the ones that were built."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import urllib.request

import pytest

from support import node as nodes
from support.wamp import TEXT, Client, WebSocket


PORTS = dict.fromkeys((8001, 8003, 8004, 8080, 3333, 8010, 8110, 8081, 9004, 9008, 9009, 9010, 6379), 0)  # what stands in for each port, anew for each test


class Script:
    """A script in a terminal's place: its lines can be waited for, and signals reach its whole process group."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
                                        # A shell in the background ignores SIGINT, and so would all it starts.
                                        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        self.lines = []
        self.changed = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def wait_for(self, pattern):
        with self.changed:
            found = self.changed.wait_for(lambda: next((x for x in self.lines if re.search(pattern, x)), None),
                                          nodes.TIME)
        assert found, f"no {pattern!r} in\n" + "\n".join(self.lines)
        return found

    def interrupt(self):
        """Ctrl+C."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(nodes.TIME)


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "crosspoint"
    root.mkdir()
    for name in ("bin", "lessons", "config"):
        shutil.copytree(nodes.ROOT / name, root / name, ignore=shutil.ignore_patterns("logs", "node_modules", "node.pid"))
    (root / "public").symlink_to(nodes.ROOT / "public")
    (root / "build" / "bin").mkdir(parents=True)
    for program in pathlib.Path(nodes.PROGRAM).parent.iterdir():
        (root / "build" / "bin" / program.name).symlink_to(program)
    for name in ("setup", "build"):  # what they do has been done
        (root / "bin" / name).write_text("#!/bin/sh\n")
    PORTS.update({number: nodes.free_port() for number in PORTS})
    for file, number in (("lessons/1", 8001), ("lessons/3", 8003), ("lessons/4", 8004), ("lessons/4", 9004),
                         ("lessons/8", 8080), ("lessons/8", 9008), ("lessons/9", 3333), ("lessons/9", 9009),
                         ("lessons/10", 8010), ("lessons/10", 8110), ("lessons/10", 9010), ("lessons/10", 6379),
                         ("config/pages", 8081)):
        for config in (root / file).rglob("config.json"):
            config.write_text(re.sub(rf"\b{number}\b", str(PORTS[number]), config.read_text()))
    yield root
    for directory in ("config/pages", "lessons/1/.crossbar", "lessons/3/.crossbar",
                      *(f"lessons/{number}/finished/.crossbar" for number in (4, 8, 9, 10)),
                      "lessons/10/finished/nodes/1/.crossbar", "lessons/10/nodes/2/.crossbar"):
        nodes.run("stop", "--cbdir", root / directory)


def get(port, path="/"):
    with urllib.request.urlopen(f"http://localhost:{port}{path}") as answer:
        return answer.read().decode()


def running(directory):
    return nodes.run("status", "--cbdir", directory, "--assert", "running").returncode == 0


def test_a_lesson_runs_until_ctrl_c(tree):
    script = Script(tree / "bin" / "run-crossbar", 1)
    script.wait_for("http://localhost:8081/1/")
    script.wait_for("ran successfully")
    assert "Lesson 1" in get(PORTS[8081], "/1/") and "lessons" in get(PORTS[8081]).lower()
    client = Client(PORTS[8001], realm="ws-workshop")
    client.subscribe("test")
    script.wait_for("<- SUBSCRIBE")  # the debug log is followed in the terminal
    script.wait_for("-> SUBSCRIBED")
    log = (tree / "lessons/1/.crossbar/logs/node.log").read_text()
    assert "<- SUBSCRIBE" in log and "-> SUBSCRIBED" in log
    assert script.interrupt() == 0
    assert not running(tree / "lessons/1/.crossbar") and not running(tree / "config/pages")


def test_lesson_0_has_a_server_in_the_place_of_a_router(tree, monkeypatch):
    port = nodes.free_port()
    monkeypatch.setenv("LESSON_0_PORT", str(port))
    first = Script(tree / "bin" / "run-crossbar", 0)
    first.wait_for(f"Listening at 127.0.0.1:{port}")
    assert "Lesson 0" in get(PORTS[8081], "/0/")
    second = Script(tree / "bin" / "run-crossbar", 0)  # the earlier one gives way
    second.wait_for(f"Listening at 127.0.0.1:{port}")
    assert first.process.wait(nodes.TIME) == 0
    client = WebSocket(port, upgrade=False)
    second.wait_for("connected")
    client.handshake("/", None, {})
    second.wait_for("-> HTTP/1.1 101")
    client.close()
    assert running(tree / "config/pages")
    assert second.interrupt() == 0
    assert not running(tree / "config/pages")
    with pytest.raises(ConnectionRefusedError):
        WebSocket(port)


def test_running_it_again_restarts_the_router_and_leaves_the_pages_alone(tree):
    first = Script(tree / "bin" / "run-crossbar", 1)
    first.wait_for("ran successfully")
    pages = json.loads((tree / "config/pages/node.pid").read_text())["pid"]
    router = json.loads((tree / "lessons/1/.crossbar/node.pid").read_text())["pid"]
    config = tree / "lessons/1/.crossbar/config.json"
    config.write_text(config.read_text().replace("ws-workshop", "edited"))
    second = Script(tree / "bin" / "run-crossbar", 1)
    second.wait_for("ran successfully")
    assert first.process.wait(nodes.TIME) == 0
    first.wait_for("stopped or replaced from elsewhere")
    assert Client(PORTS[8001], realm="edited").welcome[0] == 2
    assert json.loads((tree / "config/pages/node.pid").read_text())["pid"] == pages
    assert json.loads((tree / "lessons/1/.crossbar/node.pid").read_text())["pid"] != router
    # A router that fails or is interrupted leaves the pages to another lesson that still runs.
    third = Script(tree / "bin" / "run-crossbar", 3)
    third.wait_for("ran successfully")
    assert second.interrupt() == 0
    assert running(tree / "config/pages")
    assert third.interrupt() == 0
    assert not running(tree / "config/pages")


@pytest.mark.parametrize("lesson, port, path, message, answer, last", [
    (8, 8080, "/", {"connect": "server"}, {"data": {"clients": [{"id": 1}]}}, "layer.disconnect"),
    (9, 3333, "/ws", {"message": "move", "direction": "up"}, {"connections"}, "cage.connections"),
    (10, 8010, "/desk", {"event": "who"}, {"event", "id"}, "sockets.room.request"),
])
def test_lessons_for_plain_websocket_run_with_their_program(tree, monkeypatch, lesson, port, path, message, answer, last):
    monkeypatch.setenv("WORKSHOP_DB", str(tree / "db"))
    script = Script(tree / "bin" / "run-crossbar", lesson, "--finished")
    script.wait_for(f"http://localhost:8081/{lesson}/")
    script.wait_for(f'I registered the procedure "{last}"')
    if lesson == 8:
        other = WebSocket(PORTS[port], path, None)
        other.send_frame(TEXT, b'{"connect": "client"}')
        script.wait_for('Connection 1 says {"connect":"client"}')
    client = WebSocket(PORTS[port], path, None)
    client.send_frame(TEXT, json.dumps(message).encode())
    _, said, _ = client.receive_frame()
    heard = json.loads(said)
    assert heard == answer if isinstance(answer, dict) else set(heard) == answer, heard
    assert script.interrupt() == 0
    assert not running(tree / f"lessons/{lesson}/finished/.crossbar")


def test_lesson_10_runs_on_two_nodes(tree, monkeypatch):
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{PORTS[6379]}")
    monkeypatch.setenv("REDIS_PAGE_ADDRESS", f"127.0.0.1:{nodes.free_port()}")
    script = Script(tree / "bin" / "run-crossbar", 10, "--nodes", 2, "--finished")
    script.wait_for(r"the second one's page is http://localhost:8081/10/\?port=8110$")
    script.wait_for('I registered the procedure "sockets.room.request"')
    for name in ("node1", "node2"):  # the logs of both are followed
        script.wait_for(f'node "{name}" is there')

    def hears(link, text):
        while link.receive_frame()[1].decode() != text:
            pass

    ann = WebSocket(PORTS[8010], "/room?name=Ann", None)
    hears(ann, "Ann is here")
    bob = WebSocket(PORTS[8110], "/room?name=Bob", None)
    hears(ann, "Bob is here")
    ann.send_frame(TEXT, b"Hello")
    hears(bob, "Ann: Hello")
    os.kill(json.loads((tree / "lessons/10/nodes/2/.crossbar/node.pid").read_text())["pid"], signal.SIGKILL)
    script.wait_for("node 2 of lesson 10 has ended")
    ann.send_frame(TEXT, b"Bob?")
    hears(ann, "Ann: Bob?")
    assert script.interrupt() == 0
    assert not running(tree / "lessons/10/finished/nodes/1/.crossbar") and not running(tree / "config/pages")


def test_skip_shows_only_what_the_guests_say(tree):
    script = Script(tree / "bin" / "run-crossbar", 4, "--finished", "skip")
    script.wait_for(r"\[Guest.*authenticator")
    client = Client(PORTS[8004], join=False)
    client.join("ws-workshop", {"authmethods": ["anonymous"]})
    script.wait_for("Guest worker")
    assert script.interrupt() == 0
    shown = [line for line in script.lines if not line.startswith("Lesson 4")]
    assert shown and all("Guest" in line for line in shown), script.lines
    log = (tree / "lessons/4/finished/.crossbar/logs/node.log").read_text()
    assert "<- HELLO" in log and "[Guest" in log


@pytest.mark.parametrize("arguments, line", [
    ([], r"^run-crossbar: which lesson\? bin/run-crossbar N, with N one of 0 1 2 3"),
    (["77"], r'^run-crossbar: there is no lesson "77"; there are 0 1 2 3'),
    (["0", "--finished"], "^run-crossbar: lesson 0 has no router: leave out --finished and skip"),
    (["0", "skip"], "^run-crossbar: lesson 0 has no router: leave out --finished and skip"),
    (["../1"], r'^run-crossbar: there is no lesson "../1"'),
    (["1", "2"], "^run-crossbar: one lesson at a time"),
    (["1", "--nodes", "2"], "^run-crossbar: lesson 1 is for one node; leave out --nodes"),
    (["10", "--nodes", "3"], '^run-crossbar: --nodes "3"; allowed: 2'),
    (["10", "--nodes"], "^run-crossbar: --nodes says how many; allowed: 2"),
    (["1", "--fast"], 'run-crossbar: unknown argument "--fast"'),
])
def test_wrong_arguments_get_one_line(tree, arguments, line):
    result = subprocess.run([tree / "bin" / "run-crossbar", *arguments], capture_output=True, text=True,
                            timeout=nodes.TIME)
    assert result.returncode != 0 and result.stdout == ""
    assert re.search(line, result.stderr) and result.stderr.count("\n") == 1


def test_a_broken_config_gets_one_line_and_stops_nothing(tree):
    script = Script(tree / "bin" / "run-crossbar", 1)
    script.wait_for("ran successfully")
    config = tree / "lessons/1/.crossbar/config.json"
    config.write_text(config.read_text().replace('"websocket"', '"websoket"'))
    result = subprocess.run([tree / "bin" / "run-crossbar", "1"], capture_output=True, text=True, timeout=nodes.TIME)
    assert result.returncode != 0
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and "config.json" in lines[0] and "websoket" in lines[0], result.stderr
    assert running(tree / "lessons/1/.crossbar")
    assert script.interrupt() == 0


@pytest.mark.parametrize("number", [8001, 8081])
def test_a_port_in_use_gets_one_line(tree, number):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("0.0.0.0", PORTS[number]))
        other.listen()
        script = Script(tree / "bin" / "run-crossbar", 1)
        assert script.process.wait(nodes.TIME) == 1
        script.wait_for(f"{PORTS[number]}.*in use")
    assert len([line for line in script.lines if "in use" in line]) == 1, script.lines
    assert not running(tree / "lessons/1/.crossbar") and not running(tree / "config/pages")


def test_a_worker_is_started_again_until_ctrl_c(tree):
    source = tree / "lessons/3/.crossbar/config.json"
    assert str(PORTS[8003]) in source.read_text()
    environment = f"ROUTER_URL=ws://127.0.0.1:{PORTS[8003]}/ws"
    worker = Script("env", environment, tree / "bin" / "run-worker", 3, "--finished")
    worker.wait_for("starting it again in")
    router = nodes.Node(tree / "lessons/3/.crossbar")
    worker.wait_for('I registered "add"')
    assert router.stop() == 0
    assert worker.interrupt() == 0


@pytest.mark.parametrize("arguments, line", [
    ([], r"^run-worker: which lesson\?.*one of 3"),
    (["1"], '^run-worker: lesson "1" has no client'),
])
def test_a_worker_that_does_not_exist(tree, arguments, line):
    result = subprocess.run([tree / "bin" / "run-worker", *arguments], capture_output=True, text=True,
                            timeout=nodes.TIME)
    assert result.returncode != 0 and re.search(line, result.stderr)
