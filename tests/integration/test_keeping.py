"""What the router keeps for sessions: retained events, testaments; and subscriptions that it takes from them."""

import pytest

from support import node as nodes
from support.wamp import ROLES, SERIALIZERS, Client

REVOCABLE = {"roles": {**ROLES, "subscriber": {"features": {"subscription_revocation": True}}}}


def call(client, procedure, *args, **kwargs):
    """The first argument of the result, or the error's URI."""
    request = client.call(procedure, list(args), kwargs)
    reply = client.receive()
    if reply[0] == 8:
        assert reply[2] == request
        return reply[4]
    assert reply[:2] == [50, request], reply
    return reply[3][0]


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_retained_events(router, serializer):
    """Sessions are on either of two threads; whoever is told of a publication and subscribes then gets it."""
    publisher = Client(router[0], serializer)
    assert publisher.welcome[2]["roles"]["broker"]["features"]["event_retention"] is True
    for number in range(20):
        topic = f"com.retained.{serializer}.{number}"
        publication = publisher.publish(topic, [number], {"k": "v"}, retain=True, acknowledge=True)
        for _ in range(2):
            subscriber = Client(router[0], "json")
            subscription = subscriber.subscribe(topic, get_retained=True)
            event = subscriber.receive()
            # Still on its way to the subscriber's thread it comes as a new one.
            assert event[3] in ({"retained": True}, {})
            assert event[:3] + event[4:] == [36, subscription, publication, [number], {"k": "v"}]
            assert subscriber.nothing_comes()
            subscriber.close()


@pytest.mark.parametrize("ending", ["goodbye", "transport", "kill", "violation"])
def test_testaments_are_published_however_the_session_ends(router, ending):
    watcher, client = Client(router[0]), Client(router[0])
    topic = "com.will." + ending
    subscription = watcher.subscribe(topic)
    publication = call(client, "wamp.session.add_testament", topic, ["last"], {"k": 1})
    assert call(client, "wamp.session.add_testament", topic, ["first"], {}, scope="detached") != publication
    assert call(client, "wamp.session.add_testament", topic, [], {}, scope="never") == "wamp.error.testament_error"
    if ending == "goodbye":
        client.send([6, {}, "wamp.close.close_realm"])
    elif ending == "transport":
        client.close()
    elif ending == "kill":
        assert call(watcher, "wamp.session.kill", client.session) is None
        assert client.receive()[0] == 6
        client.send([6, {}, "wamp.close.goodbye_and_out"])
    else:
        client.send([1, "realm1", {}])
    event = watcher.receive()
    assert [event[0], event[1], event[4]] == [36, subscription, ["first"]]
    assert watcher.receive() == [36, subscription, publication, {}, ["last"], {"k": 1}]


def test_flushed_testaments_are_not_published(router):
    watcher, client = Client(router[0]), Client(router[0])
    subscription = watcher.subscribe("com.flushed")
    call(client, "wamp.session.add_testament", "com.flushed", ["flushed"], {})
    call(client, "wamp.session.add_testament", "com.flushed", ["kept"], {}, scope="detached")
    assert call(client, "wamp.session.flush_testaments") == 1
    client.close()
    assert watcher.receive()[:2] + [["kept"]] == [36, subscription, ["kept"]]
    assert watcher.nothing_comes()


def test_subscriptions_can_be_revoked(router):
    admin, told, untold = Client(router[0]), Client(router[0], details=REVOCABLE), Client(router[0])
    subscription = told.subscribe("com.revoked")
    assert untold.subscribe("com.revoked") == subscription
    assert call(admin, "wamp.subscription.remove_subscriber", subscription, told.session, reason="com.why") is None
    assert told.receive() == [35, 0, {"subscription": subscription, "reason": "com.why"}]
    assert call(admin, "wamp.subscription.remove_subscriber", subscription, untold.session) is None
    admin.publish("com.revoked", acknowledge=True)
    assert told.nothing_comes() and untold.nothing_comes()
    assert call(admin, "wamp.subscription.remove_subscriber", subscription, told.session) == \
        "wamp.error.no_such_subscription"


def test_limits_of_what_is_kept(tmp_path):
    port = nodes.free_port()
    limits = {"retained_events": 2, "testaments": 1}
    directory = nodes.write_config(tmp_path, nodes.config(port, [nodes.realm(limits=limits)]))
    node = nodes.Node(directory)
    client = Client(port)
    for number in range(3):
        client.publish(f"com.topic.{number}", [number], retain=True)
    client.subscribe("com.topic", get_retained=True, match="prefix")
    assert [client.receive()[4] for _ in range(2)] == [[1], [2]]
    assert client.nothing_comes()
    call(client, "wamp.session.add_testament", "com.will", [], {})
    assert call(client, "wamp.session.add_testament", "com.will", [], {}) == "wamp.error.testament_error"
    client.close()
    assert node.stop() == 0
