"""Nodes that ask Redis's sentinels where the master is, and follow it."""

import re
import threading

import pytest

from support import node as nodes
from support.apps import Redis, until
from support.certificates import Authority
from support.cluster import Cluster, Member, Sentinel, TlsRedis
from test_cluster import JOINED, LOST, events, numbers, status

AT_ONCE = ["--repl-diskless-sync-delay", "0"]  # masters wait for more replicas otherwise


def joined_at(server):
    return f'{JOINED} at 127.0.0.1:{server.port} \\(master "main"\\)'


def by_sentinels(*sentinels, **more):
    """Settings; the first sentinel is one that is not there."""
    urls = [f"redis://127.0.0.1:{nodes.free_port()}", *[sentinel.url for sentinel in sentinels]]
    return {"redis": "redis://main", "sentinels": urls, **more}


@pytest.fixture
def servers(tmp_path, launch_redis):
    """A master and its replica."""
    master = launch_redis(Redis(tmp_path / "master"), *AT_ONCE)
    replica = launch_redis(Redis(tmp_path / "replica"), *AT_ONCE, "--replicaof", "127.0.0.1", str(master.port))
    until(lambda: "master_link_status:up" in replica.cli("INFO", "replication"))
    return master, replica


@pytest.fixture
def sentinel(tmp_path, servers, launch_redis):
    made = launch_redis(Sentinel(tmp_path / "sentinel", servers[0]))
    made.wait_for_replica()
    return made


@pytest.fixture
def cluster(tmp_path, servers, sentinel):
    made = Cluster(tmp_path, servers[0], names=("a", "b"), **by_sentinels(sentinel))
    for member in made.members:
        member.wait_for(joined_at(servers[0]))
    yield made
    made.stop()


class Stream:
    """Events, numbered, from one node to another for as long as it takes."""

    def __init__(self, cluster):
        a, b = cluster.members
        self.publisher, self.subscriber = a.client(), b.client()
        self.subscriber.subscribe("com.stream")
        self.subscriber.socket.settimeout(Sentinel.TIME)
        self.sent, self.got = 0, []
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self.write, self.read)]
        for thread in self.threads:
            thread.start()

    def write(self):
        while not self.ended.wait(0.001):
            self.publisher.publish("com.stream", [self.sent], acknowledge=True)
            self.sent += 1
        self.publisher.publish("com.stream", ["end"], acknowledge=True)

    def read(self):
        while (number := numbers(self.subscriber, 1)[0]) != "end":
            self.got.append(number)

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(2 * nodes.TIME)
            assert not thread.is_alive()
        return self.got


def all_at(cluster, server, seen):
    """Waits until both nodes are at a server."""
    for member in cluster.members:
        line = member.wait_for(joined_at(server), timeout=Sentinel.TIME, after=seen[member])
        seen[member] = member.node.lines.index(line, seen[member])


def lines_of(cluster):
    return {member: len(member.node.lines) for member in cluster.members}


def check_stream(stream):
    """What has come is in order and has come once; all of what came behind the failure is there."""
    behind = stream.sent + 1  # the one before it may have been published already, and not be counted
    until(lambda: stream.sent > behind + 100)
    got = stream.end()
    assert got == sorted(set(got))
    assert got[-1] == stream.sent - 1 and got[got.index(behind):] == list(range(behind, stream.sent))


def test_nodes_follow_a_failover(cluster, servers, sentinel):
    stream, seen = Stream(cluster), lines_of(cluster)
    until(lambda: sentinel.cli("SENTINEL", "FAILOVER", "main") == "OK")
    all_at(cluster, servers[1], seen)
    check_stream(stream)
    until(lambda: status(cluster.members[0]).endswith(f'at 127.0.0.1:{servers[1].port} (master "main"): a, b\n'))


