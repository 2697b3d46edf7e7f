"""Calls beyond the basic profile, over sockets: canceling, time limits, progress."""

import pytest

from support import node as nodes
from support.spread import one_node
from support.wamp import SERIALIZERS, Client

FEATURES = {"features": {"call_canceling": True, "progressive_call_results": True, "registration_revocation": True}}
MODERN = {"roles": {"callee": FEATURES, "caller": {"features": {"call_canceling": True}}, "publisher": {},
                    "subscriber": {}}}


def pair(port, procedure, serializer="json"):
    callee, caller = Client(port, serializer, details=MODERN), Client(port, serializer, details=MODERN)
    callee.register(procedure)
    return caller, callee


def call(caller, procedure, options, args=None):
    caller.request += 1
    caller.send([48, caller.request, options, procedure, args or []])
    return caller.request


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_canceling(router, serializer):
    caller, callee = pair(router[0], "com.cancel." + serializer, serializer)
    request = call(caller, "com.cancel." + serializer, {})
    invocation = callee.receive()
    caller.send([49, request, {"mode": "kill"}])
    assert callee.receive() == [69, invocation[1], {"mode": "kill"}]
    callee.send([8, 68, invocation[1], {}, "wamp.error.canceled", ["as asked"]])
    assert caller.receive() == [8, 48, request, {}, "wamp.error.canceled", ["as asked"]]
    request = call(caller, "com.cancel." + serializer, {})
    callee.receive()
    caller.send([49, request, {}])
    assert caller.receive()[4] == "wamp.error.canceled"
    assert callee.receive()[0] == 69


def test_a_wrong_cancel_mode(router):
    client = Client(router[0])
    client.send([49, 1, {"mode": "gently"}])
    assert client.receive()[2] == "wamp.error.protocol_violation"


def test_a_caller_that_disconnects_has_its_calls_interrupted(router):
    caller, callee = pair(router[0], "com.leaving")
    call(caller, "com.leaving", {})
    invocation = callee.receive()
    caller.socket.close()
    assert callee.receive() == [69, invocation[1], {"mode": "killnowait"}]


def test_time_limits(router):
    caller, callee = pair(router[0], "com.slow")
    request = call(caller, "com.slow", {"timeout": 50})
    invocation = callee.receive()
    reply = caller.receive()
    assert reply[:5] == [8, 48, request, {}, "wamp.error.timeout"]
    assert callee.receive() == [69, invocation[1], {"mode": "killnowait", "reason": "wamp.error.timeout"}]
    request = call(caller, "com.slow", {"timeout": 60000})
    callee.send([70, callee.receive()[1], {}, ["in time"]])
    assert caller.receive()[3] == ["in time"]


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_ten_thousand_progressive_results_arrive_in_order(router, serializer):
    """The caller begins to read when all have been sent."""
    caller, callee = pair(router[0], "com.stream." + serializer, serializer)
    request = call(caller, "com.stream." + serializer, {"receive_progress": True})
    invocation = callee.receive()
    assert invocation[3]["receive_progress"] is True
    text = "x" * 200
    for start in range(0, 10000, 500):
        callee.send_many([[70, invocation[1], {"progress": True}, [n, text]] for n in range(start, start + 500)])
    callee.send([70, invocation[1], {}, ["end"]])
    for n in range(10000):
        result = caller.receive()
        assert result[1] == request and result[2]["progress"] is True and result[3] == [n, text]
    last = caller.receive()
    assert "progress" not in last[2] and last[3] == ["end"]


def test_progressive_invocations(router):
    caller, callee = pair(router[0], "com.upload")
    call(caller, "com.upload", {"progress": True}, [1])
    first = callee.receive()
    assert first[3] == {"progress": True}
    for n in range(2, 5):
        caller.send([48, caller.request, {"progress": n < 4}, "com.upload", [n]])
        more = callee.receive()
        assert more[1] == first[1] and more[4] == [n] and more[3] == ({"progress": True} if n < 4 else {})
    callee.send([70, first[1], {}, ["stored"]])
    assert caller.receive()[3] == ["stored"]
    call(caller, "com.upload", {}, [1])
    callee.receive()
    caller.send([48, caller.request, {}, "com.upload", [2]])  # complete already
    assert caller.receive()[2] == "wamp.error.protocol_violation"


