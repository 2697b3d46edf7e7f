"""Nodes joined by Redis: events reach subscribers on every node, whatever fails."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest

from support import node as nodes
from support.apps import until
from support.cluster import JOINED, LOST, Cluster, Member, listening, wait_until_listening
from support.wamp import SERIALIZERS, Client, Closed

GONE = "has not been heard of for 3 s: it is gone"


def events(client, count):
    """So many EVENTs, as (subscription, publication, details, payload...)."""
    received = []
    for _ in range(count):
        message = client.receive()
        assert message[0] == 36, message
        received.append(message[1:])
    return received


def numbers(client, count):
    """The first argument of so many EVENTs, of one subscription."""
    return [event[3][0] for event in events(client, count)]


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_events_reach_every_subscription_of_every_node_once_and_in_order(cluster, serializer):
    count = 40
    subscribers = []
    for member in cluster.members:
        client = member.client(serializer)
        ids = [client.subscribe("com.app.news"), client.subscribe("com.app", match="prefix"),
               client.subscribe("com..news", match="wildcard")]
        client.subscribe("com.app.other")
        client.subscribe("com..news.", match="wildcard")  # Redis lets its topics through to others
        subscribers.append((client, ids))
    publishers = [member.client(serializer) for member in cluster.members]
    published = {}
    for number in range(count):
        for which, publisher in enumerate(publishers):
            published[which, number] = publisher.publish("com.app.news", [which, number, "é"], {"key": [None, 1.5]},
                                                         acknowledge=True)
    for client, ids in subscribers:
        got = events(client, 3 * 3 * count)
        assert client.nothing_comes()
        for which in range(3):
            for id_, pattern in zip(ids, (False, True, True)):
                mine = [event for event in got if event[0] == id_ and event[3][0] == which]
                assert [event[3] for event in mine] == [[which, number, "é"] for number in range(count)]
                assert [event[1] for event in mine] == [published[which, number] for number in range(count)]
                assert all(event[4] == {"key": [None, 1.5]} for event in mine)
                assert all(event[2] == ({"topic": "com.app.news"} if pattern else {}) for event in mine)


def test_bytes_go_as_they_are_and_are_converted_where_they_must_be(cluster):
    a, b, _ = cluster.members
    binary, text = b.client("msgpack"), b.client("json")
    for client in (binary, text):
        client.subscribe("com.bytes")
    a.client("cbor").publish("com.bytes", [b"\x00\xff", 2**40])
    assert events(binary, 1)[0][3] == [b"\x00\xff", 2**40]
    assert events(text, 1)[0][3] == ["\0AP8=", 2**40]


def test_receivers_are_chosen_on_every_node(cluster):
    a, b, c = cluster.members
    publisher = a.client()
    here, there, guest = a.client(), b.client(), c.client(path="/guests")
    everybody = [publisher, here, there, guest]
    authid = {client: client.welcome[2]["authid"] for client in everybody}
    for client in everybody:
        client.subscribe("com.some")

    def expect(receivers, **options):
        publisher.publish("com.some", [1], acknowledge=True, **options)
        publisher.publish("com.some", ["end"], acknowledge=True, exclude_me=False)
        for client in everybody:
            got = numbers(client, 2 if client in receivers else 1)
            assert got == ([1, "end"] if client in receivers else ["end"]), options

    # PUBLISHED and EVENT come in any order to who publishes, so it takes part last.
    publisher.request += 1
    publisher.send([34, publisher.request, publisher.ask([32, {}, "com.some"])[2]])
    assert publisher.receive()[0] == 35
    everybody.remove(publisher)
    expect([here, there, guest])
    expect([there], eligible=[there.session])
    expect([here, guest], exclude=[there.session])
    expect([guest], eligible_authrole=["guest"])
    expect([here, there], exclude_authrole=["guest"])
    expect([there], eligible_authid=[authid[there]])
    expect([here, guest], exclude_authid=[authid[there]])
    expect([], eligible=[])


def test_publishers_are_disclosed_as_their_own_node_says(cluster):
    a, b, _ = cluster.members
    subscriber = b.client()
    subscriber.subscribe("com.who")
    guest = a.client(path="/guests")
    guest.publish("com.who", ["x"])
    assert events(subscriber, 1)[0][2] == {"publisher": guest.session, "publisher_authid": guest.welcome[2]["authid"],
                                           "publisher_authrole": "guest"}
    a.client().publish("com.who", ["x"])
    assert events(subscriber, 1)[0][2] == {}


def test_a_testament_reaches_other_nodes(cluster):
    a, b, _ = cluster.members
    subscriber = b.client()
    subscriber.subscribe("com.last")
    dying = a.client()
    dying.call("wamp.session.add_testament", ["com.last", ["words"], {}])
    assert dying.receive()[0] == 50
    dying.close()
    assert events(subscriber, 1)[0][3] == ["words"]


def test_a_node_listens_only_to_what_its_sessions_want(cluster, redis):
    a, b, _ = cluster.members
    assert listening(redis) == ([], 0)
    clients = [a.client(), a.client(), b.client()]
    ids = [client.subscribe("com.one") for client in clients]
    patterns = [client.subscribe("com.", match="prefix") for client in clients]
    clients[0].subscribe("wamp.something")
    assert listening(redis) == (["com.one"], 1)  # the same pattern of two nodes counts once
    for client, id_, pattern in zip(clients, ids, patterns):
        assert client.ask([34, id_])[0] == 35
        assert client.ask([34, pattern])[0] == 35
    wait_until_listening(redis, [], 0)
    clients[2].subscribe("com.two")
    clients[2].close()
    wait_until_listening(redis, [], 0)


def test_many_events_keep_their_order_and_none_is_missing(cluster):
    a, b, c = cluster.members
    count = 5000
    subscribers = [member.client("msgpack") for member in (a, b, c)]
    for subscriber in subscribers:
        subscriber.subscribe("com.many")
    got = {}
    readers = [threading.Thread(target=lambda each=each: got.update({each: numbers(each, count)})) for each in subscribers]
    for reader in readers:
        reader.start()
    publisher = a.client("msgpack")
    for begin in range(0, count, 100):
        publisher.send_many([[16, number + 1, {}, "com.many", [number]] for number in range(begin, begin + 100)])
    for reader in readers:
        reader.join(3 * nodes.TIME)
    assert [got.get(each) == list(range(count)) for each in subscribers] == [True] * 3


def test_any_program_with_a_redis_client_may_publish(cluster, redis):
    exact, pattern = cluster.members[0].client(), cluster.members[1].client("cbor")
    exact.subscribe("com.plain")
    pattern.subscribe("com..", match="wildcard")
    pattern.subscribe("com.plai", match="prefix")
    channel = "crosspoint:realm1:topic:com.plain"
    redis.cli("PUBLISH", channel, '{"args": [1, "zwei"], "kwargs": {"drei": null}}')
    assert events(exact, 1)[0][2:] == [{}, [1, "zwei"], {"drei": None}]
    assert events(pattern, 1)[0][2:] == [{"topic": "com.plain"}, [1, "zwei"], {"drei": None}]  # not that of 3 components
    with socket.create_connection(("127.0.0.1", redis.port)) as connection:
        message = b'{"args": ["by hand"]}'
        connection.sendall(b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n"
                           % (len(channel), channel.encode(), len(message), message))
        assert connection.recv(100) == b":2\r\n"
    assert events(exact, 1)[0][3] == ["by hand"]
    assert events(pattern, 1)[0][3] == ["by hand"]
    for wrong, why in (("hello", "neither a JSON object nor from a node"), ('{"args": 1}', '"args" is no list'),
                       ("crosspoint1 x", "its first line cannot be read")):
        until(lambda wrong=wrong, why=why: redis.cli("PUBLISH", channel, wrong) == "2" and any(
            why in line for line in cluster.members[0].node.lines))
    redis.cli("PUBLISH", "crosspoint:realm1:topic:com.plain", "{}")
    assert events(exact, 1)[0][2:] == [{}]


def test_the_examples_of_the_document_reach_subscribers(tmp_path, redis):
    member = Member(tmp_path, "a", redis).start()
    client = member.client()
    client.subscribe("com.example.news")
    text = (nodes.ROOT / "docs" / "cluster.md").read_text()
    shell = re.search(r"```sh\n(redis-cli .*?)```", text, re.DOTALL)[1]
    python = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    assert "6379" in python
    subprocess.run(["sh", "-c", shell.replace("redis-cli", f"redis-cli -p {redis.port}")], check=True, timeout=nodes.TIME)
    assert events(client, 1)[0][2:] == [{}, ["Hello", 42], {"from": "a shell"}]
    subprocess.run([sys.executable, "-c", python.replace("6379", str(redis.port))], check=True, timeout=nodes.TIME)
    assert events(client, 1)[0][2:] == [{}, ["Hello", 42], {"from": "Python"}]
    member.stop()


def test_a_node_that_is_killed_is_missed_and_comes_back(cluster, redis):
    a, b, c = cluster.members
    publisher = a.client()
    stays, dies = c.client(), b.client()
    for client in (stays, dies):
        client.subscribe("com.app.news")
    publisher.publish("com.app.news", [0])
    assert numbers(stays, 1) == numbers(dies, 1) == [0]
    assert redis.cli("SISMEMBER", "crosspoint:nodes", "b") == "1"
    b.kill()
    for number in range(1, 50):
        publisher.publish("com.app.news", [number])
    assert numbers(stays, 49) == list(range(1, 50))
    for member in (a, c):
        member.wait_for(f'node "b" {GONE}')
    until(lambda: redis.cli("SMEMBERS", "crosspoint:nodes").split() in (["a", "c"], ["c", "a"]))
    seen = len(a.node.lines)
    b.start()
    a.wait_for('Cluster: node "b" is there', after=seen)
    again = b.client()
    again.subscribe("com.app.news")
    publisher.publish("com.app.news", [50])
    assert numbers(stays, 1) == numbers(again, 1) == [50]


class Load(threading.Thread):
    """Publishes numbers, each when the last one was accepted, until it is told to end."""

    def __init__(self, publisher, topic):
        super().__init__(daemon=True)
        self.publisher, self.topic = publisher, topic
        self.sent, self.ended = 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.001):
            self.publisher.publish(self.topic, [self.sent], acknowledge=True)
            self.sent += 1

    def end(self):
        """How many there were."""
        self.ended.set()
        self.join(nodes.TIME)
        assert not self.is_alive()
        return self.sent


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_when_a_node_fails_under_load_each_event_is_accounted_for(cluster, how):
    a, b, c = cluster.members
    stays, hit = c.client(), b.client()
    for client in (stays, hit):
        client.subscribe("com.load")
    seen = len(a.node.lines)
    load = Load(a.client(), "com.load")
    got = numbers(hit, 100)
    if how == "killed":
        b.kill()
    else:
        nodes.freeze(b.node.process.pid)
    try:
        a.wait_for(f'node "b" {GONE}', after=seen)
        behind = load.sent
        until(lambda: load.sent > behind + 100)
    finally:
        if how == "frozen":
            b.node.process.send_signal(signal.SIGCONT)
    if how == "killed":
        sent = load.end()
        with pytest.raises((Closed, OSError)):
            while True:
                got += numbers(hit, 1)
        assert got == list(range(len(got))) and len(got) <= sent
    else:
        while got[-1] <= behind:
            got += numbers(hit, 1)
        sent = load.end()
        while got[-1] != sent - 1:
            got += numbers(hit, 1)
        # If Redis has closed the connection of the node, one piece is missing: what came before it had a new one.
        first = next((place for place, number in enumerate(got) if number != place), len(got))
        assert got == [*range(first), *range(sent - (len(got) - first), sent)]
    assert numbers(stays, sent) == list(range(sent))


def test_a_node_that_stops_says_so_and_leaves_nothing_in_redis(tmp_path, redis):
    made = Cluster(tmp_path, redis, names=("a", "b"))
    a, b = made.members
    subscriber = a.client()
    subscriber.subscribe("com.last")
    last = b.client()
    last.call("wamp.session.add_testament", ["com.last", ["words"], {}])
    assert last.receive()[0] == 50
    b.stop()
    assert events(subscriber, 1)[0][3] == ["words"]
    a.wait_for('Cluster: node "b" has left')
    assert redis.cli("SMEMBERS", "crosspoint:nodes") == "a"
    made.stop()
    assert redis.cli("KEYS", "*") == ""


def test_redis_may_be_killed(cluster, redis):
    a, b, _ = cluster.members
    publisher, local, remote = a.client(), a.client(), b.client()
    for client in (local, remote):
        client.subscribe("com.app.news")
    publisher.publish("com.app.news", [0])
    assert numbers(local, 1) == numbers(remote, 1) == [0]
    seen = {member: len(member.node.lines) for member in cluster.members}
    redis.process.kill()
    redis.process.wait(nodes.TIME)
    for member in cluster.members:
        member.wait_for(LOST, after=seen[member])
    # Alone, each node goes on: SUBSCRIBED comes at once, and so do events of the same node.
    new = a.client()
    new.subscribe("com.app.", match="prefix")
    for number in range(1, 100):
        publisher.publish("com.app.news", [number])
    assert numbers(local, 99) == numbers(new, 99) == list(range(1, 100))
    redis.start()
    for member in cluster.members:
        member.wait_for(JOINED, after=seen[member])
    assert any("99 events were published before that" in line for line in a.node.lines)
    b.client().publish("com.app.news", ["from b"])
    assert numbers(new, 1) == numbers(local, 1) == numbers(remote, 1) == ["from b"]
    for number in range(100, 200):
        publisher.publish("com.app.news", [number])
    for client in (local, remote, new):  # nothing twice, nothing missing
        assert numbers(client, 100) == list(range(100, 200))
        assert client.nothing_comes()


def test_redis_may_be_killed_while_much_is_published(cluster, redis):
    a, b, _ = cluster.members
    publisher, local, remote = a.client("msgpack"), a.client("msgpack"), b.client("msgpack")
    for client in (local, remote):
        client.subscribe("com.app.news")
    seen = {member: len(member.node.lines) for member in (a, b)}
    sent = 0

    def publish(count):
        nonlocal sent
        publisher.send_many([[16, number + 1, {}, "com.app.news", [number]] for number in range(sent, sent + count)])
        sent += count

    publish(500)
    assert numbers(remote, 1) == [0]  # it is on its way
    redis.process.kill()
    publish(500)
    redis.process.wait(nodes.TIME)
    for member in (a, b):
        member.wait_for(LOST, after=seen[member])
    assert numbers(local, sent) == list(range(sent))
    back = sent
    redis.start()
    for member in (a, b):
        member.wait_for(JOINED, after=seen[member])
    publish(500)
    assert numbers(local, 500) == list(range(back, sent))
    got = [0]
    while got[-1] != sent - 1:
        got += numbers(remote, 1)
    # All until some moment, and all after it: in order, nothing twice.
    until_then = len(got) - 500
    assert until_then <= back
    assert got == [*range(until_then), *range(back, sent)]


def test_a_redis_that_hangs_holds_up_nobody(cluster, redis):
    a, b, _ = cluster.members
    publisher, local, remote = a.client(), a.client(), b.client()
    for client in (local, remote):
        client.subscribe("com.app.news")
    seen = {member: len(member.node.lines) for member in cluster.members}
    nodes.freeze(redis.process.pid)
    try:
        publisher.publish("com.app.news", [1], acknowledge=True)
        assert numbers(local, 1) == [1]
        waiting = a.client()
        waiting.send([32, 1, {}, "com.new"])
        assert a.client().nothing_comes()
        assert waiting.receive()[:2] == [33, 1]  # when the node has seen that nothing comes
        for member in cluster.members:
            member.wait_for("is lost: no answer for 2 s", after=seen[member])
    finally:
        redis.process.send_signal(signal.SIGCONT)
    for member in cluster.members:
        member.wait_for(JOINED, after=seen[member])
    publisher.publish("com.app.news", [2])
    assert numbers(local, 1) == [2]
    got = numbers(remote, 1)
    if got == [1]:  # it was on its way when Redis stopped, and has come through
        got = numbers(remote, 1)
    assert got == [2]
    b.client().publish("com.new", ["x"])
    assert events(waiting, 1)[0][3] == ["x"]


def test_a_node_that_hangs_counts_as_gone_until_it_goes_on(cluster):
    a, b, c = cluster.members
    publisher, stays, hangs = a.client(), c.client(), b.client()
    for client in (stays, hangs):
        client.subscribe("com.app.news")
    seen = len(a.node.lines)
    nodes.freeze(b.node.process.pid)
    try:
        a.wait_for(f'node "b" {GONE}', after=seen)
        for number in range(20):
            publisher.publish("com.app.news", [number])
        assert numbers(stays, 20) == list(range(20))
    finally:
        b.node.process.send_signal(signal.SIGCONT)
    a.wait_for('Cluster: node "b" is there', after=seen)
    # Redis has kept for it what it had no time for.
    assert numbers(hangs, 20) == list(range(20))


def test_a_node_starts_without_redis_and_joins_later(tmp_path, redis):
    redis.stop()
    member = Member(tmp_path, "a", redis).start(joined=False)
    member.wait_for("no connection to Redis at .*; the node goes on alone, and tries again")
    one, two = member.client(), member.client()
    one.subscribe("com.app.news")
    two.publish("com.app.news", [1])
    assert numbers(one, 1) == [1]
    redis.start()
    member.wait_for(JOINED)
    redis.cli("PUBLISH", "crosspoint:realm1:topic:com.app.news", '{"args": [2]}')
    assert numbers(one, 1) == [2]
    member.stop()


def test_a_password_and_a_database_are_used_and_not_shown(tmp_path, redis):
    redis.cli("CONFIG", "SET", "requirepass", "s3cr:t")
    url = f"redis://:s3cr%3At@127.0.0.1:{redis.port}/2"
    a = Member(tmp_path, "a", redis, redis=url, prefix="other").start()
    b = Member(tmp_path, "b", redis, redis=url.replace("s3cr", "wrong")).start(joined=False)
    b.wait_for("no connection to Redis at .*: AUTH: ")
    with_password = ["-a", "s3cr:t", "--no-auth-warning", "-n", "2"]
    assert redis.cli(*with_password, "SMEMBERS", "other:nodes") == "a"
    for member in (a, b):
        member.stop()
        assert "s3cr" not in member.node.output() and "wrong" not in member.node.output()


def test_two_nodes_with_the_same_id_are_told_so_and_get_all_events(tmp_path, redis):
    one = Member(tmp_path / "1", "same", redis).start()
    two = Member(tmp_path / "2", "same", redis).start()
    one.wait_for('another node calls itself "same", too')
    two.wait_for('another node calls itself "same", too')
    client = two.client()
    client.subscribe("com.app.news")
    one.client().publish("com.app.news", [1])
    assert numbers(client, 1) == [1]
    for member in (one, two):
        member.stop()


def test_realms_that_are_not_clustered_stay_alone(tmp_path, redis):
    port = nodes.free_port()
    document = nodes.config(port, [nodes.realm(clustered=True), nodes.realm("alone")])
    document["cluster"] = {"redis": redis.url, "node": "x"}
    node = nodes.Node(nodes.write_config(tmp_path / "x", document))
    node.wait_for(JOINED)
    alone = Client(port, realm="alone")
    alone.subscribe("com.app.news")
    assert listening(redis) == ([], 0)
    assert "alone" not in redis.cli("PUBSUB", "CHANNELS", "*")
    assert node.stop() == 0


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def status(member):
    return nodes.run("status", "--cbdir", member.directory).stdout


def test_status_lists_the_nodes(tmp_path, redis):
    made = Cluster(tmp_path, redis, names=("a", "b"))
    a, b = made.members
    assert status(a) == f'Status is RUNNING\nCluster "crosspoint" at 127.0.0.1:{redis.port}: a, b\n'
    b.kill()
    until(lambda: status(a).endswith(": a\n"))
    a.stop()
    assert status(a).endswith(": no node\n")
    redis.stop()
    assert re.fullmatch('Status is STOPPED\nCluster "crosspoint" at .* cannot be asked: .*\n', status(a))


def test_run_cluster_starts_nodes_that_know_each_other(tmp_path, redis):
    first = next(port for port in iter(nodes.free_port, None) if not any(map(answers, (port, port + 1))))
    environment = {**os.environ, "REDIS_URL": redis.url, "CLUSTER_PORT": str(first)}
    script = subprocess.Popen([nodes.ROOT / "bin" / "run-cluster", "2"], env=environment, text=True, stdout=subprocess.PIPE)
    try:
        lines = [script.stdout.readline() for _ in range(3)]
        assert lines[0].startswith(f"node 1: ws://127.0.0.1:{first}/ws") and lines[2].startswith("Redis is at"), lines
        one, two = Client(first), Client(first + 1)
        two.subscribe("com.app.news")
        one.publish("com.app.news", [1])
        assert numbers(two, 1) == [1]
    finally:
        script.send_signal(signal.SIGTERM)
        assert script.wait(nodes.TIME) == 0
    assert redis.cli("KEYS", "*") == ""
