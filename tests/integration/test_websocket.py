"""The WebSocket layer (RFC 6455, RFC 7692), frame by frame."""

import json
import struct

import pytest

from support import node as nodes
from support.wamp import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Client, Closed, Deflate, WebSocket, encode

HELLO = json.dumps([1, "realm1", {"roles": {"caller": {}}}]).encode()


@pytest.fixture
def socket(router):
    return WebSocket(router[0])


def welcome(connection):
    opcode, payload, _ = connection.receive_frame()
    return opcode == TEXT and json.loads(payload)[0] == 2


def test_the_client_chooses_among_the_subprotocols_in_its_order(router):
    port, _ = router
    connection = WebSocket(port, subprotocol="chat, wamp.2.cbor, wamp.2.json")
    assert b"Sec-WebSocket-Protocol: wamp.2.cbor" in connection.response
    assert b"Sec-WebSocket-Extensions" not in connection.response


def test_handshakes_that_are_refused(router):
    port, _ = router
    for headers, text in [
        ({"Sec-WebSocket-Protocol": "chat"}, "400 Bad Request"),
        ({"Sec-WebSocket-Version": "9"}, "426 Upgrade Required"),
        ({"Sec-WebSocket-Key": "x"}, "400 Bad Request"),
    ]:
        with pytest.raises(Closed) as refused:
            WebSocket(port, headers=headers)
        assert text in refused.value.reason


def test_a_message_in_fragments_with_a_ping_between(socket):
    socket.send_frame(TEXT, HELLO[:5], fin=False)
    socket.send_frame(PING, b"are you there?")
    socket.send_frame(CONTINUATION, b"", fin=False)
    socket.send_frame(CONTINUATION, HELLO[5:])
    assert socket.receive_frame()[:2] == (PONG, b"are you there?")
    assert welcome(socket)


def test_frames_that_arrive_byte_by_byte(socket):
    for byte in socket.frame(TEXT, HELLO):
        socket.socket.sendall(bytes([byte]))
    assert welcome(socket)