def test_forced_re_registration(router):
    _, old = pair(router[0], "com.owned")
    heir = Client(router[0])
    registration = heir.ask([64, {"force_reregister": True}, "com.owned"])
    assert registration[0] == 65
    revoked = old.receive()
    assert revoked[:2] == [67, 0] and revoked[2]["reason"] == "wamp.error.unregistered"


def test_passthru_over_two_serializers(router):
    attributes = {"ppt_scheme": "x_custom", "ppt_serializer": "cbor", "ppt_keyid": "k"}
    callee = Client(router[0], "msgpack", details=MODERN)
    callee.register("com.ppt")
    caller = Client(router[0], "cbor", details=MODERN)
    call(caller, "com.ppt", attributes, [b"\x00\x01secret"])
    invocation = callee.receive()
    assert invocation[3] == attributes and invocation[4] == [b"\x00\x01secret"]
    callee.send([70, invocation[1], attributes, [b"answer\xff"]])
    result = caller.receive()
    assert attributes.items() <= result[2].items() and result[3] == [b"answer\xff"]


def queued(limit):
    return [nodes.realm(store={"type": "memory", "call-queue": [{"uri": "com.", "match": "prefix", "limit": limit}]})]


@one_node("the caller's node may hear of the second callee after the first calls")
@pytest.mark.parametrize("threads", [1, 2])
def test_calls_wait_for_a_callee_with_concurrency(start, port, threads):
    start(nodes.config(port, realms=queued(100), options={"io_threads": threads}))
    callees = [Client(port, details=MODERN) for _ in range(2)]
    for callee in callees:
        callee.register("com.work", invoke="roundrobin", concurrency=1)
    caller = Client(port)
    for n in range(100):
        call(caller, "com.work", {}, [n])
    seen = []
    for n in range(100):
        callee = callees[n % 2]
        invocation = callee.receive()
        seen.append(invocation[4][0])
        callee.send([70, invocation[1], {}, invocation[4]])
        caller.receive()
    assert sorted(seen) == list(range(100))
    assert all(callee.nothing_comes() for callee in callees)


def test_calls_are_refused_without_a_queue(start, port):
    start(nodes.config(port))
    callee = Client(port)
    callee.register("com.work", concurrency=1)
    caller = Client(port)
    call(caller, "com.work", {})
    second = call(caller, "com.work", {})
    assert caller.receive()[2:5] == [second, {}, "crossbar.error.max_concurrency_reached"]
    callee.send([70, callee.receive()[1], {}, ["first"]])
    assert caller.receive()[3] == ["first"]


@pytest.mark.parametrize("value", [0, -1, "two", 1.5])
def test_a_concurrency_that_is_none(router, value):
    client = Client(router[0])
    client.send([64, 1, {"concurrency": value}, "com.work"])
    assert client.receive()[2] == "wamp.error.protocol_violation"


def test_re_routing(router):
    features = {"features": {"call_reroute": True}}
    callees = [Client(router[0], details={"roles": {"callee": features}}) for _ in range(3)]
    for callee in callees:
        callee.register("com.available", invoke="first")
    caller = Client(router[0], "msgpack")
    call(caller, "com.available", {}, [b"payload"])
    for callee in callees[:2]:
        callee.send([8, 68, callee.receive()[1], {}, "wamp.error.unavailable"])
    callees[2].send([70, callees[2].receive()[1], {}, ["here"]])
    assert caller.receive()[3] == ["here"]
    call(caller, "com.available", {})
    for callee in callees:
        callee.send([8, 68, callee.receive()[1], {}, "wamp.error.unavailable"])
    assert caller.receive()[4] == "wamp.error.no_available_callee"


def test_removing_a_callee(router):
    callee, admin = Client(router[0], details=MODERN), Client(router[0])
    registration = callee.register("com.removed")
    call(admin, "wamp.registration.remove_callee", {}, [registration, callee.session, "com.reason"])
    assert admin.receive()[3] == [None]
    assert callee.receive() == [67, 0, {"registration": registration, "reason": "com.reason"}]
    call(admin, "com.removed", {})
    assert admin.receive()[4] == "wamp.error.no_such_procedure"
