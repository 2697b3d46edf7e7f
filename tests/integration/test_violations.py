"""What a client may do wrong, as docs/violations.md lists it, where no other test has it."""

import re
import struct

import pytest

from support import node as nodes
from support.wamp import BINARY, SERIALIZERS, TEXT, Client, Closed, encode

TICKET = {"ticket": {"type": "static", "principals": {"joe": {"ticket": "right", "role": "anonymous"}}}}


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    port = nodes.free_port()
    directory = tmp_path_factory.mktemp("violations") / ".crossbar"
    paths = {"ticket": {"type": "websocket", "auth": TICKET}}
    node = nodes.Node(nodes.write_config(directory, nodes.config(port, paths=paths)))
    yield port
    assert node.stop() == 0


def expect_violation(client, text):
    """ABORT that says so (a regular expression), and the end of the connection."""
    abort = client.receive()
    assert abort[0] == 3 and abort[2] == "wamp.error.protocol_violation", abort
    assert re.search(text, abort[1]["message"]), abort
    with pytest.raises(Closed) as closed:
        client.receive()
    assert closed.value.code == 1002


def test_abort_before_a_session_ends_the_connection(port):
    client = Client(port, join=False)
    client.send([3, {}, "wamp.error.system_shutdown"])
    assert client.expect_end() == 1000


def test_a_second_hello_ends_the_session(port):
    client = Client(port)
    client.send([1, "realm1", {"roles": {"caller": {}}}])
    expect_violation(client, "HELLO in an established session")


def test_hello_instead_of_authenticate(port):
    client = Client(port, join=False, path="/ticket")
    assert client.join(details={"authmethods": ["ticket"], "authid": "joe"})[0] == 4
    client.send([1, "realm1", {"roles": {"caller": {}}}])
    expect_violation(client, "HELLO while AUTHENTICATE is due")


def test_after_the_routers_goodbye_only_the_clients_counts(port):
    client, other = Client(port), Client(port)
    other.call("wamp.session.kill", [client.session])
    assert other.receive()[0] == 50
    goodbye = client.receive()
    assert goodbye[0] == 6
    client.send([32, 1, {}, "com.topic"])
    client.send([1, "realm1", {"roles": {"caller": {}}}])
    client.send([6, {}, "wamp.close.goodbye_and_out"])
    with pytest.raises(Closed) as closed:
        client.receive()
    assert closed.value.code == 1000


def test_roles_that_were_not_announced_may_be_used(port):
    client = Client(port, details={"roles": {"subscriber": {}}})
    client.publish("com.topic", [1], acknowledge=True)
    client.register("com.roles.own")
    request = client.call("com.roles.own")
    invocation = client.receive()
    client.send([70, invocation[1], {}, [1]])
    assert client.receive()[:2] == [50, request]


def test_passthru_needs_no_announcement(port):
    client = Client(port)
    client.subscribe("com.passthru")
    client.publish("com.passthru", [b"x".hex()], exclude_me=False, ppt_scheme="x_own")
    assert client.receive()[3:] == [{"ppt_scheme": "x_own"}, ["78"]]


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_request_ids_need_not_be_consecutive(port, serializer):
    client = Client(port, serializer)
    for request in (7, 3, 3, 2**53, 1):
        client.send([32, request, {}, "com.ids"])
        assert client.receive()[:2] == [33, request]
        client.send([48, request, {}, "com.nothing"])
        assert client.receive()[:3] == [8, 48, request]


