"""bin/run-crossbar, bin/run-app, bin/run-zmq, bin/run-redis and bin/clear-db, as a learner starts them for lesson 6, in a copy
of the tree whose programs listen on free ports. What is run is what was built."""

import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from clients.test_faults import PUBLISHED, TOPIC, WELCOME, User
from support import node as nodes
from support.apps import BIN, Http, documents, until


@pytest.fixture
def tree(tmp_path):
    """The copy, and the environment for what is started there."""
    root = tmp_path / "crosspoint"
    for name in ("bin", "lessons", "config"):
        shutil.copytree(nodes.ROOT / name, root / name, ignore=shutil.ignore_patterns("logs", "node_modules", "node.pid"))
    (root / "public").symlink_to(nodes.ROOT / "public")
    (root / "build").mkdir()
    (root / "build" / "bin").symlink_to(BIN)
    for name in ("setup", "build"):  # what they do has been done
        (root / "bin" / name).write_text("#!/bin/sh\n")
    ports = {number: str(nodes.free_port()) for number in ("8006", "9006", "8081")}
    for config in (root / "lessons/6/finished/.crossbar/config.json", root / "config/pages/config.json"):
        config.write_text(re.sub("|".join(ports), lambda match: ports[match[0]], config.read_text()))
    environment = {"REDIS_URL": f"redis://127.0.0.1:{nodes.free_port()}",
                   "REDIS_PAGE_ADDRESS": f"127.0.0.1:{nodes.free_port()}",
                   "ZMQ_MESSAGES": f"tcp://127.0.0.1:{nodes.free_port()}",
                   "ZMQ_BROADCAST": f"tcp://127.0.0.1:{nodes.free_port()}"}
    for number in (4, 5, 6):
        environment[f"APP_{number}_ADDRESS"] = f"127.0.0.1:{nodes.free_port()}"
        environment[f"APP_{number}_INTERNAL_ADDRESS"] = internal = f"127.0.0.1:{nodes.free_port()}"
        environment[f"APP_{number}_URL"] = f"http://{internal}"
    yield root, ports, environment
    subprocess.run([root / "bin/run-redis", "--stop"], env={**os.environ, **environment}, check=True)
    for directory in ("config/pages", "lessons/6/finished/.crossbar"):
        nodes.run("stop", "--cbdir", root / directory)


def port(address):
    return int(address.rsplit(":", 1)[1])


def answers(address):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port(address))) == 0


def test_lesson_6_with_its_scripts(tree, run):
    root, ports, environment = tree

    def script(name, *arguments, says):
        # In a session of its own, as in a terminal; and a shell in the background ignores SIGINT, as would all it starts.
        return run("/usr/bin/setsid", environment, "env", "--default-signal=INT", str(root / "bin" / name), *arguments, says=says)

    router = script("run-crossbar", "6", "--finished", says="Lesson 6: the page is")
    apps = script("run-app", "6", "--finished", says=r"\[app 6\] Listening on")
    for number in (4, 5):
        apps.wait_for(rf"\[app {number}\] Listening on")
    service = script("run-zmq", "--finished", says="Listening for ZeroMQ")
    router.wait_for('subscribed to "wamp.subscription.on_unsubscribe"')
    router.wait_for("broadcaster.*Listening for ZeroMQ")

    token = Http(port(environment["APP_4_ADDRESS"]))("POST", "/user", {"name": "my user"})[1]["token"]
    Http(port(environment["APP_5_ADDRESS"]))("POST", "/thread", {"name": "my user", "title": "some thread"})
    user = User(int(ports["8006"]), "my user", token).sign_in()
    assert user.reply[0] == WELCOME, user.reply
    user.subscribe(TOPIC)
    user.subscribe("workshop.broadcast")
    assert user.say("Hello to you")[0] == PUBLISHED
    service.wait_for("Saved the message")
    assert [(one["user"], one["message"]) for one in documents(root / "db", "messages")] == [("my user", "Hello to you")]
    until(lambda: user.who_is_there() == ["my user"])
    broadcast = {"password": "abc123", "message": "Test broadcast"}
    assert Http(port(environment["APP_6_ADDRESS"]))("POST", "/broadcast", broadcast)[0] == 204
    assert user.receive()[4] == ["Test broadcast"]
    until(lambda: not documents(root / "db", "outbox-broadcasts"))
    assert TOPIC in Http(port(environment["REDIS_PAGE_ADDRESS"]))("GET", "/")[1]
    again = script("run-app", "6", says="is the app of lesson 6 running already")
    assert again.wait() == 1

    def ctrl_c(one):
        os.killpg(one.process.pid, signal.SIGINT)
        assert one.wait() == 0, one.output()

    ctrl_c(service)
    assert user.say("For later")[0] == PUBLISHED
    until(lambda: len(documents(root / "db", "outbox-messages")) == 1)
    ctrl_c(apps)
    ctrl_c(router)
    everything = [address for name, address in environment.items() if not name.endswith("_URL") or name == "REDIS_URL"]
    until(lambda: not any(answers(address) for address in [*everything, *(f":{number}" for number in ports.values())]))
    cleared = subprocess.run([root / "bin/clear-db"], capture_output=True, text=True, check=True)
    assert cleared.stdout == "clear-db: 4 documents wiped\n" and not list((root / "db").iterdir())
