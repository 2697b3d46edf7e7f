"""The specification's test vectors against a running router: it takes their bytes, and what it answers is their bytes
again, but for ids of its own choice. tests/unit/serializers/canonical_test.cpp has the same facts without a router."""

import base64
import json

import pytest

from support import node as nodes
from support.node import ROOT
from support.wamp import BINARY, SERIALIZERS, TEXT, Client, decode

FACTS = json.loads((ROOT / "tests" / "support" / "canonical.json").read_text())["messages"]
REALM = "com.example.realm"
CANCELED = {"roles": {"callee": {"features": {"call_canceling": True}}}}


def vector(serializer, message, what="nothing optional"):
    entry = next(entry for entry in FACTS if (entry["message"], entry["with"]) == (message, what))
    return entry["json"].encode() if serializer == "json" else bytes.fromhex(entry[serializer])


class RawClient(Client):
    def put(self, message, what="nothing optional"):
        self.send_frame(self.opcode, vector(self.serializer, message, what))

    def take_raw(self):
        opcode, payload, _ = self.receive_frame()
        assert opcode == (TEXT if self.serializer == "json" else BINARY)
        return payload


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    port = nodes.free_port()
    directory = tmp_path_factory.mktemp("canonical") / ".crossbar"
    node = nodes.Node(nodes.write_config(directory, nodes.config(port, realms=[nodes.realm(REALM)])))
    node.port = port
    yield node
    assert node.stop() == 0


@pytest.fixture(params=SERIALIZERS)
def client(request, node):
    client = RawClient(node.port, request.param, join=False)
    client.put("HELLO", "two roles")
    welcome = client.receive()
    assert welcome[0] == 2 and welcome[2]["realm"] == REALM
    yield client
    client.close()


def test_events(client):
    client.put("SUBSCRIBE")
    answer = client.receive()
    assert answer[:2] == [33, 713845233]
    client.put("PUBLISH", "also for the publisher")
    event = client.receive()
    assert event[:2] == [36, answer[2]] and event[3:] == [{}, ["Hello, world!"]]
    client.put("PUBLISH", "Arguments only")  # not for the publisher
    client.put("PUBLISH", "no payload")
    client.put("PUBLISH", "by way of another router")
    client.put("PUBLISH", "both, acknowledged")
    assert client.receive()[:2] == [17, 444555666]


@pytest.mark.parametrize("what,attributes,payload", [
    ("an encrypted payload", {"enc_algo": "cryptobox", "enc_serializer": "msgpack"},
     "82a5636f6c6f72a66f72616e6765a573697a65739317002a07"),
    ("an encrypted payload by way of another router", {"enc_algo": "cryptobox", "enc_serializer": "cbor"},
     "a1666e6f7469636571726f757465723120666f72776172646564")])
def test_encrypted_payloads_reach_every_serializer_untouched(client, node, what, attributes, payload):
    topic = decode("json", vector("json", "PUBLISH", what))[3]
    subscribers = [Client(node.port, serializer, realm=REALM) for serializer in SERIALIZERS]
    for subscriber in subscribers:
        subscriber.subscribe(topic)
    client.put("PUBLISH", what)
    as_text = "\0" + base64.b64encode(bytes.fromhex(payload)).decode()
    for subscriber in subscribers:
        event = subscriber.receive()
        assert event[3] == attributes
        assert event[4:] == [as_text if subscriber.serializer == "json" else bytes.fromhex(payload)]


def test_calls(client, node):
    callee = Client(node.port, client.serializer, realm=REALM, details=CANCELED)
    registration = callee.register("com.myapp.myprocedure1")
    client.put("CALL", "Arguments only")
    invocation = callee.receive()
    assert invocation[0] == 68 and invocation[4:] == [["Hello, world!"]]
    callee.send([70, invocation[1], {}, ["Hello, world!"]])
    result = client.receive()  # whose Details may say who answered
    assert result[:2] == [50, 7814135] and result[3:] == [["Hello, world!"]]
    client.put("CALL", "Arguments only")
    callee.send([8, 68, callee.receive()[1], {}, "com.myapp.error"])
    assert client.take_raw() == vector(client.serializer, "ERROR")
    client.put("CALL", "Arguments only")
    invocation = callee.receive()
    client.put("CANCEL")
    answer = client.receive()
    assert answer[:3] == [8, 48, 7814135] and answer[4] == "wamp.error.canceled"
    assert callee.receive()[:2] == [69, invocation[1]]
    assert callee.ask([66, registration])[0] == 67


def test_registrations(client):
    client.put("REGISTER")
    answer = client.receive()
    assert answer[:2] == [65, 25349185]
    client.put("UNREGISTER")  # not this one
    error = client.receive()
    assert error[:3] == [8, 66, 788923562] and error[4] == "wamp.error.no_such_registration"
    client.send([66, 788923562, answer[2]])
    assert client.take_raw() == vector(client.serializer, "UNREGISTERED")


def test_subscriptions(client):
    client.put("UNSUBSCRIBE")
    error = client.receive()
    assert error[:3] == [8, 34, 85346237] and error[4] == "wamp.error.no_such_subscription"
    client.put("SUBSCRIBE")
    client.send([34, 85346237, client.receive()[2]])
    assert client.take_raw() == vector(client.serializer, "UNSUBSCRIBED")


def test_the_end(client):
    client.put("GOODBYE")
    assert client.receive() == [6, {}, "wamp.close.goodbye_and_out"]
    client.put("HELLO", "two roles")
    assert client.receive()[0] == 2
    client.put("ABORT")
    assert client.expect_end() == 1000


NOT_FOR_ROUTERS = [(entry["message"], entry["with"]) for entry in FACTS if entry["message"] not in (
    "ABORT", "GOODBYE", "PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", "CALL", "CANCEL", "REGISTER", "UNREGISTER")]


@pytest.mark.parametrize("message,what", NOT_FOR_ROUTERS)
def test_what_only_routers_send_or_what_answers_nothing_is_a_violation(client, message, what):
    client.put(message, what)
    answer = client.receive()
    assert answer[0] == 3 and answer[2] == "wamp.error.protocol_violation" and answer[1]["message"]
