"""Nodes that are joined by a Redis Cluster: events go by way of the masters of their topics, on sharded channels."""

import re
import socket
import subprocess
import threading

import pytest

from support import node as nodes
from support.apps import until
from support.certificates import Authority
from support.cluster import Cluster, Member
from support.redis_cluster import Master, RedisCluster, SecureMaster
from test_cluster import (JOINED, LOST, events, numbers, status, test_a_node_that_is_killed_is_missed_and_comes_back,  # noqa: F401
                          test_events_reach_every_subscription_of_every_node_once_and_in_order,
                          test_many_events_keep_their_order_and_none_is_missing,
                          test_publishers_are_disclosed_as_their_own_node_says, test_receivers_are_chosen_on_every_node)
from test_cluster_calls import (test_a_call_to_a_node_that_has_just_died_fails_at_once,  # noqa: F401
                                test_a_procedure_is_called_from_every_node,
                                test_a_registration_is_taken_over_from_another_node, test_errors_and_progress_travel,
                                test_many_calls_at_once_find_their_answers_in_order,
                                test_one_registration_of_a_procedure_in_the_whole_cluster)
from test_cluster_history import (Keeper, call, keepers, stream, test_a_flush_is_for_all_nodes,  # noqa: F401
                                  test_all_nodes_see_one_order_under_load, test_the_history_of_all_nodes_is_one)
from test_cluster_meta import (scene, test_a_subscription_is_the_same_one_on_all_nodes,  # noqa: F401
                               test_meta_events_of_all_nodes_are_heard_everywhere,
                               test_sessions_are_killed_by_authid_and_role_on_all_nodes)
from test_cluster_retained import (test_an_event_replaces_that_of_another_node,  # noqa: F401
                                   test_every_node_has_what_is_retained_on_any,
                                   test_receivers_and_publishers_are_as_on_one_node)
from test_cluster_sentinel import Stream, check_stream
from test_gateway import Worker, route
from test_cluster_gateway import enter, serving

ALONE = "no connection to Redis at .*: {}; the node goes on alone, and tries again"


def launch(stack, directory, count, make=Master, options=(), empty=0):
    """A cluster whose servers end with the test or module that `stack`, a list of functions, belongs to."""
    servers = []
    for number in range(count):
        server = make(directory / f"master{number}")
        server.directory.mkdir(parents=True)
        server.start(*options)
        stack.append(lambda server=server: server.process.poll() is None and server.stop())
        servers.append(server)
    return RedisCluster(servers, empty)


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Three masters for the tests that do nothing to them."""
    stack = []
    yield launch(stack, tmp_path_factory.mktemp("servers"), 3)
    for end in stack:
        end()


@pytest.fixture
def redis(servers):
    yield servers
    servers.clear()


@pytest.fixture
def own(tmp_path):
    """own(...): a Redis Cluster of the test's own, as launch() makes it."""
    stack = []
    yield lambda count=3, **more: launch(stack, tmp_path, count, **more)
    for end in stack:
        end()


@pytest.fixture
def cluster(tmp_path, redis):
    # As long as nodes wait for each other's answers: no test is to fail since the machine is slow.
    made = Cluster(tmp_path, redis, heartbeat=1)
    yield made
    made.stop()


def topic_channels(redis):
    """By master: the topics of realm1 that somebody listens to."""
    return [sorted(re.sub(r"^crosspoint:\{realm1:\d+\}:topic:", "", channel) for channel in channels)
            for channels in redis.channels("crosspoint:{realm1:*}:topic:*")]


def pattern_channels(redis):
    return [len(channels) for channels in redis.channels("crosspoint:{realm1:*}:patterns")]


def channel(redis, topic, kind="topic"):
    bucket = redis.slot(topic) % 256
    return f"crosspoint:{{realm1:{bucket}}}:" + (f"topic:{topic}" if kind == "topic" else kind)