def test_nodes_follow_when_the_master_is_killed(cluster, servers, sentinel):
    stream, seen = Stream(cluster), lines_of(cluster)
    servers[0].process.kill()
    servers[0].process.wait(nodes.TIME)
    for member in cluster.members:
        member.wait_for(LOST, after=seen[member])
    all_at(cluster, servers[1], seen)
    servers[0].start()  # the sentinel makes it a replica
    until(lambda: servers[0].cli("ROLE").startswith("slave"), Sentinel.TIME)
    check_stream(stream)
    for member in cluster.members:
        assert not any(LOST in line for line in member.node.lines[seen[member]:])


def test_nodes_leave_a_server_that_the_sentinels_do_not_name_any_more(tmp_path, cluster, sentinel, launch_redis):
    other, seen = launch_redis(Redis(tmp_path / "other")), lines_of(cluster)
    stream = Stream(cluster)
    assert sentinel.cli("SENTINEL", "REMOVE", "main") == "OK"
    assert sentinel.cli("SENTINEL", "MONITOR", "main", "127.0.0.1", str(other.port), "1") == "OK"
    for member in cluster.members:
        member.wait_for(f"is lost: the sentinels name another master, 127.0.0.1:{other.port}", after=seen[member])
    all_at(cluster, other, seen)
    check_stream(stream)


def test_a_sentinel_that_is_behind_the_others_is_passed_over(tmp_path, servers, sentinel, launch_redis):
    other = launch_redis(Redis(tmp_path / "other"), "--replicaof", "127.0.0.1", str(servers[0].port))
    stale = launch_redis(Sentinel(tmp_path / "stale", other))
    member = Member(tmp_path, "a", servers[0], **by_sentinels(stale, sentinel))
    member.start(joined=False).wait_for(joined_at(servers[0]))
    member.stop()


def test_what_the_sentinels_say_is_told(tmp_path, sentinel):
    settings = by_sentinels(sentinel, redis="redis://another")
    member = Member(tmp_path, "a", sentinel, **settings).start(joined=False)
    first, second = [re.escape(url.removeprefix("redis://")) for url in settings["sentinels"]]
    member.wait_for(f'no connection to Redis at master "another": sentinel {first}: Connection refused; '
                    f'sentinel {second}: it knows no master "another"; the node goes on alone')
    member.stop()


def test_a_sentinel_is_not_taken_for_a_server(tmp_path, sentinel):
    member = Member(tmp_path, "a", sentinel).start(joined=False)
    member.wait_for("no connection to Redis at .*: it is a sentinel, not a server with data")
    member.stop()


def test_a_master_that_becomes_a_replica_is_left(tmp_path, servers):
    master, replica = servers
    member = Member(tmp_path, "a", master).start()
    seen = len(member.node.lines)
    replica.cli("REPLICAOF", "NO", "ONE")
    master.cli("REPLICAOF", "127.0.0.1", str(replica.port))
    member.wait_for("is lost: it has become a replica", after=seen)
    member.wait_for("no connection to Redis at .*: it is a replica, not the master", after=seen)
    master.cli("REPLICAOF", "NO", "ONE")
    member.wait_for(JOINED, after=seen)
    member.stop()


def test_sentinels_and_the_master_over_tls(tmp_path, launch_redis):
    authority = Authority(tmp_path / "ca")
    server = launch_redis(TlsRedis(tmp_path / "redis", authority))
    key, certificate = authority.issue("sentinel")
    sentinel = Sentinel(tmp_path / "sentinel", server, "requirepass s3cr:t", "tls-replication yes", "tls-auth-clients no",
                        f"tls-cert-file {certificate}", f"tls-key-file {key}", f"tls-ca-cert-file {authority.file}")
    secure = nodes.free_port()
    sentinel.lines.append(f"tls-port {secure}")
    sentinel.password = "s3cr:t"
    launch_redis(sentinel)
    member = Member(tmp_path, "a", server, redis="rediss://main", sentinels=[f"rediss://:s3cr%3At@localhost:{secure}"],
                    tls={"ca_certificates": [authority.file], "hostname": "localhost"})
    member.start(joined=False).wait_for(joined_at(server))
    one, two = member.client(), member.client()
    one.subscribe("com.news")
    two.publish("com.news", [1])
    assert events(one, 1)[0][3] == [1]
    member.stop()
    assert "s3cr" not in member.node.output()