def test_a_call_id_in_use_ends_the_session(port):
    callee, caller = Client(port), Client(port)
    callee.register("com.in.use")
    request = caller.call("com.in.use")
    assert callee.receive()[0] == 68
    caller.send([48, request, {}, "com.in.use"])
    expect_violation(caller, "CALL with the request id of a call that is not answered yet")


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_cancel_of_an_unknown_call_is_passed_over(port, serializer):
    client = Client(port, serializer)
    for mode in ("skip", "kill", "killnowait"):
        client.send([49, 4711, {"mode": mode}])
    assert client.nothing_comes()


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_unknown_options_are_passed_over(port, serializer):
    client = Client(port, serializer)
    options = {"x_own": [1, {"a": None}], "colour": "green", "": 1.5}
    topic = "com.unknown." + serializer
    assert client.ask([32, {**options, "match": "exact"}, topic])[0] == 33
    assert client.ask([64, options, topic])[0] == 65
    assert client.ask([16, {**options, "acknowledge": True}, topic])[0] == 17
    assert client.ask([48, options, topic])[:1] == [68]
    client.send([6, options, "wamp.close.normal"])
    assert client.receive()[0] == 6


# PUBLISH with acknowledge false and then true: [16, 1, {...}, "com.x"].
TWICE = {
    "json": b'[16,1,{"acknowledge":false,"acknowledge":true},"com.x"]',
    "msgpack": b"\x94\x10\x01\x82\xabacknowledge\xc2\xabacknowledge\xc3\xa5com.x",
    "cbor": b"\x84\x10\x01\xa2\x6backnowledge\xf4\x6backnowledge\xf5\x65com.x",
    "ubjson": b"[U\x10U\x01{U\x0backnowledgeFU\x0backnowledgeT}SU\x05com.x]",
}


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_of_an_option_that_comes_twice_the_last_one_counts(port, serializer):
    client = Client(port, serializer)
    client.send_frame(client.opcode, TWICE[serializer])
    assert client.receive()[:2] == [17, 1]


# What stands where PUBLISH has its Arguments; the rest of the message is all right.
MALFORMED = {
    "json": [b"[", b"[1,]", b"[01]", b"[+1]", b"['a']", b'["\n"]', b'["\\x"]', b"[tru]", b'[{"a"}]', b"[1 2]"],
    "msgpack": [b"\x91\xc1", b"\x91\xa1\xff", b"\x91\xdb\xff\xff\xff\xff", b"\x91\x81\x01\x01", b"\xdd\xff\xff\xff\xff"],
    "cbor": [b"\x81\x1c", b"\x81\x61\xff", b"\x81\x5b" + b"\xff" * 8, b"\x81\xa1\x01\x01", b"\x9b" + b"\xff" * 8,
             b"\x81\xff", b"\x9f\x01"],
    "ubjson": [b"[x]", b"[SU\x01\xff]", b"[SL\x7f" + b"\xff" * 7 + b"]", b"[{U\x01\xffZ}]", b"[#l\x7f\xff\xff\xff",
               b"[$Z#l\x7f\xff\xff\xff", b"[C\xff]"],
}


@pytest.mark.parametrize("serializer,payload", [(name, each) for name, all in MALFORMED.items() for each in all])
def test_malformed_payloads_end_the_session(port, serializer, payload):
    client = Client(port, serializer)
    start, rest = encode(serializer, [16, 1, {}, "com.x", []]), {"json": b"[]]", "ubjson": b"[]]"}.get(serializer)
    start = start[:-len(rest)] if rest else start[:-1]
    client.send_frame(client.opcode, start + payload + (b"]" if rest else b""))
    expect_violation(client, "a message is malformed|Arguments must be a list")


def test_json_that_is_not_utf8_closes_the_websocket(port):
    client = Client(port)
    client.send_frame(TEXT, b'[16,1,{},"com.x",["\xff"]]')
    assert client.receive_close() == 1007


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_frames_of_the_wrong_kind_close_the_websocket(port, serializer):
    client = Client(port, serializer)
    client.send_frame(BINARY if client.opcode == TEXT else TEXT, encode(serializer, [32, 1, {}, "com.x"]))
    opcode, payload, _ = client.receive_frame()
    assert opcode == 8 and struct.unpack("!H", payload[:2])[0] == 1003
    assert payload[2:].decode().endswith("subprotocol")
