"""WAMP over RawSocket, byte by byte."""

import json
import time

import pytest

from support import node as nodes
from support.transports import router_with, tcp
from support.wamp import (MESSAGE, RAW_PING, RAW_PONG, RAWSOCKET_IDS, Client, Closed, RawSocket, RawSocketClient,
                          decode, encode)

HELLO = json.dumps([1, "realm1", {"roles": {"caller": {}}}]).encode()


def rawsocket(port, **more):
    return {"type": "rawsocket", "endpoint": tcp(port), **more}


@pytest.fixture(scope="module")
def router(tmp_path_factory):
    """(port, node): RawSocket with the defaults."""
    port = nodes.free_port()
    directory = nodes.write_config(tmp_path_factory.mktemp("router") / ".crossbar", router_with([rawsocket(port)]))
    node = nodes.Node(directory)
    yield port, node
    assert node.stop() == 0


def welcome(connection):
    kind, payload = connection.receive_frame()
    return kind == MESSAGE and json.loads(payload)[0] == 2


@pytest.mark.parametrize("serializer", RAWSOCKET_IDS)
def test_the_handshake_is_answered_with_the_serializer_and_the_routers_limit(router, serializer):
    connection = RawSocket(router[0], handshake=False)
    assert connection.greet(bytes([0x7F, 0x50 | RAWSOCKET_IDS[serializer], 0, 0])) == \
        bytes([0x7F, 0xF0 | RAWSOCKET_IDS[serializer], 0, 0])


def test_a_handshake_that_arrives_byte_by_byte(router):
    connection = RawSocket(router[0], handshake=False)
    for byte in b"\x7f\xf1\0":
        connection.socket.sendall(bytes([byte]))
        time.sleep(0.01)
    assert connection.greet(b"\0") == b"\x7f\xf1\0\0"
    connection.send_frame(MESSAGE, HELLO)
    assert welcome(connection)


def test_a_message_that_arrives_together_with_the_handshake(router):
    connection = RawSocket(router[0], handshake=False)
    frame = b"\0" + len(HELLO).to_bytes(3, "big") + HELLO
    assert connection.greet(b"\x7f\xf1\0\0" + frame) == b"\x7f\xf1\0\0"
    assert welcome(connection)


@pytest.mark.parametrize("hello, error", [
    (b"\x7f\xf5\0\0", 1),  # FlatBuffers
    (b"\x7f\xf0\0\0", 1),
    (b"\x7f\xff\0\0", 1),
    (b"\x7f\xf1\1\0", 3),
    (b"\x7f\xf1\0\1", 3),
])
def test_a_handshake_that_is_refused_is_told_why(router, hello, error):
    connection = RawSocket(router[0], handshake=False)
    assert connection.greet(hello) == bytes([0x7F, error << 4, 0, 0])
    assert connection.socket.recv(1) == b""
    router[1].wait_for("RawSocket refused: " + ("the serializer" if error == 1 else "reserved bits"))


def test_what_is_no_rawsocket_client_is_disconnected_without_an_answer(router):
    for first in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01", b"\0"):
        connection = RawSocket(router[0], handshake=False)
        connection.socket.sendall(first)
        assert connection.socket.recv(1) == b""
    router[1].wait_for("RawSocket refused: the first byte is not 0x7F")


def test_only_the_serializers_configured_are_offered(start, port):
    start(router_with([rawsocket(port, serializers=["cbor"])]))
    assert RawSocket(port, handshake=False).greet(b"\x7f\xf1\0\0") == b"\x7f\x10\0\0"
    assert RawSocket(port, handshake=False).greet(b"\x7f\xf3\0\0") == b"\x7f\xf3\0\0"


def test_frames_that_arrive_byte_by_byte(router):
    connection = RawSocket(router[0])
    for byte in b"\0" + len(HELLO).to_bytes(3, "big") + HELLO:
        connection.socket.sendall(bytes([byte]))
    assert welcome(connection)


