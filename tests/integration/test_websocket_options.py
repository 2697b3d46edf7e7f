"""Each option of a WebSocket has its effect, under Crossbar's name and with Crossbar's default."""

import struct
import time

import pytest

from support import node as nodes
from support.transports import router_with, tcp
from support.wamp import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Client, Closed, Link, WebSocket
from support.websocket import Peer


@pytest.fixture
def echo(start):
    """echo(options): the port of a router that sends back what it gets."""
    def start_echo(**options):
        port = nodes.free_port()
        transport = {"type": "websocket.testee", "endpoint": tcp(port), "options": options}
        start(router_with([transport], realms=[]), name=f"echo-{port}")
        return port

    return start_echo


class FragmentsClient(Client):
    """A WAMP client that puts fragments together, and remembers how long they were."""

    def receive_frame(self):
        opcode, payload, self.fragments, fin = None, b"", [], False
        while not fin:
            fin, rsv1, code, part, _ = Peer.take_frame(self)
            assert opcode is None or code == CONTINUATION
            opcode = code if opcode is None else opcode
            payload += part
            self.fragments.append(len(part))
        return opcode, payload, rsv1


@pytest.mark.parametrize("serializer", ["json", "cbor"])
def test_auto_fragment_size(start, port, serializer):
    start(nodes.config(port, websocket={"options": {"auto_fragment_size": 1000}}))
    client = FragmentsClient(port, serializer)
    client.subscribe("com.topic")
    publisher = FragmentsClient(port, serializer)
    for size in (1, 10_000, 100_000):
        publisher.publish("com.topic", ["x" * size])
        assert client.receive()[4] == ["x" * size]
        assert len(client.fragments) == (sum(client.fragments) + 999) // 1000
        assert all(length == 1000 for length in client.fragments[:-1])


