"""One port for RawSocket, WebSocket and the web."""

import http.client
import socket
import time

import pytest

from support import node as nodes
from support.transports import router_with, tcp
from support.wamp import Client, Closed, RawSocket, RawSocketClient, WebSocket


def universal(port, **more):
    return {"type": "universal", "endpoint": tcp(port), **more}


def everything(port):
    return universal(port, rawsocket={"serializers": ["json"]},
                     websocket={"ws": {"type": "websocket"}, "only-cbor": {"type": "websocket", "serializers": ["cbor"]}},
                     web={"paths": {"/": {"type": "nodeinfo"}, "value": {"type": "json", "value": {"a": 1}}}})


@pytest.fixture(scope="module")
def router(tmp_path_factory):
    """(port, node)"""
    port = nodes.free_port()
    directory = nodes.write_config(tmp_path_factory.mktemp("router") / ".crossbar", router_with([everything(port)]))
    node = nodes.Node(directory)
    yield port, node
    assert node.stop() == 0


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=nodes.TIME)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read()


def ends_without_an_answer(port, sent):
    with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as stranger:
        stranger.sendall(sent)
        return stranger.recv(1) == b""


def test_everything_on_one_port(router):
    port, _ = router
    raw = RawSocketClient(port)
    web = Client(port)
    cbor = Client(port, "cbor", path="/only-cbor")
    for client in (raw, web, cbor):
        client.subscribe("com.topic")
    raw.publish("com.topic", [1], exclude_me=False)
    for client in (raw, web, cbor):
        assert client.receive()[4] == [1]
    assert get(port, "/value") == (200, b'{"a":1}')
    assert get(port, "/")[0] == 200


def test_websockets_by_the_first_component_that_is_not_empty(router):
    port, _ = router
    for path in ("/ws", "/ws/", "/ws/deeper/down", "//ws", "/ws?query"):
        WebSocket(port, path=path).close()
    for path in ("/wsx", "/deeper/ws", "/value"):
        with pytest.raises(Closed):
            WebSocket(port, path=path)


def test_settings_are_those_of_each_part(router):
    port, _ = router
    assert RawSocket(port, handshake=False).greet(b"\x7f\xf3\0\0") == b"\x7f\x10\0\0"
    with pytest.raises(Closed, match="only speaks"):
        WebSocket(port, path="/only-cbor", subprotocol="wamp.2.json")


def test_requests_that_arrive_byte_by_byte(router):
    port, _ = router
    raw = RawSocket(port, handshake=False)
    for byte in b"\x7f\xf1\0":
        raw.socket.sendall(bytes([byte]))
        time.sleep(0.01)
    assert raw.greet(b"\0") == b"\x7f\xf1\0\0"
    with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as web:
        for byte in b"GET /value HTTP/1.1\r\nHost: x\r\n\r\n":
            web.sendall(bytes([byte]))
        assert web.recv(100).startswith(b"HTTP/1.1 200")


def test_a_websocket_at_the_root(start, port):
    start(router_with([universal(port, websocket={"": {"type": "websocket"}})]))
    assert Client(port, path="/").session
    assert get(port, "/other")[0] == 404
    assert ends_without_an_answer(port, b"\x7f\xf1\0\0")


def test_what_is_not_configured_is_dropped(start, port):
    node = start(router_with([universal(port, rawsocket={})]))
    RawSocketClient(port).close()
    assert ends_without_an_answer(port, b"GET / HTTP/1.1\r\n\r\n")
    node.wait_for("refused: HTTP is not configured")
    assert ends_without_an_answer(port, b"\x10\x00")
    node.wait_for("refused: MQTT is not configured")


def test_only_the_web(start, port):
    node = start(router_with([universal(port, web={"paths": {"/": {"type": "nodeinfo"}}})]))
    assert get(port, "/")[0] == 200
    assert ends_without_an_answer(port, b"\x7f\xf1\0\0")
    node.wait_for("refused: RawSocket is not configured")


def test_who_says_nothing_is_disconnected(start, port):
    start(router_with([universal(port, web={"paths": {"/": {"type": "nodeinfo"}}, "options": {"client_timeout": 1}})]))
    assert ends_without_an_answer(port, b"")


def test_open_handshake_timeout_where_a_connection_can_become_nothing_else(start, port):
    limited = {"type": "websocket", "options": {"open_handshake_timeout": 1000}}
    node = start(router_with([universal(port, websocket={"ws": limited, "other": limited})]))
    client = Client(port)
    for begin in (b"", b"GET /ws HTTP/1.1\r\nHost: x\r\n", b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n"):
        before = time.monotonic()
        with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as silent:
            silent.sendall(begin)
            try:
                while silent.recv(10_000):
                    pass
            except ConnectionResetError:
                pass
        assert time.monotonic() - before > 0.8
    assert node.process.poll() is None and client.nothing_comes()  # whoever is in stays in


@pytest.mark.parametrize("more", [
    {"web": {"paths": {"value": {"type": "json", "value": 1}}}},
    {"websocket": {"ws": {"type": "websocket", "options": {"open_handshake_timeout": 1000}},
                   "patient": {"type": "websocket"}}},
])
def test_open_handshake_timeout_does_not_cut_off_what_may_take_its_time(start, port, more):
    limited = {"type": "websocket", "options": {"open_handshake_timeout": 1000}}
    start(router_with([universal(port, **{"websocket": {"ws": limited}, **more})]))
    with socket.create_connection(("127.0.0.1", port), timeout=2) as quiet:
        with pytest.raises(TimeoutError):
            quiet.recv(1)
