"""Mailboxes that the nodes of a cluster share: an identity may be anywhere, and is told once."""

import json
import signal
import socket
import threading

import pytest

from support import node as nodes
from support.apps import Redis, until
from support.cluster import Cluster
from support.wamp import encode
from test_cluster_gateway import JOINED, NOT_HEARD, UNAVAILABLE, enter, serving
from test_gateway import GONE, Worker, route

NO_IDENTITY = "crosspoint.error.no_such_identity"
KEEPS = "this node keeps the mailboxes"


@pytest.fixture
def redis(tmp_path, launch_redis):
    return launch_redis(Redis(tmp_path / "redis"), "--appendfsync", "always")


@pytest.fixture
def cluster(tmp_path, redis):
    mailboxes = {"type": "redis", "port": redis.port}
    made = Cluster(tmp_path, redis, member=serving({"play": route()}, mailboxes=mailboxes))
    for member in made.members:
        member.wait_for("keeps the mailboxes")
    yield made
    made.stop()


def keeper_first(cluster):
    """The members, the one that keeps the mailboxes before the others."""
    return sorted(cluster.members, key=lambda member: not any(KEEPS in line for line in member.node.lines))


def register(worker, identity, connection, **more):
    answer = worker.ask_gateway("register_as", identity, connection=connection, **more)
    assert set(answer) == {"connections", "messages"}, answer
    return answer


def notify(worker, identity, message):
    answer = worker.ask_gateway("notify", identity, message)
    assert answer["exists"], answer
    return answer


def hear_until(link, last):
    heard = [link.hear()]
    while heard[-1] != last:
        heard.append(link.hear())
    return heard[:-1]


def away(worker, identity):
    until(lambda: worker.ask_gateway("identity", identity)["connections"] == 0)


