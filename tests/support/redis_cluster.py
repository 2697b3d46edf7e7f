"""A Redis Cluster of the test's own."""

import subprocess

from support import node as nodes
from support.apps import Redis, until


class Master(Redis):
    """One of its servers; it keeps its ports and what it knows of the cluster when it is started again."""

    def __init__(self, directory):
        super().__init__(directory)
        self.bus = nodes.free_port()

    def start(self, *options):
        super().start("--cluster-enabled", "yes", "--cluster-port", str(self.bus), "--cluster-node-timeout", "60000",
                      "--cluster-config-file", str(self.directory / "nodes.conf"), *options)

    @property
    def id(self):
        return self.cli("CLUSTER", "MYID")

    def kill(self):
        self.process.kill()
        self.process.wait(nodes.TIME)


class SecureMaster(Master):
    """Speaks TLS to clients, and asks them for a password."""

    password = "s3cr:t"

    def __init__(self, directory, authority):
        super().__init__(directory)
        self.url = f"rediss://:s3cr%3At@127.0.0.1:{self.port}"
        self.key, self.certificate = authority.issue("redis")  # for localhost
        self.authority = authority

    def start(self):
        super().start("--port", "0", "--tls-port", str(self.port), "--tls-cert-file", self.certificate, "--tls-key-file",
                      self.key, "--tls-ca-cert-file", self.authority.file, "--tls-auth-clients", "no", "--tls-cluster",
                      "yes", "--requirepass", self.password)

    def cli(self, *words):
        return super().cli("--tls", "--insecure", "--cacert", self.authority.file, "-a", self.password,
                           "--no-auth-warning", *words)


class RedisCluster:
    """Masters that share the slots; `url` is that of the first one."""

    SLOTS = 16384

    def __init__(self, servers, empty=0):
        """Of servers that run; the last ones get no slots, if `empty` says so."""
        self.masters = servers
        self.url = servers[0].url
        count = len(servers) - empty
        for number, master in enumerate(servers):
            assert master.cli("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1)) == "OK"
            if number >= count:
                continue
            first, last = number * self.SLOTS // count, (number + 1) * self.SLOTS // count - 1
            assert master.cli("CLUSTER", "ADDSLOTSRANGE", str(first), str(last)) == "OK"
        for master in self.masters[1:]:
            meeting = self.masters[0].cli("CLUSTER", "MEET", "127.0.0.1", str(master.port), str(master.bus))
            assert meeting == "OK"
        self.wait()

    def wait(self):
        """Until each knows of all, and works."""
        for master in self.masters:
            until(lambda master=master: self.is_ready(master))

    def is_ready(self, master):
        info = master.cli("CLUSTER", "INFO")
        links = [line.split()[7] for line in master.cli("CLUSTER", "NODES").splitlines()]
        return "cluster_state:ok" in info and links == ["connected"] * len(self.masters)

    def slot(self, key):
        return int(self.masters[0].cli("CLUSTER", "KEYSLOT", key))

    def master_of(self, key):
        """Of a key or channel."""
        slot = self.slot(key)
        for line in self.masters[0].cli("CLUSTER", "NODES").splitlines():
            words = line.split()
            for part in words[8:]:
                first, _, last = part.partition("-")
                if first.isdigit() and int(first) <= slot <= int(last or first):
                    return next(master for master in self.masters if f":{master.port}@" in words[1])
        raise AssertionError(f"nobody has slot {slot}")

    def move(self, slot, source, target):
        """Gives a slot without keys to another master, as redis-cli --cluster reshard does."""
        for master in (target, source, *self.masters):
            assert master.cli("CLUSTER", "SETSLOT", str(slot), "NODE", target.id) == "OK"

    def channels(self, pattern="*"):
        """The sharded channels that somebody listens to, by master."""
        return [master.cli("PUBSUB", "SHARDCHANNELS", pattern).split() for master in self.masters]

    def cli(self, *words):
        """Asks the master of the cluster's keys; their names may be given as they are without a Redis Cluster."""
        words = [word.replace("crosspoint:", "{crosspoint}:", 1) if word.startswith("crosspoint:") else word for word in words]
        return self.master_of("{crosspoint}").cli(*words)

    def clear(self):
        for master in self.masters:
            assert master.cli("FLUSHALL") == "OK"
