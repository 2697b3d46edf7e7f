"""Trust levels of calls and publications, as the configuration gives them."""

import pytest

from support import node as nodes
from support.wamp import SERIALIZERS, Client

ROLES = [
    {"name": "anonymous", "permissions": [nodes.allow()]},
    {"name": "partner", "trustlevel": 3, "permissions": [nodes.allow(), nodes.allow("com.pay*", trustlevel=9)]},
    {"name": "guest", "trustlevel": 0, "allow-by-default": True},
    {"name": "asked", "trustlevel": 5, "authorizer": "com.authorizer"},
]
TICKETS = {"ticket": {"type": "static", "principals": {name: {"ticket": "t", "role": name}
                                                         for name in ("partner", "guest", "asked")}}}


def start(directory, port, tickets):
    document = nodes.config(port, [nodes.realm(roles=ROLES)])
    document["workers"][0]["transports"].append(nodes.web(tickets, {"ws": {"type": "websocket", "auth": TICKETS}}))
    return nodes.Node(nodes.write_config(directory, document))


def ticket(port, name, serializer="json"):
    client = Client(port, serializer, join=False)
    assert client.join("realm1", {"authmethods": ["ticket"], "authid": name})[0] == 4
    client.send([5, "t", {}])
    assert client.receive()[0] == 2
    return client


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_callees_and_subscribers_are_told(tmp_path, serializer):
    port, tickets = nodes.free_port(), nodes.free_port()
    node = start(tmp_path, port, tickets)
    app = Client(port, serializer)
    features = {role: app.welcome[2]["roles"][role]["features"] for role in ("broker", "dealer")}
    assert features["broker"]["publication_trustlevels"] is True and features["dealer"]["call_trustlevels"] is True
    for uri in ("com.order", "com.pay"):
        app.subscribe(uri)
        app.register(uri)

    def told(client, uri):
        client.publish(uri, ["event"])
        event = app.receive()
        assert event[0] == 36 and event[4] == ["event"]
        request = client.call(uri, ["call"])
        invocation = app.receive()
        assert invocation[0] == 68
        app.send([70, invocation[1], {}])
        assert client.receive()[:2] == [50, request]
        return event[3], invocation[3]

    partner, guest = ticket(tickets, "partner", serializer), ticket(tickets, "guest", serializer)
    assert told(partner, "com.order") == ({"trustlevel": 3}, {"trustlevel": 3})
    assert told(partner, "com.pay") == ({"trustlevel": 9}, {"trustlevel": 9})
    assert told(guest, "com.pay") == ({"trustlevel": 0}, {"trustlevel": 0})
    assert told(Client(port, serializer), "com.pay") == ({}, {})
    assert node.stop() == 0


def test_a_dynamic_authorizer_may_say_it(tmp_path):
    port, tickets = nodes.free_port(), nodes.free_port()
    node = start(tmp_path, port, tickets)
    authorizer, app = Client(port), Client(port)
    authorizer.register("com.authorizer")
    app.subscribe("com.order")
    asked = ticket(tickets, "asked")
    for answer, level in ((True, 5), ({"allow": True, "trustlevel": 8}, 8)):
        asked.publish("com.order", [level])
        invocation = authorizer.receive()
        authorizer.send([70, invocation[1], {}, [answer]])
        event = app.receive()
        assert event[3:5] == [{"trustlevel": level}, [level]]
    assert node.stop() == 0
