"""A node takes clients when it has joined its cluster, or knows that it cannot."""

import re
import signal

from support import node as nodes
from support.cluster import Cluster, Member
from test_cluster_calls import serve_one, start_call


def place(node, pattern):
    """The number of the first line that says so."""
    return next(number for number, line in enumerate(node.lines) if re.search(pattern, line))


def test_who_comes_to_a_node_that_starts_finds_what_others_have(tmp_path, redis):
    cluster = Cluster(tmp_path, redis, names=("a",))
    callee = cluster.members[0].client()
    callee.register("com.app.add")
    member = Member(tmp_path, "b", redis)
    for _ in range(5):
        member.start(joined=False)
        caller = member.client()
        request = start_call(caller, "com.app.add", [1])
        serve_one(callee, [2])
        assert caller.receive()[1::2] == [request, [2]]
        joined = place(member.node, "has joined by way of Redis")
        assert joined < place(member.node, "listening on") < place(member.node, "ran successfully")
        member.stop()
    cluster.stop()


def test_without_redis_it_says_so_and_takes_clients_alone(tmp_path, redis):
    redis.stop()
    member = Member(tmp_path, "a", redis).start(joined=False)
    alone = place(member.node, "no connection to Redis at .*; the node goes on alone")
    assert alone < place(member.node, "listening on")
    client = member.client()
    client.subscribe("com.news")
    member.stop()


def test_redis_that_hangs_does_not_keep_clients_waiting(tmp_path, redis):
    nodes.freeze(redis.process.pid)
    try:
        member = Member(tmp_path, "a", redis).start(joined=False)
        assert place(member.node, "no connection to Redis at .*; the node goes on alone") < place(member.node, "listening on")
        member.client().subscribe("com.news")
    finally:
        redis.process.send_signal(signal.SIGCONT)
    member.wait_for("has joined by way of Redis")
    member.stop()


def test_another_node_that_hangs_does_not_keep_clients_waiting(tmp_path, redis):
    cluster = Cluster(tmp_path, redis, names=("a",), heartbeat=20)
    hanging = cluster.members[0]
    nodes.freeze(hanging.node.process.pid)
    try:
        member = Member(tmp_path, "b", redis, heartbeat=20).start()
        late = place(member.node, "has not joined its cluster within 10 s: it takes clients now")
        assert late < place(member.node, "listening on")
        member.client().subscribe("com.news")
        member.stop()
    finally:
        hanging.node.process.send_signal(signal.SIGCONT)
    cluster.stop()


def test_a_node_that_has_not_joined_yet_can_be_stopped(tmp_path, redis):
    nodes.freeze(redis.process.pid)
    try:
        node = nodes.Node(Member(tmp_path, "a", redis).directory, wait=False)
        node.wait_for("Booting Crosspoint")
        assert node.stop() == 0
        gave_up = any("the node goes on alone" in line for line in node.lines)  # the machine was very slow
        assert gave_up or not any("listening on" in line for line in node.lines)
    finally:
        redis.process.send_signal(signal.SIGCONT)
