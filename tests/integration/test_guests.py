"""Guest workers: programs that the node starts, logs, starts again and ends."""

import json
import os
import pathlib
import signal

import pytest

from support import node as nodes
from support.wamp import Client


def guest(executable, *arguments, **options):
    return {"type": "guest", "id": options.pop("id", "helper"), "executable": executable,
            "arguments": [str(argument) for argument in arguments], "options": options}


def script(text, **options):
    return guest("sh", "-c", text, **options)


def with_guests(port, *guests):
    document = nodes.config(port)
    document["workers"].extend(guests)
    return document


def command_lines():
    """Of all processes that there are."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            yield (process / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            pass


def pid_in(line):
    return int(line.rsplit(" ", 1)[1])


def test_its_output_is_logged_line_by_line(start, port):
    node = start(with_guests(port, script('echo "one"; echo "two" >&2; printf "no end"; exec sleep 1000')))
    line = node.wait_for("helper: one")
    pid = int(line.split("[Guest")[1].split("]")[0])
    assert f'Guest worker "helper" started (PID {pid})' in node.output()
    assert "helper: two" in node.wait_for("two")
    node.wait_for("helper: no end")
    Client(port)  # the router is there as well
    assert node.stop() == 0
    assert not nodes.is_alive(pid)
    assert f'Guest "helper" (PID {pid}) was ended by signal 15' in node.output()


def test_long_lines_and_strange_bytes(start, port):
    node = start(with_guests(port, guest("python3", "-c",
                                         r"import sys; print('x' * 100000); sys.stdout.buffer.write(b'a\x1b[31m\xff\n')")))
    line = node.wait_for("another")
    assert len(line) < 9000
    assert "\\x1b[31m" in node.wait_for("helper: a")
    node.wait_for("exited with success")


def test_workdir_environment_and_stdin(start, port, tmp_path):
    (tmp_path / "node" / "sub").mkdir(parents=True)
    program = tmp_path / "node" / "sub" / "program"
    program.write_text('#!/bin/sh\necho "in $(pwd), $0, MINE=$MINE, HOME=$HOME, got $(cat)"\n')
    program.chmod(0o755)
    node = start(with_guests(port, guest("program", workdir="../sub", env={"inherit": ["PATH"], "vars": {"MINE": "1"}},
                                         stdin={"type": "json", "value": {"a": [1, None]}})))
    line = node.wait_for("helper: in")
    assert f"in {program.parent}, {program}, MINE=1, HOME=, got " in line
    assert json.loads(line.split("got ")[1]) == {"a": [1, None]}


def test_large_input_and_input_that_is_closed(start, port):
    node = start(with_guests(
        port, guest("python3", "-c", "import sys; print('bytes', len(sys.stdin.read()))", id="large",
                    stdin={"type": "json", "value": "y" * 1000000}),
        script('read line || echo "nothing to read"', stdin="close", id="closed")))
    node.wait_for("large: bytes 1000002")
    node.wait_for("closed: nothing to read")


def test_output_that_is_dropped(start, port):
    node = start(with_guests(port, script("echo quiet; echo loud >&2", stdout="drop")))
    node.wait_for("helper: loud")
    node.wait_for("exited with success")
    assert "quiet" not in node.output()


def test_a_guest_that_ends_is_not_started_again_by_itself(start, port):
    node = start(with_guests(port, script("exit 3"), script("exit 0", id="good"), script("kill -9 $$", id="killed")))
    assert "exit code 3" in node.wait_for('Guest "helper".*exited with error')
    node.wait_for('Guest "good".*exited with success')
    assert "signal 9" in node.wait_for('Guest "killed".*was ended by')
    assert "again" not in node.output()
    Client(port)  # the node goes on


@pytest.mark.parametrize("policy, code, again", [("on-failure", 1, True), ("on-failure", 0, False), ("always", 0, True)])
def test_restart(start, port, tmp_path, policy, code, again):
    marks = tmp_path / "marks"
    node = start(with_guests(port, script(f"echo x >> {marks}; test $(wc -l < {marks}) -lt 3 || exec sleep 1000; exit {code}",
                                          restart=policy)))
    if again:
        node.wait_for(r"started again in 0\.5 s")
        node.wait_for(r"started again in 1\.0 s")
        started = [line for line in node.lines if "started (PID" in line]
        if len(started) < 3:
            node.wait_for(f"started \\(PID (?!{pid_in(started[0][:-1])}|{pid_in(started[1][:-1])})")
    else:
        node.wait_for("exited with success")
        assert "again" not in node.output()


def test_an_executable_that_is_not_there_fails_the_start(start, port):
    node = nodes.Node(nodes.write_config(pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"guest-{port}" / ".crossbar",
                                         with_guests(port, guest("no-such-program"))), wait=False)
    assert node.wait() == 1
    assert "workers[1]: could not find an executable for 'no-such-program'" in node.output()


def test_no_orphans_are_left_when_the_node_stops(start, port):
    """Children of the guest, in its process group or not, end with it."""
    node = start(with_guests(port, script("sleep 1001 & setsid sleep 1002 & trap '' TERM; echo pids $! $$; "
                                          "while true; do sleep 1; done")))
    line = node.wait_for("helper: pids")
    pids = [int(word) for word in line.split("pids ")[1].split()]
    node.process.send_signal(signal.SIGTERM)
    assert node.wait(nodes.TIME + 10) == 0
    assert "SIGKILL" in node.output()
    found = [p for p in pathlib.Path("/proc").glob("[0-9]*") if nodes.is_alive(p.name) and p.name in map(str, pids)]
    assert not found
    commands = list(command_lines())
    assert b"sleep\x001001\x00" not in commands and b"sleep\x001002\x00" not in commands


def test_a_guest_dies_with_a_node_that_is_killed(start, port):
    node = nodes.Node(nodes.write_config(pathlib.Path("/tmp") / f"guest-{port}" / ".crossbar",
                                         with_guests(port, script("echo pid $$; exec sleep 1000"))))
    pid = pid_in(node.wait_for("helper: pid"))
    descriptor = os.pidfd_open(pid)
    node.process.kill()
    node.wait()
    import select
    assert select.select([descriptor], [], [], nodes.TIME)[0], "the guest has outlived the node"
    os.close(descriptor)


def test_what_a_guest_leaves_behind_ends_before_it_is_started_again(start, port):
    node = start(with_guests(port, script("sleep 1003 & echo child $!; exit 1", restart="on-failure")))
    child = pid_in(node.wait_for("helper: child"))
    # Told to end before it is said that the guest is to be started again; it has ended when that has happened.
    node.wait_for(r"started \(PID", after=node.lines.index(node.wait_for("started again")))
    assert not nodes.is_alive(child)


def test_watched_directories(start, port, tmp_path):
    watched = tmp_path / "node" / "watched"
    (watched / "deep").mkdir(parents=True)
    node = start(with_guests(port, script("echo here; exec sleep 1000",
                                          watch={"directories": ["../watched"], "timeout": 0, "action": "restart"})))
    first = node.wait_for(r"started \(PID")
    node.wait_for("helper: here")
    (watched / "deep" / "file").write_text("changed")
    assert "watched/deep/file has changed" in node.wait_for("has changed")
    number = first.split("PID ")[1].rstrip(")")
    node.wait_for(rf"started \(PID (?!{number}\))")


def test_a_watched_directory_that_is_not_there(start, port):
    node = nodes.Node(nodes.write_config(pathlib.Path("/tmp") / f"guest-{port}" / ".crossbar",
                                         with_guests(port, script("true", watch={"directories": ["nowhere"]}))), wait=False)
    assert node.wait() == 1
    assert "nowhere cannot be watched: No such file or directory" in node.output()