def test_an_identity_has_connections_on_several_nodes(cluster):
    workers = [Worker(member.port) for member in cluster.members]
    assert [worker.ask_gateway("notify", "ann", "x") for worker in workers] == [{"exists": False}] * 3
    links, ids = zip(*[enter(member) for member in cluster.members for _ in range(2)])
    for place, id_ in enumerate(ids):  # by a worker of its own node, or of another one
        answer = register(workers[(place // 2 + place) % 3], "ann", id_, max_connections=6)
        assert answer["connections"] == place + 1
    for who, worker in enumerate(workers):
        for number in range(20):
            assert notify(worker, "ann", f"{who} {number}")["connections"] == 6
        for link in links:
            assert [link.hear() for _ in range(20)] == [f"{who} {number}" for number in range(20)]
    for worker in workers:
        until(lambda worker=worker: worker.ask_gateway("identity", "ann")["messages"] == 0)
    # Beyond the limit the oldest is none any more, wherever it is.
    one, one_id = enter(cluster.members[2])
    assert register(workers[0], "ann", one_id, max_connections=2)["connections"] == 2
    notify(workers[1], "ann", "two are left")
    assert one.hear() == links[5].hear() == "two are left"
    assert workers[1].ask_gateway("unregister", "ann", connection=one_id) is True
    assert workers[2].ask_gateway("unregister", "ann", connection=one_id) is False
    assert workers[0].ask_gateway("register_as", "ann", connection=ids[0][:17] + "0-ffff") == GONE
    assert workers[0].ask_gateway("register_as", "ann", connection="00000000000000ff-0-1") == GONE
    assert workers[1].ask_gateway("notify", "", "x") == "wamp.error.invalid_argument"


def test_what_was_kept_is_delivered_wherever_it_comes_back(cluster):
    workers = [Worker(member.port) for member in cluster.members]
    for place, member in enumerate(cluster.members):
        link, id_ = enter(member)
        register(workers[place], "ann", id_)
        if place > 0:
            assert [link.hear() for _ in range(20)] == [f"{place} {number}" for number in range(20)]
            until(lambda: workers[0].ask_gateway("identity", "ann")["messages"] == 0)
        link.leave()
        away(workers[0], "ann")
        for number in range(20):
            assert notify(workers[(place + 1 + number) % 3], "ann", f"{place + 1} {number}")["connections"] == 0


def test_on_two_nodes_at_the_same_moment_nothing_is_lost_or_comes_twice(cluster):
    workers = [Worker(member.port) for member in cluster.members]
    link, id_ = enter(cluster.members[0])
    register(workers[0], "ann", id_, max_connections=2)
    link.leave()
    for turn in range(5):
        away(workers[0], "ann")
        sent = [f"{turn} {number}" for number in range(20)]
        for text in sent:
            notify(workers[0], "ann", text)
        both = [enter(member) for member in cluster.members[1:]]
        threads = [threading.Thread(target=register, args=(worker, "ann", id_), kwargs={"max_connections": 2})
                   for worker, (_, id_) in zip(workers[1:], both)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(nodes.TIME)
        assert workers[0].ask_gateway("identity", "ann")["connections"] == 2
        until(lambda: workers[0].ask_gateway("identity", "ann")["messages"] == 0)
        notify(workers[0], "ann", "end")
        heard = [hear_until(link, "end") for link, _ in both]
        assert sorted({*heard[0], *heard[1]}, key=sent.index) == sent
        for texts in heard:  # each in order, and once
            assert texts == [text for text in sent if text in set(texts)]
        until(lambda: workers[0].ask_gateway("identity", "ann")["messages"] == 0)
        for link, _ in both:
            link.leave()


def test_procedures_are_called_wherever_they_are(cluster):
    keeper, there, asked = keeper_first(cluster)
    receiver, sender = Worker(there.port, "note"), Worker(asked.port)
    assert sender.ask_gateway("register_as", "bob", procedure="app.note") == {"connections": 1, "messages": 0}
    # A procedure is the same receiver whoever names it, and on whichever node.
    assert receiver.ask_gateway("register_as", "bob", procedure="app.note", max_connections=2)["connections"] == 1
    id_ = notify(sender, "bob", {"a": [1, None]})["id"]
    assert receiver.serve("note") == ["bob", id_, {"a": [1, None]}]
    for member in cluster.members:
        link, connection = enter(member)
        register(sender, "ann", connection, procedure="app.note")
        id_ = notify(sender, "ann", "hello")["id"]
        assert receiver.serve("note") == ["ann", id_, "hello", connection]
    # What it refuses waits for the next one.
    id_ = notify(sender, "ann", "not now")["id"]
    receiver.refuse(receiver.next_call("note")[0])
    away(sender, "ann")
    link, connection = enter(keeper)
    register(sender, "ann", connection)
    assert link.hear() == "not now"


def test_what_one_node_has_accepted_and_another_delivered_is_confirmed_on_a_third(cluster):
    keeper, b, c = keeper_first(cluster)
    sender, clerk = Worker(keeper.port), Worker(c.port)
    link, id_ = enter(b)
    register(sender, "ann", id_, confirm=True)
    ids = [notify(sender, "ann", f"letter {number}")["id"] for number in range(5)]
    heard = [json.loads(link.hear()) for _ in ids]
    assert heard == [{"identity": "ann", "id": id_, "message": f"letter {number}"} for number, id_ in enumerate(ids)]
    assert clerk.ask_gateway("confirm", "ann", ids[2]) is True
    assert sender.ask_gateway("identity", "ann")["messages"] == 2
    link, id_ = enter(c)
    register(Worker(b.port), "ann", id_, confirm=True)
    assert [json.loads(link.hear())["id"] for _ in range(2)] == ids[3:]
    assert Worker(b.port).ask_gateway("confirm", "ann", ids[4]) is True
    assert clerk.ask_gateway("identity", "ann")["messages"] == 0
    assert clerk.ask_gateway("confirm", "bob", 1) == NO_IDENTITY


def test_a_node_that_stands_still_for_a_while_keeps_its_receivers(cluster):
    keeper, there, asked = keeper_first(cluster)
    sender = Worker(asked.port)
    link, id_ = enter(there)
    register(Worker(there.port), "ann", id_)
    assert notify(sender, "ann", "before")["connections"] == 1
    assert link.hear() == "before"
    until(lambda: sender.ask_gateway("identity", "ann")["messages"] == 0)
    seen = {member: len(member.node.lines) for member in cluster.members}
    nodes.freeze(there.node.process.pid)
    try:
        sent = [f"{number}" for number in range(10)]
        for text in sent:
            assert notify(sender, "ann", text)["connections"] == 1
        for member in (keeper, asked):
            member.wait_for(NOT_HEARD, after=seen[member])
    finally:
        there.node.process.send_signal(signal.SIGCONT)
    notify(sender, "ann", "last")
    # Nobody has registered again. The first may come twice, since nobody knew whether it had arrived.
    heard = hear_until(link, "last")
    assert sorted(set(heard), key=int) == sent
    assert heard == sorted(heard, key=int)


def test_the_keeper_is_killed(cluster):
    keeper, b, c = keeper_first(cluster)
    worker = Worker(b.port)
    links = [enter(member) for member in (keeper, b, c)]
    for _, id_ in links:
        register(worker, "ann", id_, max_connections=3, lifetime=600)
    notify(worker, "ann", "before")
    assert [link.hear() for link, _ in links] == ["before"] * 3
    gone, id_ = enter(c)
    register(worker, "bob", id_)
    gone.leave()
    away(worker, "bob")
    last = [notify(worker, "bob", f"kept {number}")["id"] for number in range(10)][-1]
    seen = {member: len(member.node.lines) for member in (b, c)}
    keeper.kill()
    # Somebody takes its place, with all that was acknowledged, and with the receivers that are left.
    answers = []
    until(lambda: answers.append(worker.ask_gateway("notify", "ann", f"after {len(answers)}")) or
          answers[-1] != UNAVAILABLE)
    until(lambda: sum(KEEPS in line for member in (b, c) for line in member.node.lines[seen[member]:]) == 1)
    accepted = f"after {len(answers) - 1}"
    for link, _ in links[1:]:
        hear_until(link, accepted)
    assert notify(worker, "ann", "later")["id"] > last
    # It might only have been cut off: ten seconds.
    until(lambda: worker.ask_gateway("identity", "ann")["connections"] == 2, nodes.TIME + 20)
    again, id_ = enter(b)
    register(Worker(c.port), "bob", id_)
    assert [again.hear() for _ in range(10)] == [f"kept {number}" for number in range(10)]


def test_a_keeper_that_stands_still_keeps_nothing_any_more(cluster):
    keeper, b, c = keeper_first(cluster)
    worker, old = Worker(b.port), Worker(keeper.port)
    link, id_ = enter(c)
    register(worker, "ann", id_)
    seen = {member: len(member.node.lines) for member in cluster.members}
    nodes.freeze(keeper.node.process.pid)
    try:
        until(lambda: any(KEEPS in line for member in (b, c) for line in member.node.lines[seen[member]:]))
        until(lambda: worker.ask_gateway("notify", "ann", "meanwhile") != UNAVAILABLE)
        assert hear_until(link, "meanwhile") == []
    finally:
        keeper.node.process.send_signal(signal.SIGCONT)
    keeper.wait_for("node .* keeps the mailboxes", after=seen[keeper])
    until(lambda: old.ask_gateway("notify", "ann", "back") != UNAVAILABLE)
    heard = hear_until(link, "back")
    assert set(heard) <= {"meanwhile"}  # tries that were answered as unavailable may have been done
    until(lambda: old.ask_gateway("identity", "ann") == worker.ask_gateway("identity", "ann"))


def test_a_keeper_that_ends_hands_over_at_once(cluster):
    keeper, b, c = keeper_first(cluster)
    worker = Worker(b.port)
    link, id_ = enter(c)
    register(worker, "ann", id_)
    seen = {member: len(member.node.lines) for member in (b, c)}
    keeper.stop()
    until(lambda: any(KEEPS in line for member in (b, c) for line in member.node.lines[seen[member]:]))
    until(lambda: worker.ask_gateway("notify", "ann", "still here") != UNAVAILABLE)
    assert link.hear() == "still here"


def test_redis_may_be_killed(cluster, redis):
    keeper, b, c = keeper_first(cluster)
    worker = Worker(b.port)
    (here, here_id), (there, there_id) = enter(keeper), enter(c)
    for id_ in (here_id, there_id):
        register(worker, "ann", id_, max_connections=2)
    notify(worker, "ann", "before")
    assert here.hear() == there.hear() == "before"
    until(lambda: worker.ask_gateway("identity", "ann")["messages"] == 0)
    seen = {member: len(member.node.lines) for member in cluster.members}
    redis.process.kill()
    redis.process.wait(nodes.TIME)
    for member in cluster.members:
        member.wait_for("the connection to Redis at .* is lost", after=seen[member])
    assert worker.ask_gateway("notify", "ann", "x") == UNAVAILABLE
    assert worker.ask_gateway("send", here_id, "x") == UNAVAILABLE
    redis.start("--appendfsync", "always")
    for member in cluster.members:
        member.wait_for(JOINED, after=seen[member])
    # Nobody has to register again.
    until(lambda: worker.ask_gateway("notify", "ann", "after") != UNAVAILABLE)
    for link in (here, there):
        assert set(hear_until(link, "after")) <= {"x"}
    assert worker.ask_gateway("identity", "ann")["connections"] == 2


def test_what_others_write_is_checked(cluster, redis):
    _, b, _ = keeper_first(cluster)
    worker = Worker(b.port)
    link, id_ = enter(b)
    register(worker, "ann", id_)
    receiver = [0, id_, ""]
    asks = [(name, arguments) for name, many in (
        ("mail", ([], ["notify"], ["none", [], {}], [5, [], {}], ["notify", {}, {}], ["notify", [], []],
                  ["notify", [], {}], ["notify", [5, "no"], {}], ["register_as", ["ann"], {"connection": 5}],
                  ["register_as", ["ann"], {"connection": "x"}], ["confirm", ["ann", -1], {}])),
        ("mail-gone", ([], [5], ["x"])),
        ("mail-there", ([], [5], [[5]], [["x", f"{id_[:16]}-ffff-1"]])),
        # The last one is what the keeper would write, but it is not from there.
        ("mail-deliver", ([], [receiver], [receiver, 5, 1, "no", False], [receiver, "ann", -1, "no", False],
                          [receiver, "ann", 1, "no", 0], [[0, "x", ""], "ann", 1, "no", False],
                          [[0, f"{id_[:16]}-ffff-1", ""], "ann", 1, "no", False], [[5, id_, ""], "ann", 1, "no", False],
                          [[0, id_], "ann", 1, "no", False], [receiver, "ann", 1, "no", False])))
        for arguments in many]
    with socket.create_connection(("127.0.0.1", redis.port)) as connection:
        for name, arguments in asks:
            message = b"crosspoint1 stranger/1f gateway-ask\n" + encode("msgpack", ["realm1", 1, name, arguments])
            words = [b"PUBLISH", b"crosspoint:all", message]
            connection.sendall(b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        answers = connection.makefile("rb")
        assert [answers.readline() for _ in asks] == [b":3\r\n"] * len(asks)
    notify(worker, "ann", "and on")
    assert link.hear() == "and on"


def test_mailboxes_of_another_type_are_a_nodes_own(tmp_path, redis):
    mailboxes = {"type": "sqlite", "path": "mailboxes.db"}
    made = Cluster(tmp_path, redis, names=("a", "b"), member=serving({"play": route()}, mailboxes=mailboxes))
    a, b = made.members
    a.wait_for("realms\\[0\\].mailboxes.type: each node of the cluster has its own mailboxes then")
    here, there = Worker(a.port), Worker(b.port)
    link, id_ = enter(a)
    register(here, "ann", id_)
    assert there.ask_gateway("notify", "ann", "x") == {"exists": False}
    assert there.ask_gateway("register_as", "ann", connection=id_) == GONE
    notify(here, "ann", "here")
    assert link.hear() == "here"
    link.leave()
    made.stop()
