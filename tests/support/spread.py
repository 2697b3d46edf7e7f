"""The same tests with their sessions spread over several nodes.

With CROSSPOINT_TEST_NODES=3 in the environment each node that a test starts becomes three of a cluster, behind haproxy, which
listens where the node would have, and gives each connection to the next one. bin/test does so with what tests routing."""

import atexit
import copy
import functools
import json
import os
import pathlib
import shutil
import socket
import tempfile
import uuid

import pytest

from support import node as nodes
from support.apps import Program, Redis, until

NODES = int(os.environ.get("CROSSPOINT_TEST_NODES", "1"))
HAPROXY = """defaults
  mode tcp
  balance roundrobin
  timeout connect 60s
  timeout client 1h
  timeout server 1h
"""


def one_node(reason):
    """Marks a test, or the file (pytestmark), that is about one node."""
    return pytest.mark.skipif(NODES > 1, reason=reason)


@functools.cache
def redis():
    """The server of all clusters of this process; each cluster has a prefix of its own."""
    directory = tempfile.TemporaryDirectory()
    server = Redis(directory.name)
    server.start()

    def end():
        server.stop()
        directory.cleanup()

    atexit.register(end)
    return server


class Follower(nodes.Node):
    """What it says is among the lines of the first node, too."""

    def __init__(self, leader, *arguments, **options):
        self.leader = leader
        super().__init__(*arguments, wait=False, **options)

    def heard(self, line):
        super().heard(line)
        self.leader.heard(line)


class SpreadNode(nodes.Node):
    """Nodes that look like one: `lines` has what all of them say, `process` is that of the first."""

    def __init__(self, directory, *arguments, wait=True, **options):
        directory = pathlib.Path(directory)
        document = json.loads((directory / "config.json").read_text())
        self.followers, self.balancer = [], None
        routers = [worker for worker in document.get("workers", []) if "realms" in worker]
        if not wait or "cluster" in document or len(routers) != 1:
            super().__init__(directory, *arguments, wait=wait, **options)
            return
        prefix = uuid.uuid4().hex
        members = [directory, *(directory.with_name(f"{directory.name}-{number}") for number in range(1, NODES))]
        for member in members[1:]:
            shutil.copytree(directory, member)
        servers = [settle(copy.deepcopy(document), member, directory, prefix) for member in members]
        super().__init__(directory, *arguments, wait=False, **options)
        self.followers = [Follower(self, member, *arguments, **options) for member in members[1:]]
        for member, node in zip(members, [self, *self.followers]):
            for other in members:
                node.wait_for("has joined by way of Redis" if other is member else f'"{other.name}" is there')
        self.balance(servers)

    def balance(self, servers):
        """`servers` has, for each node, where it listens instead, by where it would have."""
        text = HAPROXY
        for number, address in enumerate(servers[0]):
            text += f"\nlisten {number}\n  bind {address}\n"
            text += "".join(f"  server {index} {server[address]}\n" for index, server in enumerate(servers))
        file = self.directory / "haproxy.cfg"
        file.write_text(text)
        self.balancer = Program("/usr/sbin/haproxy", {}, "-f", str(file))
        for address in servers[0]:
            until(lambda: takes_connections(address))

    def stop(self, **how):
        if self.balancer:
            self.balancer.process.terminate()
            self.balancer.wait()
        codes = [super().stop(**how), *(follower.stop(**how) for follower in self.followers)]
        return next((code for code in codes if code != 0), 0)


def takes_connections(address):
    place = address.removeprefix("unix@")
    with socket.socket(socket.AF_INET if place == address else socket.AF_UNIX) as probe:
        return probe.connect_ex((place.split(":")[0], int(place.split(":")[1])) if place == address else place) == 0


def settle(document, directory, first, prefix):
    """Writes the configuration of the node in `directory`. Where it listens, by where the one in `first` would have."""
    document["cluster"] = {"redis": redis().url, "node": directory.name, "prefix": prefix}
    servers = {}
    for worker in document["workers"]:
        for realm in worker.get("realms", []):
            realm["clustered"] = True
        for transport in worker.get("transports", []):
            endpoint = transport["endpoint"]
            if endpoint["type"] == "tcp":
                port = nodes.free_port()
                servers[f"{endpoint.get('interface', '0.0.0.0')}:{endpoint['port']}"] = f"127.0.0.1:{port}"
                endpoint["port"] = port
            else:
                path = pathlib.Path(endpoint["path"])
                servers[f"unix@{first / path}"] = f"unix@{directory / path}.own"
                endpoint["path"] += ".own"
    nodes.write_config(directory, document)
    return servers