def test_pings_are_answered_with_their_payload(router):
    connection = RawSocket(router[0])
    for payload in (b"", b"x", b"y" * 5000, b"z" * 300_000):
        connection.send_frame(RAW_PING, payload)
        assert connection.receive_frame() == (RAW_PONG, payload)
    connection.send_frame(RAW_PONG, b"unasked")
    connection.send_frame(MESSAGE, HELLO)
    assert welcome(connection)


@pytest.mark.parametrize("first", [3, 7, 8, 0x80, 0xFF])
def test_frames_of_unknown_type_end_the_connection(router, first):
    client = RawSocketClient(router[0])
    client.socket.sendall(bytes([first, 0, 0, 1, 0]))
    client.expect_end()
    router[1].wait_for(f"session {client.session} left realm.*frame of unknown type")


def test_json_that_is_not_utf8_ends_the_connection(router):
    client = RawSocketClient(router[0])
    client.send_frame(MESSAGE, b'[16,1,{},"com.topic",["\xff"]]')
    client.expect_end()
    router[1].wait_for(f"session {client.session} left realm.*not UTF-8")


def test_a_message_that_breaks_wamp_is_answered_with_abort(router):
    client = RawSocketClient(router[0])
    client.send_frame(MESSAGE, b"")
    assert client.receive()[2] == "wamp.error.protocol_violation"
    assert client.socket.recv(1) == b""


def test_messages_longer_than_max_message_size_end_the_connection(start, port):
    node = start(router_with([rawsocket(port, options={"max_message_size": 5000})]))
    client = RawSocketClient(port, "msgpack")
    assert client.max_length == 8192  # the next power of two, as Crossbar does
    message = [16, 1, {"acknowledge": True}, "com.topic", [b""]]
    message[4] = [b"x" * (8192 - len(encode("msgpack", message)) - 1)]  # one byte more announces the length
    assert len(encode("msgpack", message)) == 8192
    client.send(message)
    assert client.receive()[0] == 17
    client.socket.sendall(b"\0" + (8193).to_bytes(3, "big"))  # the header is enough
    client.expect_end()
    node.wait_for(f"session {client.session} left realm.*longer than max_message_size")
    RawSocketClient(port).close()


def test_a_client_gets_no_message_longer_than_it_takes(start, port):
    raw = nodes.free_port()
    node = start(router_with([rawsocket(raw), {"type": "websocket", "endpoint": tcp(port)}]))
    small = RawSocketClient(raw, limit=3)  # 4 KiB
    large = RawSocketClient(raw)
    web = Client(port)
    for client in (small, large):
        client.subscribe("com.topic")
    small.register("com.small")
    big = "x" * 5000
    # An event is left out,
    for _ in range(3):
        web.publish("com.topic", [big], acknowledge=True)
    web.publish("com.topic", ["fits"], acknowledge=True)
    assert small.receive()[4] == ["fits"]
    assert [len(large.receive()[4][0]) for _ in range(4)] == [5000, 5000, 5000, 4]
    node.wait_for(f"session {small.session}: an event of .* bytes is longer")
    # an invocation fails,
    web.call("com.small", [big])
    assert web.receive()[4] == "wamp.error.payload_size_exceeded"
    web.call("com.small", ["fits"])
    assert small.receive()[4] == ["fits"]
    # and so does a call with such a result, or such an error.
    web.register("com.big")
    request = small.call("com.big")
    invocation = web.receive()
    while invocation[0] != 68:
        invocation = web.receive()
    web.send([70, invocation[1], {}, [big]])
    assert small.receive()[:5:2] == [8, request, "wamp.error.payload_size_exceeded"]
    request = small.call("com.big")
    web.send([8, 68, web.receive()[1], {}, "com.error", [big]])
    assert small.receive()[:5:2] == [8, request, "wamp.error.payload_size_exceeded"]
    # No frame can be longer than 16 MiB.
    web.publish("com.topic", ["x" * (1 << 24)], acknowledge=True)
    web.publish("com.topic", ["after"], acknowledge=True)
    assert large.receive()[4] == ["after"]
    small.close()
    node.wait_for(f"session {small.session} missed 4 events")


def test_a_client_that_does_not_even_take_welcome_is_refused(router):
    port, node = router
    client = RawSocketClient(port, limit=0, join=False)
    assert client.join()[2] == "wamp.error.payload_size_exceeded"
    assert client.socket.recv(1) == b""