def test_topics_are_spread_over_all_masters_and_their_events_come_once_and_in_order(cluster, redis):
    topics = [f"com.app.t{number}" for number in range(60)]
    rounds = 20
    exact, prefix, wildcard = [member.client("msgpack") for member in cluster.members]
    both = cluster.members[2].client()
    names = {exact.subscribe(topic): topic for topic in topics}
    under = prefix.subscribe("com.app", match="prefix")
    wild = wildcard.subscribe("com..t7", match="wildcard")
    ids = {both.subscribe("com.app.t7"), both.subscribe("com.app.t", match="prefix")}
    by_master = topic_channels(redis)
    assert sorted(sum(by_master, [])) == sorted(topics)
    assert all(len(here) > 5 for here in by_master)
    for master, here in zip(redis.masters, by_master):
        assert all(redis.master_of(channel(redis, topic)) is master for topic in here[:5])
    assert sum(pattern_channels(redis)) == 256 and all(count > 50 for count in pattern_channels(redis))
    publishers = [member.client("msgpack") for member in cluster.members]
    for publisher in publishers:  # none of them hears its own
        publisher.send_many([[16, number + 1, {}, topic, [publisher.session, number]]
                             for number in range(rounds) for topic in topics])
    expected = {(publisher.session, topic): list(range(rounds)) for publisher in publishers for topic in topics}

    def sorted_out(received, topic_of):
        got = {}
        for event in received:
            got.setdefault((event[3][0], topic_of(event)), []).append(event[3][1])
        return got

    def topic_in_details(event):
        return event[2]["topic"]

    all_of = len(topics) * rounds * len(publishers)
    assert sorted_out(events(exact, all_of), lambda event: names[event[0]]) == expected
    got = events(prefix, all_of)
    assert {event[0] for event in got} == {under}
    assert sorted_out(got, topic_in_details) == expected
    one = {key: value for key, value in expected.items() if key[1] == "com.app.t7"}
    got = events(wildcard, rounds * len(publishers))
    assert {event[0] for event in got} == {wild}
    assert sorted_out(got, topic_in_details) == one
    got = events(both, all_of + rounds * len(publishers))
    assert {event[0] for event in got} == ids
    assert sorted_out([event for event in got if not event[2]], lambda event: "com.app.t7") == one
    assert sorted_out([event for event in got if event[2]], topic_in_details) == expected
    for client in (exact, prefix, wildcard, both):
        assert client.nothing_comes()


def test_nodes_listen_to_what_their_sessions_want_only(cluster, redis):
    clients = [member.client() for member in cluster.members]
    ids = [(client.subscribe("com.one"), client.subscribe("com.", match="prefix"), client.subscribe("..x", match="wildcard"))
           for client in clients]
    assert sum(topic_channels(redis), []) == ["com.one"]
    assert sum(pattern_channels(redis)) == 256
    for client, (topic, prefix, wildcard) in zip(clients, ids):
        assert client.ask([34, prefix])[0] == 35
        assert client.ask([34, topic])[0] == 35
    until(lambda: sum(topic_channels(redis), []) == [])
    assert sum(pattern_channels(redis)) == 256  # the wildcard is still there
    publisher = cluster.members[0].client()
    publisher.publish("a.b.x", [1])
    for client in clients:
        assert numbers(client, 1) == [1]
    for client, (_, _, wildcard) in zip(clients, ids):
        assert client.ask([34, wildcard])[0] == 35
    until(lambda: sum(pattern_channels(redis)) == 0)
    clients[0].subscribe("com.", match="prefix")
    clients[0].subscribe("com.two")
    assert sum(topic_channels(redis), []) == ["com.two"]
    assert sum(pattern_channels(redis)) == 256
    cluster.members[1].client().publish("com.two", [2])
    assert numbers(clients[0], 2) == [2, 2]


def test_retained_events_and_others_of_a_publisher_stay_in_order(cluster):
    a, b, c = cluster.members
    subscribers = [member.client("msgpack") for member in (b, c)]
    subscribers.append(b.client())
    for client in subscribers[:2]:
        client.subscribe("com.mixed")
    subscribers[2].subscribe("com.", match="prefix")
    publisher = a.client("msgpack")
    count = 600
    publisher.send_many([[16, number + 1, {"retain": number % 3 != 1}, "com.mixed", [number]] for number in range(count)])
    for client in subscribers:
        assert numbers(client, count) == list(range(count))
        assert client.nothing_comes()


def test_each_history_is_at_the_master_of_its_slot(tmp_path, redis):
    uris = [f"com.kept.{number}" for number in range(12)]

    class Keeping(Keeper):
        store = {**Keeper.store, "event-history": [{"uri": uri} for uri in uris]}

    made = Cluster(tmp_path, redis, names=("a", "b"), member=Keeping)
    clients = [member.client() for member in made.members]
    for number, uri in enumerate(uris):
        clients[number % 2].publish(uri, [number], acknowledge=True)
    assert len({redis.master_of(stream(uri)) for uri in uris}) == 3
    for number, uri in enumerate(uris):
        assert redis.master_of(stream(uri)).cli("XLEN", stream(uri)) == "1"
        for client in clients:
            assert [event["args"] for event in call(client, "wamp.topic.history.last", uri, 10)] == [[number]]
    for client in clients:
        client.close()
    made.stop()


def test_the_gateway_reaches_connections_of_other_nodes(tmp_path, redis):
    made = Cluster(tmp_path, redis, member=serving({"play": route()}))
    a, b, c = made.members
    link, id_ = enter(b)
    workers = [Worker(member.port) for member in (a, c)]
    for number, worker in enumerate(workers):
        assert worker.ask_gateway("send", id_, f"text {number}") is True
        assert link.hear() == f"text {number}"
        worker.close()
    link.leave()
    made.stop()


