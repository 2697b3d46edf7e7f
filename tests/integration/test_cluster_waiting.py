"""Calls between nodes wait for a callee that takes only so many at a time."""

import pytest

from support import node as nodes
from support.cluster import GUESTS, ROLES, Cluster, Member
from test_cluster_calls import answer, error_of, invocation, start_call, wait_until_callable

LIMIT = 20
QUEUE = {"type": "memory", "call-queue": [{"uri": "com.work", "match": "prefix", "limit": LIMIT}]}


class Worker(Member):
    def document(self):
        realm = nodes.realm(roles=ROLES, clustered=True, store=QUEUE)
        return nodes.config(self.port, [realm], paths={"guests": GUESTS})


@pytest.fixture
def cluster(tmp_path, redis):
    made = Cluster(tmp_path, redis, member=Worker)
    yield made
    made.stop()


def busy_callee(cluster, **details):
    """A callee on a that works at one call, and a caller on b that knows of it."""
    callee, caller = cluster.members[0].client(**details), cluster.members[1].client("msgpack")
    callee.register("com.work", concurrency=1)
    wait_until_callable(caller, "com.work")
    first = start_call(caller, "com.work", [0])
    return callee, caller, first, invocation(callee)


def test_calls_of_all_nodes_wait_for_a_busy_callee(cluster):
    callee, caller, first, message = busy_callee(cluster)
    near, far = cluster.members[0].client(), cluster.members[2].client("cbor")
    wait_until_callable(far, "com.work")
    requests = {}
    for client in (caller, near, far):  # on each way in order
        requests[client] = [start_call(client, "com.work", [client.session, number]) for number in range(5)]
    answer(callee, message)
    assert caller.receive()[:2] == [50, first]
    seen = {client.session: [] for client in requests}
    for _ in range(15):
        message = invocation(callee)
        assert callee.nothing_comes()
        seen[message[4][0]].append(message[4][1])
        answer(callee, message)
    assert seen == {session: list(range(5)) for session in seen}
    for client, expected in requests.items():
        assert [client.receive()[:2] for _ in expected] == [[50, request] for request in expected]


def test_no_more_calls_wait_than_the_queue_takes(cluster):
    callee, caller, first, message = busy_callee(cluster)
    waiting = [start_call(caller, "com.work", [number]) for number in range(LIMIT)]
    too_many = start_call(caller, "com.work")
    assert error_of(caller, too_many) == "crossbar.error.max_concurrency_reached"
    for request in [first, *waiting]:
        answer(callee, message)
        assert caller.receive()[:2] == [50, request]
        if request != waiting[-1]:
            message = invocation(callee)


def test_a_waiting_call_is_canceled_and_timed_out(cluster):
    callee, caller, first, message = busy_callee(cluster)
    canceled = start_call(caller, "com.work", ["canceled"])
    short = start_call(caller, "com.work", ["short"], timeout=100)
    last = start_call(caller, "com.work", ["last"])
    assert error_of(caller, short) == "wamp.error.timeout"
    caller.send([49, canceled, {"mode": "kill"}])
    assert error_of(caller, canceled) == "wamp.error.canceled"
    answer(callee, message)
    assert caller.receive()[:2] == [50, first]
    message = invocation(callee)
    assert message[4] == ["last"]
    answer(callee, message)
    assert caller.receive()[:2] == [50, last]
    assert callee.nothing_comes()


def test_a_node_that_dies_takes_its_waiting_calls_along(cluster):
    a, b, _ = cluster.members
    details = {"roles": {"callee": {"features": {"call_canceling": True}}}}
    callee, caller, first, message = busy_callee(cluster, details=details)
    dying, near = b.client(), a.client()
    for _ in range(3):
        start_call(dying, "com.work", ["dying"])
    # Those have come when the one behind them is refused or waits: ask for what is certain.
    probe = [start_call(dying, "com.work", ["probe"]) for _ in range(LIMIT)]
    assert error_of(dying, probe[LIMIT - 3]) == "crossbar.error.max_concurrency_reached"
    b.kill()
    # The call of `caller`; those that wait are given up at the same time.
    assert callee.receive()[:2] == [69, message[1]]
    request = start_call(near, "com.work", ["near"])
    answer(callee, message)
    message = invocation(callee)
    assert message[4] == ["near"]
    answer(callee, message)
    assert near.receive()[:2] == [50, request]
    assert callee.nothing_comes()


def test_a_callee_that_leaves_fails_what_waits_for_it(cluster):
    callee, caller, first, _ = busy_callee(cluster)
    second = start_call(caller, "com.work")
    third = start_call(caller, "com.work", timeout=1)  # behind the other one, on the same way
    assert error_of(caller, third) == "wamp.error.timeout"
    callee.close()
    replies = [caller.receive() for _ in range(2)]
    assert sorted(reply[2] for reply in replies) == [first, second]
    assert {reply[4] for reply in replies} == {"wamp.error.canceled"}