def test_frames_that_arrive_together_with_the_handshake(router):
    port, _ = router
    connection = WebSocket(port, upgrade=False)
    frame = connection.frame(TEXT, HELLO)
    request = (f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Protocol: wamp.2.json\r\n\r\n")
    connection.socket.sendall(request.encode() + frame)
    while b"\r\n\r\n" not in connection.buffer:
        connection.fill()
    connection.buffer = connection.buffer.split(b"\r\n\r\n", 1)[1]
    assert welcome(connection)


def test_pings_are_answered_with_their_payload(socket):
    for payload in (b"", b"x" * 125):
        socket.send_frame(PING, payload)
        assert socket.receive_frame()[:2] == (PONG, payload)
    socket.send_frame(PONG, b"unasked")
    socket.send_frame(TEXT, HELLO)
    assert welcome(socket)


def test_close_is_answered_and_the_connection_ended(socket):
    socket.send_frame(CLOSE, struct.pack("!H", 3000) + b"bye")
    assert socket.receive_close() == 1000
    with pytest.raises(Closed):
        socket.receive_frame()


def test_close_without_a_code_is_answered(socket):
    socket.send_frame(CLOSE)
    assert socket.expect_end() == 1000


@pytest.mark.parametrize(("name", "frames", "code"), [
    ("an unmasked frame", lambda s: s.frame(TEXT, HELLO, mask=False), 1002),
    ("reserved bits", lambda s: s.frame(TEXT, HELLO, rsv1=True), 1002),
    ("a reserved opcode", lambda s: s.frame(3, b"x"), 1002),
    ("a long ping", lambda s: s.frame(PING, b"x" * 126), 1002),
    ("a fragmented ping", lambda s: s.frame(PING, b"x", fin=False), 1002),
    ("a continuation of nothing", lambda s: s.frame(CONTINUATION, b"x"), 1002),
    ("a message inside a message", lambda s: s.frame(TEXT, b"x", fin=False) + s.frame(TEXT, b"y"), 1002),
    ("half a close code", lambda s: s.frame(CLOSE, b"x"), 1002),
    ("a close code nobody may send", lambda s: s.frame(CLOSE, struct.pack("!H", 1005)), 1002),
    ("a close reason that is no text", lambda s: s.frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007),
    ("text that is no UTF-8", lambda s: s.frame(TEXT, b'[1,"\xff",{}]'), 1007),
    ("text that is no UTF-8, in fragments", lambda s: s.frame(TEXT, b"\xce", fin=False) + s.frame(CONTINUATION, b"x"), 1007),
    ("binary to a text subprotocol", lambda s: s.frame(BINARY, HELLO), 1003),
    ("a message of 64 MiB and a byte", lambda s: s.frame(TEXT, b"x")[:1] + b"\xff" + struct.pack("!Q", 2**26 + 1) + b"1234", 1009),
    ("a length with the highest bit", lambda s: s.frame(TEXT, b"x")[:1] + b"\xff" + struct.pack("!Q", 2**63) + b"1234", 1002),
], ids=lambda value: value if isinstance(value, str) else "")
def test_what_breaks_the_protocol_is_closed_with_its_code(socket, name, frames, code):
    socket.socket.sendall(frames(socket))
    assert socket.expect_end() == code


def test_text_to_a_binary_subprotocol_is_refused(router):
    connection = WebSocket(router[0], subprotocol="wamp.2.msgpack")
    connection.send_frame(TEXT, HELLO)
    assert connection.expect_end() == 1003


def test_limits_of_frames_and_messages(start, port):
    start(nodes.config(port, websocket={"options": {"max_frame_size": 1000, "max_message_size": 2000}}))
    small = Client(port)
    small.send_frame(TEXT, b"x" * 1001)
    assert small.expect_end() == 1009
    large = Client(port)
    message = encode("json", [16, 1, {"acknowledge": True}, "com.topic", ["x" * 1500]])
    large.send_frame(TEXT, message[:900], fin=False)
    large.send_frame(CONTINUATION, message[900:])
    assert large.receive()[0] == 17
    large.send_frame(TEXT, message[:900], fin=False)
    large.send_frame(CONTINUATION, message[:900], fin=False)
    large.send_frame(CONTINUATION, message[:900])
    assert large.expect_end() == 1009


def test_compression_is_used_when_configured_and_asked_for(start, port):
    start(nodes.config(port, websocket={"options": {"compression": {"deflate": {}}}}))
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    plain = Client(port)
    client = Client(port, join=False, headers=offer)
    assert b"Sec-WebSocket-Extensions: permessage-deflate" in client.response
    deflate = Deflate()

    def send(message):
        client.send_frame(TEXT, deflate.compress(encode("json", message)), rsv1=True)

    def receive():
        opcode, payload, compressed = client.receive_frame()
        assert opcode == TEXT and compressed
        return json.loads(deflate.decompress(payload))

    send([1, "realm1", {"roles": {"subscriber": {}}}])
    assert receive()[0] == 2
    send([32, 1, {}, "com.topic"])
    assert receive()[0] == 33
    plain.subscribe("com.topic")
    text = "the same words again and again, " * 1000
    send([16, 2, {"exclude_me": False, "acknowledge": True}, "com.topic", [text]])
    assert receive()[0] == 17
    opcode, payload, compressed = client.receive_frame()
    assert compressed and len(payload) < 1000
    assert json.loads(deflate.decompress(payload))[4] == [text]
    assert plain.receive()[4] == [text]
    # A message may also come uncompressed, and in compressed fragments.
    client.send_frame(TEXT, encode("json", [16, 3, {}, "com.topic", [1]]))
    packed = deflate.compress(encode("json", [16, 4, {}, "com.topic", [2]]))
    client.send_frame(TEXT, packed[:3], fin=False, rsv1=True)
    client.send_frame(CONTINUATION, packed[3:])
    assert plain.receive()[4] == [1]
    assert plain.receive()[4] == [2]


def test_compressed_rubbish_and_bombs_are_refused(start, port):
    options = {"compression": {"deflate": {}}, "max_message_size": 100_000}
    start(nodes.config(port, websocket={"options": options}))
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    rubbish = WebSocket(port, headers=offer)
    rubbish.send_frame(TEXT, b"\xff\xff\xff\xff", rsv1=True)
    assert rubbish.expect_end() == 1007
    bomb = WebSocket(port, headers=offer)
    bomb.send_frame(TEXT, Deflate().compress(b" " * 1_000_000), rsv1=True)
    assert bomb.expect_end() == 1009


def test_pings_of_the_router_find_out_who_is_gone(start, port):
    node = start(nodes.config(port, websocket={"options": {"auto_ping_interval": 50, "auto_ping_timeout": 200,
                                                           "auto_ping_size": 16}}))
    alive = Client(port)
    silent = Client(port)
    for _ in range(6):
        opcode, payload, _ = alive.receive_frame()
        assert opcode == PING and len(payload) == 16
        alive.send_frame(PONG, payload)
    assert silent.expect_end() is None
    node.wait_for(f"session {silent.session} left.*no answer to a WebSocket ping")


def test_a_session_without_a_subprotocol_speaks_json_if_that_is_allowed(start, port):
    start(nodes.config(port, websocket={"options": {"require_websocket_subprotocol": False}}))
    connection = WebSocket(port, subprotocol=None)
    assert b"Sec-WebSocket-Protocol" not in connection.response
    connection.send_frame(TEXT, HELLO)
    assert welcome(connection)


def test_a_bare_websocket_transport_takes_any_path(start, port):
    document = {"version": 2, "workers": [{"type": "router", "realms": [nodes.realm()], "transports": [
        {"type": "websocket", "endpoint": {"type": "tcp", "port": port}, "serializers": ["json"]}]}]}
    start(document)
    assert Client(port, path="/").welcome[0] == 2
    assert Client(port, path="/any/where?x=1").welcome[0] == 2
    with pytest.raises(Closed):
        WebSocket(port, subprotocol="wamp.2.cbor")