def test_the_status_names_the_cluster(cluster, redis):
    home = redis.master_of("{crosspoint}")
    assert status(cluster.members[0]) == ('Status is RUNNING\nCluster "crosspoint" at '
                                          f"127.0.0.1:{home.port} (Redis Cluster, masters: 3): a, b, c\n")


def test_the_example_of_the_document_reaches_subscribers(cluster, redis):
    text = (nodes.ROOT / "docs" / "cluster.md").read_text()
    shell = re.search(r"```sh\n(topic=.*?)```", text, re.DOTALL)[1]
    exact, prefix = cluster.members[0].client(), cluster.members[1].client()
    exact.subscribe("com.example.news")
    prefix.subscribe("com.example", match="prefix")
    run = shell.replace("redis-cli", f"redis-cli -p {redis.masters[0].port}")
    subprocess.run(["sh", "-ec", run], check=True, timeout=nodes.TIME)
    for client in (exact, prefix):
        assert events(client, 1)[0][3:] == [["Hello", 42]]
        assert client.nothing_comes()


def test_what_cannot_be_read_is_not_delivered(cluster, redis):
    client = cluster.members[0].client()
    client.subscribe("com.plain")
    client.subscribe("com.", match="prefix")
    topic, patterns, retained = [channel(redis, "com.plain", kind) for kind in ("topic", "patterns", "retained")]
    master = redis.master_of(topic)
    for where, wrong, why in ((topic, "hello", "neither a JSON object nor from a node"),
                              (patterns, "hello", "it does not begin with a topic"),
                              (patterns, "com.plain hello", "neither a JSON object nor from a node"),
                              (patterns, "com..plain {}", "its topic is not valid"),
                              (retained, "hello", "it is no retained event")):
        until(lambda where=where, wrong=wrong, why=why: int(master.cli("SPUBLISH", where, wrong)) > 0 and any(
            why in line for line in cluster.members[0].node.lines))
    master.cli("SPUBLISH", topic, '{"args": [1]}')
    assert numbers(client, 1) == [1]


def all_back(cluster, seen):
    for member in cluster.members:
        member.wait_for(JOINED, after=seen[member])


def is_joined(member):
    """Now: a node may be lost again if it came back before the masters agreed on their slots."""
    return [JOINED in line for line in member.node.lines if JOINED in line or re.search(LOST, line)][-1]


def lines_of(cluster):
    return {member: len(member.node.lines) for member in cluster.members}


@pytest.fixture
def two(tmp_path, own):
    """Two nodes, and the Redis Cluster that joins them: (nodes, servers)."""
    redis = own()
    made = Cluster(tmp_path, redis, names=("a", "b"))
    yield made, redis
    made.stop()


def other_than_home(redis):
    home = redis.master_of("{crosspoint}")
    return next(master for master in redis.masters if master is not home)


@pytest.mark.parametrize("which", ["home", "another"])
def test_a_master_may_be_killed(two, which):
    cluster, redis = two
    a, b = cluster.members
    a.client().publish("com.kept", ["kept"], retain=True, acknowledge=True)
    stream, seen = Stream(cluster), lines_of(cluster)
    until(lambda: stream.got)
    everything = b.client()
    everything.subscribe("com.other.", match="prefix")
    master = redis.master_of("{crosspoint}") if which == "home" else other_than_home(redis)
    master.kill()
    for member in cluster.members:
        member.wait_for(LOST, after=seen[member])
        member.wait_for(ALONE.format(f".*127.0.0.1:{master.port}: Connection refused" if which == "another" else
                                     ".*Connection refused"), after=seen[member])
    local = b.client()
    local.publish("com.other.a", ["while alone"])
    assert numbers(everything, 1) == ["while alone"]
    seen = lines_of(cluster)
    master.start()
    all_back(cluster, seen)
    check_stream(stream)
    late = b.client()
    late.subscribe("com.kept", get_retained=True)
    assert numbers(late, 1) == ["kept"]
    publisher = a.client()
    for number in range(40):
        publisher.publish(f"com.other.t{number}", [number])
    assert sorted(numbers(everything, 40)) == list(range(40))
    assert everything.nothing_comes()


