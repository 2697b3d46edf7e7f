"""How the nodes of a cluster reach Redis: TLS."""

import re
import shutil

import pytest

from support import node as nodes
from support.apps import Redis, until
from support.certificates import Authority
from support.cluster import Cluster, Member, TlsRedis
from test_cluster import JOINED, LOST, numbers, status

ALONE = "no connection to Redis at {}: {}; the node goes on alone, and tries again"


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ca")


@pytest.fixture
def redis(tmp_path, authority, launch_redis):
    return launch_redis(TlsRedis(tmp_path / "redis", authority))


def tls(authority, **more):
    return {"ca_certificates": [authority.file], **more}


def test_events_cross_nodes_over_tls(tmp_path, authority, redis):
    made = Cluster(tmp_path, redis, names=("a", "b"), tls=tls(authority))
    a, b = made.members
    subscriber = b.client("msgpack")
    subscriber.subscribe("com.news")
    publisher = a.client("msgpack")
    large = "é" * 500_000  # in many records of TLS, and more than the kernel takes at once
    publisher.publish("com.news", [large])
    assert numbers(subscriber, 1) == [large]
    count = 3000
    for begin in range(0, count, 100):
        publisher.send_many([[16, number + 1, {}, "com.news", [number]] for number in range(begin, begin + 100)])
    assert numbers(subscriber, count) == list(range(count))
    assert status(a) == f'Status is RUNNING\nCluster "crosspoint" at localhost:{redis.port}: a, b\n'
    made.stop()
    assert redis.cli("KEYS", "*") == ""


def test_redis_with_tls_may_be_killed(tmp_path, authority, redis):
    made = Cluster(tmp_path, redis, names=("a", "b"), tls=tls(authority))
    a, b = made.members
    subscriber, publisher = b.client(), a.client()
    subscriber.subscribe("com.news")
    seen = {member: len(member.node.lines) for member in made.members}
    redis.process.kill()
    redis.process.wait(nodes.TIME)
    for member in made.members:
        member.wait_for(LOST, after=seen[member])
    publisher.publish("com.news", ["lost"])
    redis.start()
    for member in made.members:
        member.wait_for(JOINED, after=seen[member])
    for number in range(100):
        publisher.publish("com.news", [number])
    assert numbers(subscriber, 100) == list(range(100))
    assert subscriber.nothing_comes()
    made.stop()


def alone(tmp_path, server, why, **cluster):
    """A node that cannot connect, and says why in one line."""
    member = Member(tmp_path, "alone", server, **cluster).start(joined=False)
    place = re.sub("^rediss?://", "", cluster.get("redis", server.url))
    member.wait_for(ALONE.format(re.escape(place), why))
    return member


def test_a_certificate_that_nobody_has_signed_whom_the_node_trusts(tmp_path, authority, redis):
    other = Authority(tmp_path / "other", "Other CA")
    trusted = tmp_path / "trusted.pem"
    shutil.copy(other.file, trusted)
    failed = r"TLS handshake failed: certificate verify failed \(.*\)"
    alone(tmp_path / "1", redis, failed).stop()  # by the system's authorities
    member = alone(tmp_path / "2", redis, failed, tls={"ca_certificates": [str(trusted)]})
    shutil.copy(authority.file, trusted)  # read again with each attempt
    member.wait_for(JOINED)
    member.stop()


def test_the_systems_authorities_are_trusted_by_default(tmp_path, authority, redis, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", authority.file)
    Member(tmp_path, "a", redis).start().stop()


def test_a_certificate_for_another_name(tmp_path, authority, redis):
    failed = r"TLS handshake failed: certificate verify failed \({}\)"
    alone(tmp_path / "1", redis, failed.format("hostname mismatch"), tls=tls(authority, hostname="redis.example.com")).stop()
    by_address = f"rediss://127.0.0.1:{redis.port}"
    alone(tmp_path / "2", redis, failed.format("IP address mismatch"), redis=by_address, tls=tls(authority)).stop()
    Member(tmp_path / "3", "a", redis, redis=by_address, tls=tls(authority, hostname="localhost")).start().stop()


def test_a_certificate_that_has_expired(tmp_path, authority, launch_redis):
    server = launch_redis(TlsRedis(tmp_path / "redis", authority, authority.issue("old", expired=True)))
    alone(tmp_path, server, r"TLS handshake failed: certificate verify failed \(certificate has expired\)",
          tls=tls(authority)).stop()


def test_a_server_may_ask_for_a_certificate(tmp_path, authority, launch_redis):
    trusted = Authority(tmp_path / "clients", "Client CA")
    server = launch_redis(TlsRedis(tmp_path / "redis", authority, trusted=trusted))
    alone(tmp_path / "1", server, "TLS: .*certificate required: the server asks for one of clients", tls=tls(authority)).stop()
    key, certificate = authority.issue("stranger")
    alone(tmp_path / "2", server, "TLS: .*unknown ca", tls=tls(authority, key=key, certificate=certificate)).stop()
    key, certificate = trusted.issue("node")
    Member(tmp_path / "3", "a", server, tls=tls(authority, key=key, certificate=certificate)).start().stop()


def test_a_server_without_tls(tmp_path, launch_redis):
    server = launch_redis(Redis(tmp_path / "redis"))
    alone(tmp_path, server, ".*does not speak TLS", redis=f"rediss://localhost:{server.port}").stop()


def test_a_server_that_speaks_only_tls(tmp_path, redis):
    alone(tmp_path, redis, ".*the server speaks only TLS, which needs a rediss:// URL", redis=f"redis://localhost:{redis.port}").stop()


def test_files_that_cannot_be_used_stop_the_start(tmp_path, authority, redis):
    missing = str(tmp_path / "missing.pem")
    for number, (settings, why) in enumerate((
            ({"ca_certificates": [missing]}, f"cannot read the CA certificate {missing}: No such file"),
            ({"certificate": authority.file, "key": missing}, f"cannot read the private key {missing}: No such file"))):
        member = Member(tmp_path / str(number), "a", redis, tls=settings)
        node = nodes.Node(member.directory, wait=False)
        assert node.wait() == 1
        assert "cluster.tls: " + why in node.output()


def test_a_url_or_certificates_that_make_no_sense_are_named(tmp_path, redis):
    for settings, what in (
            ({"redis": ""}, "cluster.redis: the URL cannot be used: it does not begin with redis:// or rediss://"),
            ({"redis": "redis://localhost", "tls": {}}, "cluster.tls: no URL begins with rediss://"),
            ({"tls": {"key": "x"}}, 'cluster.tls: "certificate" is missing'),
            ({"tls": {"ca_certificates": []}}, "cluster.tls.ca_certificates: the list is empty"),
            ({"tls": {"cacertificates": []}}, 'cluster.tls: unknown key "cacertificates"')):
        member = Member(tmp_path, "a", redis, **settings)
        result = nodes.run("check", "--cbdir", member.directory)
        assert result.returncode == 1 and what in result.stdout + result.stderr, result
