"""The gateway on several nodes: its procedures reach the connections of all of them."""

import signal
import socket

import pytest

from support import node as nodes
from support.apps import until
from support.cluster import Cluster, Member
from support.wamp import Closed, encode
from test_gateway import GONE, ROLES, Plain, Worker, route

UNAVAILABLE = "wamp.error.unavailable"
NOT_HEARD = "has not been heard of for 3 s: it is gone"
JOINED = "has joined by way of Redis"


def serving(paths, **realm):
    """Members with these path services, and more about their realm."""
    class Serving(Member):
        def document(self):
            return nodes.config(self.port, [nodes.realm(roles=ROLES, clustered=True, **realm)], paths=paths)
    return Serving


@pytest.fixture
def cluster(tmp_path, redis):
    made = Cluster(tmp_path, redis, member=serving({"play": route(), "other": route("other")}))
    yield made
    made.stop()


def enter(member, path="/play"):
    """A connection, and its id."""
    asker = Worker(member.port)
    before = asker.ask_gateway("list")
    link = Plain(member.port, path)
    news = []

    def is_there():
        news[:] = [id_ for id_ in asker.ask_gateway("list") if id_ not in before]
        return news

    until(is_there)
    asker.close()
    assert len(news) == 1
    return link, news[0]


def workers_of(cluster, serializer="json"):
    return [Worker(member.port, serializer=serializer) for member in cluster.members]


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_one_connection_is_reached_from_every_node(cluster, serializer):
    count = 50
    workers = workers_of(cluster, serializer)
    links = [enter(member) for member in cluster.members for _ in range(3)]  # on both threads
    assert len({id_[:16] for _, id_ in links}) == 3
    for link, id_ in links:
        for who, worker in enumerate(workers):
            requests = [worker.call("crosspoint.gateway.send", [id_, f"{who} {number}"]) for number in range(count)]
            assert sorted(worker.receive()[1] for _ in requests) == requests
            assert [link.hear() for _ in range(count)] == [f"{who} {number}" for number in range(count)]
            assert worker.ask_gateway("send", id_, {"a": [1, None]}) is True
            assert link.hear() == '{"a":[1,null]}'
            assert worker.ask_gateway("send", id_, "\0AP8=" if serializer == "json" else b"\x00\xff") is True
            assert link.hear() == b"\x00\xff"
            details = worker.ask_gateway("get", id_)
            assert details["id"] == id_ and details["route"] == "play"
    # Closed from another node, it is gone for all.
    for (link, id_), worker in zip(links[:3], workers[1:] + workers[:1]):
        assert worker.ask_gateway("close", id_, code=4000, reason="enough") is True
        with pytest.raises(Closed) as closed:
            link.hear()
        assert (closed.value.code, closed.value.reason) == (4000, "enough")
        link.close()
        until(lambda id_=id_: workers[0].ask_gateway("get", id_) == GONE)
        for asker in workers:
            assert asker.ask_gateway("send", id_, "x") == GONE
            assert asker.ask_gateway("close", id_) == GONE
    unknown = "00000000000000ff-0-1"
    for name, args in (("send", ["x"]), ("close", []), ("get", [])):
        assert workers[0].ask_gateway(name, unknown, *args) == GONE
        # Threads and numbers that its node does not have.
        assert workers[0].ask_gateway(name, f"{links[4][1][:16]}-ff-1", *args) == GONE
        assert workers[0].ask_gateway(name, f"{links[4][1][:16]}-0-ffff", *args) == GONE