@pytest.mark.alone
def test_open_handshake_timeout(start, port):
    start(router_with([{"type": "websocket", "endpoint": tcp(port), "options": {"open_handshake_timeout": 1000}}]))
    client = Client(port)
    for begin in (b"", b"GET /ws HTTP/1.1\r\nHost: x\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
        before = time.monotonic()
        silent = Link(port)
        silent.socket.sendall(begin)
        with pytest.raises((Closed, ConnectionResetError)):
            while True:
                silent.fill()
        assert 0.8 < time.monotonic() - before < 10
    assert client.nothing_comes()  # whoever is in stays in


@pytest.mark.alone
def test_close_handshake_timeout(start, port):
    start(nodes.config(port, websocket={"options": {"close_handshake_timeout": 1000}}))
    client = Client(port)
    client.send([3, {}, "wamp.error.whatever"])  # ABORT: the router closes
    opcode, _, _ = client.receive_frame()
    assert opcode == CLOSE
    before = time.monotonic()
    with pytest.raises((Closed, ConnectionResetError)):
        client.fill()  # it waits for an answer, but not for ever
    assert 0.5 < time.monotonic() - before < 4


def test_auto_ping_size(echo):
    for options, size in (({}, 12), ({"auto_ping_size": 125}, 125)):
        peer = Peer(echo(auto_ping_interval=100, **options))
        first, second = peer.take_frame(), peer.take_frame()
        assert first[2] == second[2] == PING and len(first[3]) == len(second[3]) == size
        assert first[3] != second[3]


def test_auto_ping_restart_on_any_traffic(echo):
    """A peer that sends something is alive, unless only pongs are to count."""
    def pings_survived(peer):
        pings = 0
        try:
            while pings < 4:
                peer.send_frame(BINARY, b"traffic")
                while (frame := peer.take_frame())[2] != BINARY:
                    pings += 1
        except (Closed, ConnectionResetError, BrokenPipeError):
            pass
        return pings

    timing = {"auto_ping_interval": 200, "auto_ping_timeout": 300}
    assert pings_survived(Peer(echo(**timing))) == 4
    assert pings_survived(Peer(echo(auto_ping_restart_on_any_traffic=False, **timing))) == 1


def test_only_the_right_pong_counts(echo):
    peer = Peer(echo(auto_ping_interval=100, auto_ping_timeout=200, auto_ping_restart_on_any_traffic=False))
    for _ in range(3):
        ping = peer.take_frame()
        peer.send_frame(PONG, ping[3])
    ping = peer.take_frame()
    peer.send_frame(PONG, bytes(len(ping[3])))
    peer.expect_nothing_more()


def test_max_frame_size(echo):
    peer = Peer(echo(max_frame_size=1000))
    peer.send_frame(TEXT, b"x" * 1000, fin=False)
    peer.send_frame(CONTINUATION, b"x" * 1000)
    peer.expect_echo(TEXT, b"x" * 2000)
    peer.send_frame(TEXT, b"x" * 1001)
    peer.expect_close(1009)


def test_max_message_size(echo):
    port = echo(max_message_size=1000)
    peer = Peer(port)
    peer.send_frame(TEXT, b"x" * 1000)
    peer.expect_echo(TEXT, b"x" * 1000)
    peer.send_frame(TEXT, b"x" * 1001)
    peer.expect_close(1009)
    peer = Peer(port)
    for _ in range(2):
        peer.send_frame(CONTINUATION if _ else TEXT, b"x" * 501, fin=False)
    peer.expect_close(1009)


def origins_admitted(port, *origins):
    admitted = []
    for origin in origins:
        try:
            WebSocket(port, subprotocol=None, headers={"Origin": origin})
            admitted.append(origin)
        except Closed as refused:
            assert "HTTP/1.1 400" in refused.reason and f"origin '{origin}' not allowed" in refused.reason
    return admitted


def test_allowed_origins_and_allow_null_origin(echo):
    asked = ["http://a.example", "https://b.example:8443", "http://evil.example", "null", "file://"]
    assert origins_admitted(echo(), *asked) == asked
    allowed = ["http://a.example", "*://*.example:8443"]
    assert origins_admitted(echo(allowed_origins=allowed), *asked) == asked[:2] + asked[3:]
    assert origins_admitted(echo(allowed_origins=allowed, allow_null_origin=False), *asked) == asked[:2]
    assert origins_admitted(echo(allowed_origins=[]), "http://a.example") == []


def test_echo_close_codereason(echo):
    peer = Peer(echo(echo_close_codereason=True))
    peer.send_frame(CLOSE, struct.pack("!H", 3456) + "grüße".encode())
    peer.expect_close(3456, "grüße")
    peer = Peer(echo())
    peer.send_frame(CLOSE, struct.pack("!H", 3456) + b"why")
    peer.expect_close(1000, "")


def test_require_masked_client_frames(echo):
    peer = Peer(echo(require_masked_client_frames=False))
    for mask in (True, False):
        peer.send_frame(TEXT, b"payload", mask=mask)
        peer.expect_echo(TEXT, b"payload")
    peer = Peer(echo())
    peer.send_frame(TEXT, b"payload", mask=False)
    peer.expect_close(1002)


def test_apply_mask(echo):
    peer = Peer(echo(apply_mask=False))
    frame = peer.frame(BINARY, b"payload")
    peer.socket.sendall(frame)
    peer.expect_echo(BINARY, frame[6:])  # what was on the wire


def test_mask_server_frames(echo):
    for masked in (True, False):
        peer = Peer(echo(mask_server_frames=masked))
        for opcode in (TEXT, PING):
            peer.send_frame(opcode, b"payload")
            fin, _, _, payload, got = peer.take_frame()
            assert fin and payload == b"payload" and got == masked


def test_fail_by_drop(echo):
    peer = Peer(echo(fail_by_drop=True))
    peer.send_frame(3)
    peer.expect_nothing_more()


def test_validate_utf8(echo):
    peer = Peer(echo(validate_utf8=False))
    for fin in (True, False):
        peer.send_frame(TEXT, b"\xff\xfe", fin=fin)
        if not fin:
            peer.send_frame(CONTINUATION, b"\x80")
        peer.expect_echo(TEXT, b"\xff\xfe" + (b"" if fin else b"\x80"))


def test_versions(echo):
    for options, versions in (({}, ["13", "8"]), ({"enable_hybi10": False}, ["13"]), ({"enable_rfc6455": False}, ["8"])):
        port = echo(**options)
        for version in ("13", "8", "7"):
            try:
                WebSocket(port, subprotocol=None, headers={"Sec-WebSocket-Version": version})
                assert version in versions
            except Closed as refused:
                assert version not in versions and "HTTP/1.1 426" in refused.reason


def test_external_port(echo):
    port = echo(external_port=4711)
    assert WebSocket(port, subprotocol=None, headers={"Host": "router.example:4711"}).response
    with pytest.raises(Closed, match="does not match the port 4711"):
        WebSocket(port, subprotocol=None, headers={"Host": f"127.0.0.1:{port}"})


def test_enable_webstatus(echo):
    for enabled, status in ((True, b"200 OK"), (False, b"426 Upgrade Required")):
        link = Link(echo(enable_webstatus=enabled))
        link.socket.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        link.fill()
        assert link.buffer.startswith(b"HTTP/1.1 " + status)


def test_show_server_version(echo):
    for shown in (True, False):
        server = Peer(echo(show_server_version=shown)).header("Server")
        assert server.startswith("Crosspoint/") if shown else server == "Crosspoint"


@pytest.mark.parametrize("name", ["open_handshake_timeout", "close_handshake_timeout"])
def test_a_time_limit_below_a_second_is_taken_for_a_mistake(tmp_path, port, name):
    nodes.write_config(tmp_path, nodes.config(port, websocket={"options": {name: 5}}))
    done = nodes.run("check", "--cbdir", tmp_path)
    assert done.returncode == 1 and f"options.{name}: 5 is too short; allowed: 0 (off), or milliseconds" in done.stdout
