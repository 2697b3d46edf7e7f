"""Sessions, publish and subscribe, and calls, over each transport and serializer."""

import pytest

from support import node as nodes
from support import transports
from support.wamp import SERIALIZERS, Closed
from support.wamp import Client as WebSocketClient


@pytest.fixture(scope="module")
def every_way(tmp_path_factory):
    """(ways by name, node) of one node with every transport."""
    directory = tmp_path_factory.mktemp("router") / ".crossbar"
    document, ways = transports.all_ways(directory)
    node = nodes.Node(nodes.write_config(directory, document))
    yield ways, node
    assert node.stop() == 0


@pytest.fixture(params=transports.NAMES)
def router(request, every_way):
    """(way, node)"""
    ways, node = every_way
    return ways[request.param], node


def Client(way, serializer="json", **more):
    return way.client(serializer, **more)


@pytest.fixture(params=SERIALIZERS)
def serializer(request):
    return request.param


def test_welcome_says_who_and_what(router, serializer):
    way, _ = router
    client = Client(way, serializer)
    _, session, details = client.welcome
    assert 1 <= session <= 2**53
    assert details["realm"] == "realm1"
    assert details["authrole"] == "anonymous" and details["authmethod"] == "anonymous"
    assert details["roles"]["broker"]["features"]["publisher_exclusion"] is True
    assert details["x_cb_peer"].startswith(way.peer)


def test_goodbye_is_answered_and_another_session_may_follow(router, serializer):
    way, node = router
    client = Client(way, serializer)
    first = client.session
    client.subscribe("com.topic.left")
    client.send([6, {}, "wamp.close.close_realm"])
    assert client.receive() == [6, {}, "wamp.close.goodbye_and_out"]
    node.wait_for(f"session {first} left realm \"realm1\".*wamp.close.close_realm")
    welcome = client.join()
    assert welcome[0] == 2 and welcome[1] != first
    other = Client(way, serializer)
    other.publish("com.topic.left", [1], acknowledge=True)
    assert client.nothing_comes()


def test_events_reach_subscribers_of_every_serializer(router, serializer):
    way, _ = router
    subscribers = [Client(way, other) for other in SERIALIZERS * 2]
    for client in subscribers:
        client.subscribe("com.topic.mixed")
    publisher = Client(way, serializer)
    args = [1, -2.5, "tëxt", None, True, [1, [2]], {"k": {"n": 1}}]
    publication = publisher.publish("com.topic.mixed", args, {"key": "välue"}, acknowledge=True)
    for client in subscribers:
        event = client.receive()
        assert event[0] == 36 and event[2] == publication
        assert event[4:] == [args, {"key": "välue"}]


def test_events_and_calls_between_all_transports(every_way, serializer):
    ways, _ = every_way
    clients = [way.client(other) for way in ways.values() for other in SERIALIZERS]
    for client in clients:
        client.subscribe("com.topic.everywhere." + serializer)
    publisher = ways["websocket"].client(serializer)
    for size in (1, 5000, 100_000):
        publisher.publish("com.topic.everywhere." + serializer, ["x" * size], acknowledge=True)
        for client in clients:
            assert client.receive()[4] == ["x" * size]
    callee = clients[-1]
    callee.register("com.everywhere." + serializer)
    for caller in clients[:-1]:
        caller.call("com.everywhere." + serializer, ["y" * 10_000])
        callee.send([70, callee.receive()[1], {}, ["z" * 10_000]])
        assert caller.receive()[3] == ["z" * 10_000]


def test_binary_values_cross_serializers(router):
    way, _ = router
    clients = {name: Client(way, name) for name in SERIALIZERS}
    for client in clients.values():
        client.subscribe("com.topic.binary")
    clients["msgpack"].publish("com.topic.binary", [b"\x00\xff\x10"], exclude_me=False)
    expected = {"json": "\0AP8Q", "msgpack": b"\x00\xff\x10", "cbor": b"\x00\xff\x10",
                "ubjson": b"\x00\xff\x10"}
    for name, client in clients.items():
        assert client.receive()[4] == [expected[name]]
    clients["json"].publish("com.topic.binary", ["\0AP8Q"], exclude_me=False)
    for name, client in clients.items():
        assert client.receive()[4] == [expected[name]]


def test_calls_between_serializers(router, serializer):
    way, _ = router
    for other in SERIALIZERS:
        callee = Client(way, other)
        caller = Client(way, serializer)
        callee.register("com.add")
        request = caller.call("com.add", [20, 22], {"scale": 1})
        invocation = callee.receive()
        assert invocation[0] == 68 and invocation[4:] == [[20, 22], {"scale": 1}]
        callee.send([70, invocation[1], {}, [42], {"exact": True}])
        result = caller.receive()
        assert result[:2] == [50, request] and result[3:] == [[42], {"exact": True}]
        request = caller.call("com.add")
        invocation = callee.receive()
        callee.send([8, 68, invocation[1], {"why": 1}, "com.error.no", ["no"], {"k": 1}])
        assert caller.receive() == [8, 48, request, {"why": 1}, "com.error.no", ["no"], {"k": 1}]
        callee.close()
        # The registration ends with its session; the next callee may have the name once it has.
        caller.send([48, 99, {}, "com.add"])
        while caller.receive()[4] != "wamp.error.no_such_procedure":
            caller.send([48, 99, {}, "com.add"])