def test_all_connections_are_reached_once_from_every_node(cluster):
    workers = workers_of(cluster)
    links, ids = zip(*[enter(member) for member in cluster.members for _ in range(2)])
    stranger, stranger_id = enter(cluster.members[1], "/other")
    for who, worker in enumerate(workers):
        assert sorted(worker.ask_gateway("list", "play")) == sorted(ids)
        assert sorted(worker.ask_gateway("list")) == sorted([*ids, stranger_id])
        assert worker.ask_gateway("list", "none") == []
        assert worker.ask_gateway("broadcast", "play", f"from {who}") == 6
        assert worker.ask_gateway("broadcast", "play", f"but one, from {who}", exclude=[ids[who + 1]]) == 5
        assert worker.ask_gateway("broadcast", "none", "x") == 0
        unknown = "00000000000000ff-0-1"
        some = [ids[0], unknown, ids[2], "nonsense", ids[5]]
        assert sorted(worker.ask_gateway("send_many", some, f"some, from {who}")) == [unknown, "nonsense"]
        for link, id_ in zip(links, ids):
            assert link.hear() == f"from {who}"
            if id_ != ids[who + 1]:
                assert link.hear() == f"but one, from {who}"
            if id_ in some:
                assert link.hear() == f"some, from {who}"
        assert worker.ask_gateway("send_many", [*ids, stranger_id], "end") == []
        for link in links:
            assert link.hear() == "end"
        assert stranger.hear() == "end"


def test_one_of_another_node_that_does_not_read(tmp_path, redis):
    options = {"max_queued_bytes": 65536, "slow_receiver": "drop"}
    made = Cluster(tmp_path, redis, names=("a", "b"), member=serving({"play": route(options=options)}))
    a, b = made.members
    worker, local = Worker(a.port), Worker(b.port)
    before = Plain(b.port, receive_buffer=4096)
    until(lambda: local.ask_gateway("list"))
    [slow] = local.ask_gateway("list")
    until(lambda: worker.ask_gateway("send", slow, "x" * 60000) == "crosspoint.error.slow_receiver")
    assert worker.ask_gateway("send_many", [slow], "x" * 60000) == [slow]
    assert before.hear() == "x" * 60000
    made.stop()


def test_a_node_that_is_killed(cluster):
    a, b, c = cluster.members
    worker = Worker(a.port)
    (here, here_id), (_, lost_id), (there, there_id) = [enter(member) for member in cluster.members]
    seen = {member: len(member.node.lines) for member in (a, c)}
    b.kill()
    # Until it is missed, nobody knows. What asks all does not fail for it.
    assert worker.ask_gateway("send", lost_id, "x") in (UNAVAILABLE, GONE)
    assert worker.ask_gateway("broadcast", "play", "still here") == 2
    assert [here.hear(), there.hear()] == ["still here"] * 2
    for member in (a, c):
        member.wait_for(NOT_HEARD, after=seen[member])
    until(lambda: worker.ask_gateway("send", lost_id, "x") == GONE)
    assert worker.ask_gateway("get", lost_id) == worker.ask_gateway("close", lost_id) == GONE
    assert worker.ask_gateway("send_many", [here_id, lost_id, there_id], "two of three") == [lost_id]
    assert [here.hear(), there.hear()] == ["two of three"] * 2
    assert sorted(worker.ask_gateway("list")) == sorted([here_id, there_id])
    seen = len(a.node.lines)
    b.start()
    a.wait_for('Cluster: node "b" is there', after=seen)
    again, again_id = enter(b)
    until(lambda: worker.ask_gateway("send", again_id, "welcome back") is True)
    assert again.hear() == "welcome back"
    assert worker.ask_gateway("send", lost_id, "x") == GONE


def test_a_node_that_does_not_answer(cluster):
    a, b, c = cluster.members
    worker = Worker(a.port)
    link, id_ = enter(b)
    other, other_id = enter(c)
    nodes.freeze(b.node.process.pid)
    try:
        assert worker.ask_gateway("send", id_, "lost or late") in (UNAVAILABLE, GONE)  # the latter once it is missed
        assert worker.ask_gateway("send_many", [id_, other_id], "one") in ([id_], [])
        assert other.hear() == "one"
    finally:
        b.node.process.send_signal(signal.SIGCONT)
    # It comes back with its connections.
    until(lambda: worker.ask_gateway("send", id_, "found") is True)
    while link.hear() != "found":
        pass