def test_the_largest_message_there_can_be(router):
    port, _ = router
    client = RawSocketClient(port, "msgpack")
    client.subscribe("com.largest")
    head = encode("msgpack", [36, 2**53, 2**53, {}])  # what an EVENT adds is less than this
    data = b"x" * ((1 << 24) - 100)
    client.publish("com.largest", [data], exclude_me=False)
    assert len(head) < 90 and client.receive()[4] == [data]


def test_pings_of_the_router(start, port):
    node = start(router_with([rawsocket(port, options={"auto_ping_interval": 100, "auto_ping_timeout": 300})]))
    lively, silent = RawSocketClient(port), RawSocketClient(port)
    seen = set()
    for _ in range(5):
        kind, payload = lively.receive_frame()
        assert kind == RAW_PING and len(payload) == 8
        seen.add(payload)
        lively.send_frame(RAW_PONG, payload)
    assert len(seen) == 5
    silent.expect_end()
    node.wait_for(f"session {silent.session} left realm.*no answer to a RawSocket ping in time")
    assert node.process.poll() is None


def test_pings_without_a_timeout_are_only_sent(start, port):
    node = start(router_with([rawsocket(port, options={"auto_ping_interval": 50})]))
    client = RawSocketClient(port)
    for _ in range(5):
        assert client.receive_frame()[0] == RAW_PING
    assert not any("left realm" in line for line in node.lines)


def test_pongs_are_left_out_for_a_peer_that_does_not_read_them(router):
    """They would fill the router's memory: 100 MB here."""
    connection = RawSocket(router[0], receive_buffer=4096)
    ping = b"\x01" + (50_000).to_bytes(3, "big") + b"x" * 50_000
    for _ in range(2000):
        connection.socket.sendall(ping)
    connection.send_frame(MESSAGE, HELLO)
    pongs = 0
    while True:
        kind, payload = connection.receive_frame()
        if kind == MESSAGE:
            break
        assert payload == ping[4:]
        pongs += 1
    assert 0 < pongs < 1000  # what fits between the two in the kernel


@pytest.mark.alone
def test_a_client_that_says_nothing_is_disconnected(router):
    port, _ = router
    silent, halfway = RawSocket(port, handshake=False), RawSocket(port, handshake=False)
    halfway.socket.sendall(b"\x7f\xf1")
    before = time.monotonic()
    for connection in (silent, halfway):
        assert connection.socket.recv(1) == b""
    assert 5 < time.monotonic() - before < 14


def test_goodbye_when_the_router_stops(start, port):
    node = start(router_with([rawsocket(port)]))
    client = RawSocketClient(port)
    node.process.send_signal(2)
    assert client.receive()[2] == "wamp.close.system_shutdown"
    client.send([6, {}, "wamp.close.goodbye_and_out"])
    with pytest.raises(Closed):
        client.receive()
    assert node.wait() == 0


def test_signing_in_with_a_ticket(start, port):
    auth = {"ticket": {"type": "static", "principals": {"joe": {"ticket": "right", "role": "anonymous"}}}}
    start(router_with([rawsocket(port, auth=auth)]))
    for ticket, answer in (("right", 2), ("wrong", 3)):
        client = RawSocketClient(port, join=False)
        challenge = client.join(details={"authid": "joe", "authmethods": ["ticket"]})
        assert challenge[:2] == [4, "ticket"]
        client.send([5, ticket, {}])
        assert client.receive()[0] == answer


def test_a_subscriber_that_does_not_read_loses_events(start, port):
    node = start(router_with([rawsocket(port, options={"max_queued_bytes": 65536})]))
    slow = RawSocketClient(port, receive_buffer=4096)
    slow.subscribe("com.topic")
    publisher = RawSocketClient(port)
    for number in range(300):
        publisher.publish("com.topic", [number, "x" * 60_000], acknowledge=True)
    node.wait_for(f"session {slow.session} reads too slowly")
    assert decode("json", slow.receive_frame()[1])[4][0] == 0
