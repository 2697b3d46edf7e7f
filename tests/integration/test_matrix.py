"""One suite, unchanged over every transport x serializer x TLS: what a client does from signing in to its orderly end."""

import hashlib

import pytest

from support import node as nodes
from support.transports import NAMES, all_ways
from support.wamp import SERIALIZERS, Closed, sign

ROLES = [{"name": name, "permissions": [nodes.allow()]} for name in ("anonymous", "user")]
AUTH = {
    "anonymous": {"type": "static", "role": "anonymous"},
    "ticket": {"type": "static", "principals": {"joe": {"ticket": "secret", "role": "user"}}},
    "wampcra": {"type": "static", "users": {"ann": {"secret": "prq7", "role": "user", "salt": "salt", "iterations": 100,
                                                    "keylen": 32}}},
}


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    directory = tmp_path_factory.mktemp("matrix") / ".crossbar"
    document, ways = all_ways(directory, realms=[nodes.realm(roles=ROLES)], auth=AUTH)
    node = nodes.Node(nodes.write_config(directory, document))
    yield ways
    assert node.stop() == 0


@pytest.fixture(params=[(name, serializer) for name in NAMES for serializer in SERIALIZERS], ids="-".join)
def connect(request, ways):
    """connect(): another client by the way and with the serializer of this test."""
    name, serializer = request.param
    clients = []

    def make(**more):
        clients.append(ways[name].client(serializer, **more))
        return clients[-1]

    make.topic = f"com.matrix.{name}.{serializer}"
    make.text = serializer == "json"
    yield make
    for client in clients:
        client.close()


def sign_in(client, method, authid, answer):
    reply = client.join("realm1", {"authmethods": [method], "authid": authid})
    if reply[0] != 4:
        return reply
    assert reply[1] == method
    client.send([5, answer(reply[2]), {}])
    return client.receive()


def test_signing_in(connect):
    joined = sign_in(connect(join=False), "ticket", "joe", lambda _: "secret")
    assert joined[0] == 2 and joined[2]["authid"] == "joe" and joined[2]["authmethod"] == "ticket"
    joined = sign_in(connect(join=False), "wampcra", "ann", lambda extra: sign("prq7", extra))
    assert joined[0] == 2 and joined[2]["authid"] == "ann" and joined[2]["authrole"] == "user"
    assert connect().welcome[2]["authrole"] == "anonymous"


def test_not_signing_in(connect):
    client = connect(join=False)
    refused = sign_in(client, "ticket", "joe", lambda _: "guess")
    assert refused == [3, {"message": "ticket in static WAMP-Ticket authentication is invalid"},
                       "wamp.error.not_authorized"]
    assert sign_in(client, "ticket", "joe", lambda _: "secret")[0] == 2  # it may try again
    refused = sign_in(connect(join=False), "wampcra", "ann", lambda extra: sign("guess", extra))
    assert refused == [3, {"message": "WAMP-CRA client signature is invalid"}, "wamp.error.not_authorized"]
    refused = sign_in(connect(join=False), "scram", "ann", None)
    assert refused[2] == "wamp.error.no_auth_method"


def test_publishing(connect):
    one, two, publisher = connect(), connect(), connect()
    subscriptions = [client.subscribe(connect.topic) for client in (one, two)]
    pattern = one.subscribe(connect.topic[:-2], match="prefix")
    publication = publisher.publish(connect.topic, [1, "zwölf", None, 2.5, [True]], {"k": {"n": -1}}, acknowledge=True)
    for client, subscription in zip((one, two), subscriptions):
        for _ in range(2 if client is one else 1):
            event = client.receive()
            assert event[0] == 36 and event[1] in (subscription, pattern) and event[2] == publication
            assert event[4:] == [[1, "zwölf", None, 2.5, [True]], {"k": {"n": -1}}]
    assert publisher.nothing_comes()
    assert two.ask([34, subscriptions[1]])[0] == 35
    publisher.publish(connect.topic, [2], acknowledge=True)
    assert two.nothing_comes()


def test_events_keep_their_order(connect):
    subscriber, publisher = connect(), connect()
    subscriber.subscribe(connect.topic)
    publisher.send_many([[16, number, {}, connect.topic, [number]] for number in range(1, 1001)])
    assert [subscriber.receive()[4][0] for _ in range(1000)] == list(range(1, 1001))


def test_calling(connect):
    callee, caller = connect(), connect()
    registration = callee.register(connect.topic)
    request = caller.call(connect.topic, [1], {"a": None})
    invocation = callee.receive()
    assert invocation[0] == 68 and invocation[2] == registration and invocation[4:] == [[1], {"a": None}]
    callee.send([70, invocation[1], {}, ["result"], {"b": 2}])
    answer = caller.receive()
    assert answer[:2] == [50, request] and answer[3:] == [["result"], {"b": 2}]
    request = caller.call(connect.topic)
    callee.send([8, 68, callee.receive()[1], {}, "com.error", ["why"]])
    answer = caller.receive()
    assert answer[:3] == [8, 48, request] and answer[4:] == ["com.error", ["why"]]
    assert callee.ask([66, registration])[0] == 67
    request = caller.call(connect.topic)
    assert caller.receive()[4] == "wamp.error.no_such_procedure"


def test_canceling(connect):
    callee, caller = connect(join=False), connect()
    callee.join("realm1", {"roles": {"callee": {"features": {"call_canceling": True}}}})
    callee.register(connect.topic)
    for mode in ("kill", "killnowait", "skip"):
        request = caller.call(connect.topic)
        invocation = callee.receive()
        caller.send([49, request, {"mode": mode}])
        if mode != "skip":
            interrupt = callee.receive()
            assert interrupt[:2] == [69, invocation[1]]
        if mode != "killnowait":
            callee.send([8, 68, invocation[1], {}, "wamp.error.canceled"])
        answer = caller.receive()
        assert answer[:3] == [8, 48, request] and answer[4] == "wamp.error.canceled"
    assert caller.nothing_comes()


@pytest.mark.parametrize("size", [65_500, 131_072, 4_000_000])
def test_large_payloads(connect, size):
    callee, caller = connect(), connect()
    callee.register(connect.topic)
    data = (hashlib.sha256(b"x").hexdigest() * (size // 64 + 1))[:size]
    data = data if connect.text else data.encode()
    caller.call(connect.topic, [data])
    invocation = callee.receive()
    assert invocation[4] == [data]
    callee.send([70, invocation[1], {}, [data]])
    assert caller.receive()[3] == [data]


def hears_of(watcher, session):
    """Other sessions of the node, which this file's tests share, may leave late."""
    while watcher.receive()[4][0] != session:
        pass


def test_ending_in_good_order(connect):
    client, watcher = connect(), connect()
    watcher.subscribe("wamp.session.on_leave")
    client.publish(connect.topic, [1], acknowledge=True)
    client.send([6, {}, "wamp.close.normal"])
    assert client.receive()[0::2] == [6, "wamp.close.goodbye_and_out"]
    hears_of(watcher, client.session)
    welcome = client.join()  # the connection is good for another session
    assert welcome[0] == 2
    client.send([99])
    assert client.receive()[2] == "wamp.error.protocol_violation"
    try:
        while True:
            client.receive()
    except (Closed, AssertionError, ConnectionResetError):
        pass
    hears_of(watcher, welcome[1])