def test_redis_may_be_killed(cluster, redis):
    a, b, _ = cluster.members
    worker, there = Worker(a.port), Worker(b.port)
    (own, own_id), (other, other_id) = enter(a), enter(b)
    seen = {member: len(member.node.lines) for member in cluster.members}
    redis.process.kill()
    redis.process.wait(nodes.TIME)
    for member in cluster.members:
        member.wait_for("the connection to Redis at .* is lost", after=seen[member])
    # Each node goes on alone, and says at once what it cannot do.
    assert worker.ask_gateway("send", own_id, "alone") is True
    assert worker.ask_gateway("broadcast", "play", "all alone") == 1
    assert [own.hear(), own.hear()] == ["alone", "all alone"]
    assert worker.ask_gateway("list") == [own_id] and there.ask_gateway("list") == [other_id]
    for name, args in (("send", ["x"]), ("close", []), ("get", [])):
        assert worker.ask_gateway(name, other_id, *args) == UNAVAILABLE
    assert worker.ask_gateway("send_many", [own_id, other_id], "both") == [other_id]
    assert own.hear() == "both"
    redis.start()
    for member in cluster.members:
        member.wait_for(JOINED, after=seen[member])
    # Until the nodes have found each other again, they do not take each other's connections for gone.
    answers = []
    until(lambda: answers.append(worker.ask_gateway("send", other_id, "again")) or answers[-1] is True)
    assert set(answers[:-1]) <= {UNAVAILABLE}
    assert other.hear() == "again"
    until(lambda: worker.ask_gateway("broadcast", "play", "all") >= 2)
    assert own.hear() == "all"
    while other.hear() != "all":
        pass


def test_what_others_write_is_checked(cluster, redis):
    a, b, _ = cluster.members
    worker = Worker(a.port)
    link, id_ = enter(b)
    deep = b"\x91" * 100_000 + b"\xc0"
    asks = [
        b"", b"\xc1", deep, b"\x93\xa6realm1\x01" + deep, encode("msgpack", {"realm1": 1}), encode("msgpack", ["realm1"]),
        *(encode("msgpack", ask) for ask in (
            ["realm1", -1, "send", [id_, "no"]], ["realm1", 1, "send", {}], ["realm1", 1, 5, []], ["none", 1, "send", []],
            ["realm1", 1, "nothing", []], ["realm1", 1, "send", []], ["realm1", 1, "send", [5, "no"]],
            ["realm1", 1, "send", ["x", "no"]], ["realm1", 1, "send", [id_]], ["realm1", 1, "send_many", [id_, "no"]],
            ["realm1", 1, "send_many", [[5], "no"]], ["realm1", 1, "send_many", [["00000000000000ff-0-1"], "no"]],
            ["realm1", 1, "send_many", [[f"{id_[:16]}-ffff-1"], "no"]], ["realm1", 1, "broadcast", ["play", "no"]],
            ["realm1", 1, "broadcast", ["play", "no", [5]]], ["realm1", 1, "broadcast", [None, "no", []]],
            ["realm1", 1, "close", [id_, 1005, ""]], ["realm1", 1, "close", [id_, 66000, ""]],
            ["realm1", 1, "close", [id_, 1000, 5]], ["realm1", 1, "close", [id_]], ["realm1", 1, "list", []],
            ["realm1", 1, "list", [5]], ["realm1", 1, "get", []]))]
    answers = [b"", b"\xc1", deep, *(encode("msgpack", answer) for answer in (
        ["realm1"], ["realm1", "x", 5], ["none", 1, 5], ["realm1", 1, 5], ["realm1", 1, 5, 5], ["realm1", 2**63], 5))]
    with socket.create_connection(("127.0.0.1", redis.port)) as connection:
        for kind, texts in ((b"gateway-ask", asks), (b"gateway-answer", answers), (b"gateway-nothing", [b"x"])):
            for text in texts:
                message = b"crosspoint1 stranger/1f " + kind + b"\n" + text
                words = [b"PUBLISH", b"crosspoint:all", message]
                connection.sendall(b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        # One that is understood, to know that all before it has been read.
        message = b"crosspoint1 stranger/1f gateway-ask\n" + encode("msgpack", ["realm1", 1, "send", [id_, "yes"]])
        words = [b"PUBLISH", b"crosspoint:all", message]
        connection.sendall(b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        assert link.hear() == "yes"
    assert worker.ask_gateway("send", id_, "and on") is True
    assert link.hear() == "and on"
    assert any("cannot be read" in line for line in b.node.lines)
