"""The programs of lessons 4 to 6: guests, apps, the ZeroMQ service, Redis."""

import http.client
import json
import os
import pathlib
import subprocess
import threading
import time

from support import node as nodes

BIN = pathlib.Path(nodes.PROGRAM).parent


class Program(nodes.Node):
    """One of the lessons' programs; its output is read by a thread."""

    def __init__(self, name, environment, *arguments):
        self.process = subprocess.Popen([BIN / name, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, errors="replace", env={**os.environ, **environment})
        self.lines = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()


class Http:
    def __init__(self, port):
        self.port = port

    def __call__(self, method, path, body=None, headers=None, raw=None):
        """(status, body, headers); the body is parsed if it is JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=nodes.TIME)
        if body is not None:
            raw = json.dumps(body)
            headers = {"Content-Type": "application/json", **(headers or {})}
        connection.request(method, path, raw, headers or {})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return response.status, json.loads(text) if is_json else text, response.headers


class App:
    """An app on two free ports, which it keeps when it is stopped and started."""

    def __init__(self, run, lesson, db, name=None, **environment):
        port, internal = nodes.free_port(), nodes.free_port()
        self.open, self.internal = Http(port), Http(internal)
        self.url = f"http://127.0.0.1:{internal}"
        addresses = {f"APP_{lesson}_ADDRESS": f"127.0.0.1:{port}", f"APP_{lesson}_INTERNAL_ADDRESS": f"127.0.0.1:{internal}"}
        self.start = lambda: self._start(run, name or f"lesson_{lesson}_app",
                                         {**addresses, "WORKSHOP_DB": str(db), **environment})
        self.start()

    def _start(self, run, name, environment):
        self.program = run(name, environment, says="Listening on")

    def stop(self):
        assert self.program.stop() == 0


def documents(db, table):
    return [json.loads(path.read_text()) for path in sorted((db / table / "data").glob("*"))]


def until(condition, timeout=nodes.TIME):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def endpoint():
    return f"tcp://127.0.0.1:{nodes.free_port()}"


class Redis:
    """A server of the test's own."""

    def __init__(self, directory):
        self.directory = directory
        self.port = nodes.free_port()
        self.url = f"redis://127.0.0.1:{self.port}"

    def start(self, *options):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes",
             "--dir", str(self.directory), *options], stdout=subprocess.DEVNULL)
        until(lambda: self.cli("PING") == "PONG")

    def stop(self):
        self.process.terminate()
        self.process.wait(nodes.TIME)

    def cli(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True).stdout.strip()
