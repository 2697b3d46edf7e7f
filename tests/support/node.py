"""Starts the real program on free ports and ends it again."""

import itertools
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("CROSSPOINT", str(ROOT / "build" / "bin" / "crosspoint"))
# Under a sanitizer everything takes longer.
TIME = float(os.environ.get("CROSSPOINT_TEST_TIME", "15"))


def port_range():
    """The ports for the tests of this process: none of those that the kernel gives to connections (
    /proc/sys/net/ipv4/ip_local_port_range), and if pytest runs several processes, none of the others' either."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    each = (32_768 - 10_000) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return range(10_000 + worker * each, 10_000 + (worker + 1) * each)


def free_port():
    """A port that nobody listens on, and that no other test takes meanwhile; not one that this process was given before,
    since a program may not have begun to listen on that yet."""
    ports = port_range()
    while True:
        port = ports[next(_port_count) % len(ports)]
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


_port_count = itertools.count(random.SystemRandom().randrange(32_768))


def state_of(stat):
    """The state that a file "stat" of /proc tells, as one letter; None if the process or thread has ended."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # the second, if it ends between opening and reading
        return None


def is_alive(pid):
    """Zombies are not."""
    return state_of(pathlib.Path(f"/proc/{pid}/stat")) not in (None, "Z", "X")


def freeze(pid):
    """Stops a process (SIGCONT lets it go on). The signal takes its time: returns when each of its threads stands still."""
    os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + TIME
    states = []
    while time.monotonic() < end:
        files = pathlib.Path(f"/proc/{pid}/task").glob("*/stat")
        states = [state_of(file) for file in files]
        if set(states) - {None} == {"T"}:
            return
        time.sleep(0.001)
    raise AssertionError(f"process {pid} does not stop: its threads are in the states {states}")


def allow(uri="*", call=True, register=True, publish=True, subscribe=True, **more):
    actions = {"call": call, "register": register, "publish": publish, "subscribe": subscribe}
    return {"uri": uri, "allow": actions, **more}


def realm(name="realm1", roles=None, **more):
    if roles is None:
        roles = [{"name": "anonymous", "permissions": [allow()]}]
    return {"name": name, "roles": roles, **more}


def web(port, paths, **more):
    return {"type": "web", "endpoint": {"type": "tcp", "port": port, "interface": "127.0.0.1"}, "paths": paths, **more}


def config(port, realms=None, websocket=None, paths=None, options=None):
    """A router with one web transport that has a WebSocket at /ws."""
    service = {"type": "websocket", **(websocket or {})}
    return {
        "version": 2,
        "workers": [
            {
                "type": "router",
                "options": options or {"io_threads": 2},
                "realms": realms if realms is not None else [realm()],
                "transports": [web(port, {"ws": service, **(paths or {})})],
            }
        ],
    }


class Node:
    """A process `crosspoint start`; its output is read by a thread, line by line."""

    def __init__(self, directory, *arguments, wait=True, program=PROGRAM):
        self.directory = pathlib.Path(directory)
        command = [program, "start", "--cbdir", str(self.directory), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        errors="replace")
        self.lines = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if wait:
            self.wait_for("ran successfully")

    def _read(self):
        for line in self.process.stdout:
            self.heard(line.rstrip("\n"))
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def heard(self, line):
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()

    def wait_for(self, pattern, timeout=TIME, after=0):
        """The first line, not counting so many of the first ones, that has the pattern (a regular expression); waits until
        there is one."""
        def found():
            return next((line for line in self.lines[after:] if re.search(pattern, line)), None)

        with self._changed:
            self._changed.wait_for(lambda: found() or self._ended, timeout)
            line = found()
        if line is None:
            raise AssertionError(f"no line with {pattern!r} in:\n" + self.output())
        return line

    def output(self):
        return "\n".join(self.lines)

    def wait(self, timeout=TIME):
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        return code

    def stop(self, how=signal.SIGINT):
        """Ends it in good order; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.wait()
            raise
        output = self.output()
        assert "Sanitizer" not in output and "runtime error" not in output, output
        return code


def write_config(directory, document, name="config.json"):
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(document if isinstance(document, str) else json.dumps(document, indent=1))
    return directory


def run(*arguments, cwd=None, env=None, timeout=TIME):
    """Runs the program to its end."""
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, cwd=cwd,
                          env={**os.environ, **(env or {})})