@pytest.mark.parametrize("listening", [True, False], ids=["of the topic", "another"])
def test_a_slot_may_go_to_another_master_while_events_flow(two, listening):
    cluster, redis = two
    stream, seen = Stream(cluster), lines_of(cluster)
    until(lambda: stream.got)
    bucket = redis.slot("com.stream") % 256
    if not listening:  # a bucket of which nodes have but the channels that they always have
        bucket = next(number for number in range(256) if redis.master_of(f"{{realm1:{number}}}") is other_than_home(redis))
    source = redis.master_of(f"{{realm1:{bucket}}}")
    target = next(master for master in redis.masters if master is not source)
    redis.move(redis.slot(f"{{realm1:{bucket}}}"), source, target)
    for member in cluster.members:
        member.wait_for(LOST, after=seen[member])
    retained = f"crosspoint:{{realm1:{bucket}}}:retained"
    until(lambda: target.cli("PUBSUB", "SHARDNUMSUB", retained).split() == [retained, "2"]
          and all(is_joined(member) for member in cluster.members))
    check_stream(stream)
    assert redis.is_ready(target)
    if listening:
        assert topic_channels(redis)[redis.masters.index(target)] == ["com.stream"]


def test_any_node_of_the_redis_cluster_knows_the_others(tmp_path, own):
    redis = own(4, empty=1)
    named = redis.masters[-1]  # it has no slots
    home = redis.master_of("{crosspoint}")
    member = Member(tmp_path, "a", redis, redis=named.url).start(joined=False)
    member.wait_for(f"{JOINED} at 127.0.0.1:{home.port} \\(Redis Cluster, masters: 3\\)")
    seen = len(member.node.lines)
    named.kill()
    assert home.cli("CLIENT", "KILL", "TYPE", "pubsub") != "0"
    member.wait_for(LOST, after=seen)
    member.wait_for(JOINED, after=seen)
    member.stop()


def test_all_masters_over_tls_and_with_a_password(tmp_path, own):
    authority = Authority(tmp_path / "ca")
    redis = own(make=lambda directory: SecureMaster(directory, authority))
    tls = {"ca_certificates": [authority.file], "hostname": "localhost"}
    made = Cluster(tmp_path, redis, names=("a", "b"), tls=tls)
    a, b = made.members
    subscriber = b.client()
    for number in range(30):
        subscriber.subscribe(f"com.t{number}")
    assert all(topic_channels(redis))
    publisher = a.client()
    for number in range(30):
        publisher.publish(f"com.t{number}", [number])
    assert sorted(numbers(subscriber, 30)) == list(range(30))
    assert all("s3cr" not in member.node.output() for member in made.members)
    subscriber.close()
    publisher.close()
    made.stop()
    wrong = Member(tmp_path, "wrong", redis, redis=redis.url.replace("t@", "x@"), tls=tls).start(joined=False)
    wrong.wait_for(ALONE.format(".*WRONGPASS.*"))
    wrong.stop()


def alone(tmp_path, server, why, **cluster):
    member = Member(tmp_path, "alone", server, **cluster).start(joined=False)
    member.wait_for(ALONE.format(why))
    member.stop()


def test_settings_that_do_not_go_with_a_redis_cluster(tmp_path, redis):
    alone(tmp_path / "1", redis, "it belongs to a Redis Cluster, which has no database 3, but 0 only",
          redis=redis.url + "/3")


def test_a_redis_cluster_that_does_not_work(tmp_path, own):
    redis = own(1)
    slot = redis.slot("{realm1:17}")
    server = redis.masters[0]
    assert server.cli("CLUSTER", "DELSLOTS", str(slot)) == "OK"
    until(lambda: "cluster_state:fail" in server.cli("CLUSTER", "INFO"))
    member = Member(tmp_path, "a", redis).start(joined=False)
    member.wait_for(ALONE.format('master .*: its Redis Cluster does not work: cluster_state is not "ok"'))
    assert server.cli("CLUSTER", "ADDSLOTS", str(slot)) == "OK"
    member.wait_for(JOINED)
    member.stop()


def test_a_redis_cluster_without_slots(tmp_path, launch_redis):
    server = launch_redis(Master(tmp_path / "redis"))
    alone(tmp_path, server, "its Redis Cluster has given no slot to any master")


class OldServer:
    """Says what a Redis 6 with cluster-enabled says to who asks before anything else."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as file:
                while head := file.readline():
                    words = [file.read(int(file.readline()[1:]) + 2)[:-2] for _ in range(int(head[1:]))]
                    file.write(self.answer(words))
                    file.flush()

    @staticmethod
    def answer(words):
        if words == [b"INFO", b"cluster"]:
            text = b"# Cluster\r\ncluster_enabled:1\r\n"
            return b"$%d\r\n%s\r\n" % (len(text), text)
        if words[0] == b"PUBSUB":
            return b"-ERR Unknown PUBSUB subcommand or wrong number of arguments for 'SHARDNUMSUB'\r\n"
        return b"+OK\r\n"

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(nodes.TIME)


def test_a_redis_cluster_that_is_too_old(tmp_path):
    server = OldServer()
    alone(tmp_path, server, "it belongs to a Redis Cluster without sharded channels, which need Redis 7 or later")
    server.close()
