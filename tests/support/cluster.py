"""Nodes that are joined by a Redis server of the test's own."""

import re
import subprocess

from support import node as nodes
from support.apps import Redis, until
from support.wamp import Client

GUESTS = {"type": "websocket", "auth": {"anonymous": {"type": "static", "role": "guest"}}}
ROLES = [{"name": "anonymous", "permissions": [nodes.allow()]},
         {"name": "guest", "permissions": [nodes.allow(disclose={"publisher": True, "caller": True})]}]


LOST = "the connection to Redis at .* is lost"
JOINED = "has joined by way of Redis"


class Member:
    """One node; it keeps its port and id when it is started again."""

    def __init__(self, directory, name, server, **cluster):
        self.name = name
        self.directory = directory / name
        self.port = nodes.free_port()
        document = self.document()
        document["cluster"] = {"redis": server.url, "node": name, "heartbeat": 1, **cluster}
        nodes.write_config(self.directory, document)

    def document(self):
        return nodes.config(self.port, [nodes.realm(roles=ROLES, clustered=True)], paths={"guests": GUESTS})

    def start(self, joined=True):
        self.node = nodes.Node(self.directory)
        if joined:
            self.wait_for("has joined by way of Redis")
        return self

    def wait_for(self, pattern, **more):
        return self.node.wait_for(pattern, **more)

    def kill(self):
        self.node.process.kill()
        self.node.wait()

    def stop(self):
        assert self.node.stop() == 0

    def client(self, serializer="json", path="/ws", **more):
        return Client(self.port, serializer, path=path, **more)


class Cluster:
    def __init__(self, directory, redis, /, names=("a", "b", "c"), member=Member, **cluster):
        self.redis = redis
        self.members = [member(directory, name, redis, **cluster) for name in names]
        for member in self.members:
            member.start()
        for member in self.members:  # everybody knows everybody
            for other in self.members:
                if other is not member:
                    member.wait_for(f'Cluster: node "{other.name}" is there')

    def stop(self):
        for member in self.members:
            if member.node.process.poll() is None:
                member.stop()


def lose_redis(cluster, redis):
    """Kills it; returns when all nodes know."""
    seen = {member: len(member.node.lines) for member in cluster.members}
    redis.process.kill()
    redis.process.wait(nodes.TIME)
    for member in cluster.members:
        member.wait_for(LOST, after=seen[member])


def find_redis(cluster, redis):
    """Starts it again; returns when all nodes have joined."""
    seen = {member: len(member.node.lines) for member in cluster.members}
    redis.start()
    for member in cluster.members:
        member.wait_for(JOINED, after=seen[member])


def listening(redis):
    """The topics of realm1 that some node listens to in Redis, and how many patterns there are."""
    channels = redis.cli("PUBSUB", "CHANNELS", "crosspoint:realm1:topic:*").split()
    return [re.sub("^crosspoint:realm1:topic:", "", channel) for channel in channels], int(redis.cli("PUBSUB", "NUMPAT"))


def wait_until_listening(redis, channels, patterns):
    until(lambda: listening(redis) == (channels, patterns))


class TlsRedis(Redis):
    """Speaks TLS only, with a certificate for localhost unless told otherwise; `trusted` signs those of clients."""

    def __init__(self, directory, authority, certificate=None, trusted=None):
        super().__init__(directory)
        self.url = f"rediss://localhost:{self.port}"
        key, file = certificate or authority.issue("redis")
        self.own = authority.issue("redis-cli") if trusted is None else trusted.issue("redis-cli")
        self.authority = authority
        self.options = ["--port", "0", "--tls-port", str(self.port), "--tls-cert-file", file, "--tls-key-file", key,
                        "--tls-ca-cert-file", (trusted or authority).file, "--tls-auth-clients", "yes" if trusted else "no"]

    def start(self, *options):
        super().start(*self.options, *options)

    def cli(self, *words):
        key, file = self.own
        return super().cli("--tls", "--insecure", "--cacert", self.authority.file, "--cert", file, "--key", key, *words)


class Sentinel(Redis):
    """Watches one server, by itself. The server's replicas must be in step already: later ones are noticed late."""

    # A process that did not run for two seconds trusts its clock no more, and does nothing for 30 s.
    TIME = 4 * nodes.TIME + 60

    def __init__(self, directory, server, *more, master="main"):
        super().__init__(directory)
        self.master, self.password = master, None
        self.file = directory / "sentinel.conf"
        self.lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {directory}",
                      f"sentinel monitor {master} 127.0.0.1 {server.port} 1",
                      f"sentinel down-after-milliseconds {master} 1000", f"sentinel failover-timeout {master} 5000", *more]

    def start(self):
        self.file.write_text("\n".join(self.lines) + "\n")
        self.process = subprocess.Popen(["redis-server", str(self.file), "--sentinel"], stdout=subprocess.DEVNULL)
        until(lambda: self.cli("PING") == "PONG")

    def cli(self, *words):
        login = ["-a", self.password, "--no-auth-warning"] if self.password else []
        return super().cli(*login, *words)

    def wait_for_replica(self):
        until(lambda: "role-reported\nslave" in self.cli("SENTINEL", "REPLICAS", self.master)
              and "master-link-status\nok" in self.cli("SENTINEL", "REPLICAS", self.master))