def test_refusals(router, serializer):
    way, _ = router
    client = Client(way, serializer)
    assert client.ask([32, {}, "com..x"])[4] == "wamp.error.invalid_uri"
    assert client.ask([34, 4711])[4] == "wamp.error.no_such_subscription"
    assert client.ask([66, 4711])[4] == "wamp.error.no_such_registration"
    assert client.ask([48, {}, "com.nothing"])[4] == "wamp.error.no_such_procedure"
    client.register("com.mine." + serializer)
    assert client.ask([64, {}, "com.mine." + serializer])[4] == "wamp.error.procedure_already_exists"
    assert client.ask([16, {"acknowledge": True}, "wamp.topic"])[4] == "wamp.error.invalid_uri"


def test_a_callee_that_vanishes_fails_its_calls(router):
    way, _ = router
    callee = Client(way)
    caller = Client(way)
    callee.register("com.vanish")
    request = caller.call("com.vanish")
    assert callee.receive()[0] == 68
    callee.close()
    reply = caller.receive()
    assert reply[:3] == [8, 48, request] and reply[4] == "wamp.error.canceled"


def test_large_payloads_are_passed_on_unchanged(router, serializer):
    way, _ = router
    callee = Client(way, serializer)
    caller = Client(way, serializer)
    callee.register("com.large." + serializer)
    for size in (1, 125, 126, 4095, 65535, 65536, 200_000, 3_000_000):
        data = "x" * size if serializer == "json" else bytes(i % 251 for i in range(size))
        caller.call("com.large." + serializer, [data])
        invocation = callee.receive()
        assert invocation[4] == [data]
        callee.send([70, invocation[1], {}, [data]])
        assert caller.receive()[3] == [data]


def test_many_messages_at_once_keep_their_order(router, serializer):
    way, _ = router
    subscribers = [Client(way, serializer) for _ in range(4)]
    for client in subscribers:
        client.subscribe("com.topic.many")
    publisher = Client(way, serializer)
    publisher.send_many([[16, i, {}, "com.topic.many", [i]] for i in range(1, 5001)])
    for client in subscribers:
        assert [client.receive()[4][0] for _ in range(5000)] == list(range(1, 5001))


def test_sessions_may_not_see_other_realms(start, port):
    start(nodes.config(port, realms=[nodes.realm("realm1"), nodes.realm("realm2")]))
    one = WebSocketClient(port, realm="realm1")
    two = WebSocketClient(port, realm="realm2")
    one.subscribe("com.topic")
    one.register("com.procedure")
    two.publish("com.topic", [1], acknowledge=True)
    assert two.ask([48, {}, "com.procedure"])[4] == "wamp.error.no_such_procedure"
    two.register("com.procedure")
    assert one.nothing_comes()


VIOLATIONS = [
    [],
    {},
    "hello",
    [99, 1],
    [16],
    [16, 0, {}, "com.topic"],
    [16, 1, [], "com.topic"],
    [16, 1, {}, 5],
    [16, 1, {}, "com.topic", {}],
    [16, 1, {}, "com.topic", [], []],
    [16, 1, {"acknowledge": "yes"}, "com.topic"],
    [32, 1, {"match": "regex"}, "com.topic"],
    [64, 2**53 + 1, {}, "com.procedure"],
    [1, "realm1", {"roles": {}}],
    [2, 1, {}],
    [5, "signature", {}],
    [36, 1, 2, {}],

    [70, 1, {}],
    [8, 68, 1, {}, "com.error"],
    [8, 16, 1, {}, "com.error"],
]


@pytest.mark.parametrize("message", VIOLATIONS, ids=str)
def test_what_breaks_the_protocol_ends_the_session(router, serializer, message):
    way, node = router
    watcher = Client(way, serializer)
    topic = f"com.topic.watch.{watcher.session}"
    watcher.subscribe(topic)
    client = Client(way, serializer)
    client.subscribe(topic)
    client.send(message)
    abort = client.receive()
    assert abort[0] == 3 and abort[2] == "wamp.error.protocol_violation"
    assert abort[1]["message"]
    with pytest.raises(Closed) as closed:
        client.receive()
    assert closed.value.code == (1002 if way.is_websocket else None)
    node.wait_for(f"session {client.session} left")
    watcher.publish(topic, [1], acknowledge=True)  # the router is well


@pytest.mark.parametrize("message", [[32, 1, {}, "com.topic"], [6, {}, "wamp.close.normal"], [48, 1, {}, "x"], [99]],
                         ids=str)
def test_nothing_but_hello_opens_a_session(router, serializer, message):
    way, _ = router
    client = Client(way, serializer, join=False)
    client.send(message)
    assert client.receive()[2] == "wamp.error.protocol_violation"


def test_an_unknown_realm_is_refused_and_the_client_may_try_another(router, serializer):
    way, node = router
    client = Client(way, serializer, join=False)
    abort = client.join("nowhere")
    assert abort == [3, {"message": 'no realm "nowhere" exists on this router'}, "wamp.error.no_such_realm"]
    node.wait_for("sign-in refused: wamp.error.no_such_realm")
    assert client.join("realm1")[0] == 2


def test_a_client_that_does_nothing_after_a_refusal_is_disconnected(every_way):
    clients = [(way, way.client(join=False)) for way in every_way[0].values()]
    for _, client in clients:
        assert client.join("nowhere")[0] == 3
    for way, client in clients:
        assert client.expect_end() == (1000 if way.is_websocket else None)
