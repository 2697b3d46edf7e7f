"""Autobahn|Cpp: the client of lesson 3, against that lesson's configuration."""

import json
import os
import pathlib
import subprocess

import pytest

from support import node as nodes
from support.wamp import Client

CLIENT = pathlib.Path(nodes.PROGRAM).with_name("lesson_3_client_finished")


class Output:
    def __init__(self, process):
        self.process = process

    def wait_for(self, text):
        for line in self.process.stdout:
            if text in line:
                return line
        raise AssertionError("the client ended without saying: " + text)


@pytest.fixture
def lesson(start, port):
    text = (nodes.ROOT / "lessons" / "3" / ".crossbar" / "config.json").read_text()
    return start(json.loads(text.replace("8003", str(port))))


@pytest.fixture
def robot(lesson, port):
    process = subprocess.Popen([CLIENT], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "ROUTER_URL": f"ws://127.0.0.1:{port}/ws"})
    yield Output(process)
    process.terminate()
    process.wait(nodes.TIME)
    process.stdout.close()


def test_it_signs_in_listens_answers_and_adds(robot, port):
    assert 'I am "alan" with the role "robot"' in robot.wait_for("Connection open")
    robot.wait_for('I registered "add"')
    client = Client(port, realm="somewhere-else")
    client.subscribe("test")
    client.publish("test", ["Hello, robot"], acknowledge=True)
    assert client.receive()[4] == ["I am a robot"]
    robot.wait_for('received "Hello, robot"')
    assert client.ask([48, {}, "add", [1, 2, 39]])[3] == [42]


def test_it_ends_with_exit_code_1_when_the_router_goes(robot, lesson):
    robot.wait_for('I registered "add"')
    assert lesson.stop() == 0
    assert robot.process.wait(nodes.TIME) == 1


def test_it_says_why_it_was_refused(start, port):
    document = nodes.config(port, realms=[nodes.realm("somewhere-else")])
    start(document)
    result = subprocess.run([CLIENT], capture_output=True, text=True, timeout=nodes.TIME,
                            env={**os.environ, "ROUTER_URL": f"ws://127.0.0.1:{port}/ws"})
    assert result.returncode == 1
    assert "Refused: wamp.error.no_auth_method cannot authenticate [1]" in result.stdout
