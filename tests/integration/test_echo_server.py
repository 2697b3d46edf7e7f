"""The server of lesson 0: WebSocket made with sockets, and what its text says of it."""

import base64
import os
import pathlib
import pty
import random
import re
import select
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from support import node as nodes
from support.apps import until
from support.wamp import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Closed, Link, WebSocket

PROGRAM = pathlib.Path(nodes.PROGRAM).parent / "lesson_0_server"
LESSON = nodes.ROOT / "lessons" / "0"
MAX_MESSAGE = 256 << 10
MAX_CLIENTS = 256


class Server:
    def __init__(self):
        self.port = nodes.free_port()
        self.process = subprocess.Popen([PROGRAM, str(self.port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True)
        self.links = []
        self.lines = []
        self.changed = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()
        self.wait_for("Listening at")

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def count(self, pattern):
        return sum(1 for line in self.lines if re.search(pattern, line))

    def wait_for(self, pattern, times=1):
        with self.changed:
            assert self.changed.wait_for(lambda: self.count(pattern) >= times, nodes.TIME), self.lines[-20:]

    def memory(self):
        """Bytes of its that are in memory."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(re.search(r"VmRSS:\s+(\d+)", text)[1])

    def cpu(self):
        """Seconds that it has computed for."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def websocket(self, **more):
        self.links.append(link := WebSocket(self.port, upgrade=False))
        if more.pop("upgrade", True):
            link.handshake("/", None, more.get("headers", {}))
        return link

    def link(self):
        self.links.append(link := Link(self.port))
        return link

    def stop(self):
        """Ends it; it does not have to wait for its clients, which leave first."""
        for link in self.links:
            link.socket.close()
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(nodes.TIME)
        assert not any("Sanitizer" in line or "runtime error" in line for line in self.lines), self.lines
        return code


@pytest.fixture
def server():
    one = Server()
    yield one
    assert one.stop() == 0


@pytest.fixture
def client(server):
    return server.websocket()


def echoes(client, payload=b"are you there?"):
    client.send_frame(TEXT, payload)
    return client.receive_frame()[:2] == (TEXT, payload)


def test_it_is_short_enough_to_read():
    assert len((LESSON / "server" / "server.cpp").read_text().splitlines()) < 300


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, MAX_MESSAGE])
def test_text_and_bytes_come_back(client, size):
    for opcode, payload in ((TEXT, ("ü" * size).encode()[:size // 2 * 2] + b"x" * (size % 2)), (BINARY, os.urandom(size))):
        client.send_frame(opcode, payload)
        assert client.receive_frame()[:2] == (opcode, payload)


def test_a_message_in_pieces_with_pings_between(client):
    client.send_frame(TEXT, b"one ", fin=False)
    client.send_frame(PING, b"ping")
    assert client.receive_frame()[:2] == (PONG, b"ping")
    client.send_frame(CONTINUATION, "zwölf".encode()[:3], fin=False)  # in a letter
    client.send_frame(PONG, b"that nobody asked for")
    client.send_frame(PING)
    assert client.receive_frame()[:2] == (PONG, b"")
    client.send_frame(CONTINUATION, "zwölf".encode()[3:])
    assert client.receive_frame()[:2] == (TEXT, "one zwölf".encode())
    assert echoes(client)


def test_bytes_that_come_one_by_one_or_all_at_once(server):
    client = server.websocket(upgrade=False)
    request = (b"GET /chat?x=1 HTTP/1.1\r\nHost: localhost\r\nUPGRADE:  WebSocket\r\nconnection: keep-alive\r\n"
               b"Connection: foo ,Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
               base64.b64encode(b"0123456789abcdef") + b"\r\n\r\n")
    everything = request + client.frame(TEXT, b"abc") + client.frame(BINARY, b"x" * 300) + client.frame(PING, b"p")
    for byte in everything:
        client.socket.sendall(bytes([byte]))
    other = server.websocket(upgrade=False)
    other.socket.sendall(everything)
    for one in (client, other):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += one.take(1)
        assert head.startswith(b"HTTP/1.1 101 ") and b"Sec-WebSocket-Extensions" not in head
        assert [one.receive_frame()[:2] for _ in range(3)] == [(TEXT, b"abc"), (BINARY, b"x" * 300), (PONG, b"p")]


@pytest.mark.parametrize("headers, status", [
    ({"Upgrade": "h2c"}, "426 Upgrade Required"),
    ({"Connection": "close"}, "426 Upgrade Required"),
    ({"Sec-WebSocket-Version": "8"}, "426 Upgrade Required"),
    ({"Sec-WebSocket-Key": "c2hvcnQ="}, "400 Bad Request"),
    ({"Sec-WebSocket-Key": "!" * 22 + "=="}, "400 Bad Request"),
    ({"Host": ""}, "400 Bad Request"),
    ({"X": "x" * 9000}, "431 Request Header Fields Too Large"),
])
def test_handshakes_that_are_refused(server, headers, status):
    with pytest.raises(Closed) as refused:
        server.websocket(headers=headers)
    assert refused.value.reason.startswith(f"HTTP/1.1 {status}\r\n")
    assert ("Sec-WebSocket-Version: 13" in refused.value.reason) == ("Sec-WebSocket-Version" in headers)


@pytest.mark.parametrize("request_line", ["POST / HTTP/1.1", "GET / HTTP/1.0", "GET x HTTP/1.1", "", "\0" * 100])
def test_requests_that_are_none(server, request_line):
    link = server.link()
    link.socket.sendall(request_line.encode() + b"\r\nHost: localhost\r\n\r\n")
    with pytest.raises(Closed):
        while True:
            link.fill()
    assert link.buffer.startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_request_without_an_end_is_refused(server):
    link = server.link()
    link.socket.sendall(b"GET / HTTP/1.1\r\n" + b"x" * 8192)
    link.fill()
    assert link.buffer.startswith(b"HTTP/1.1 431 ")


# The bytes of a frame (or None for a frame of WebSocket.frame), and the code that it is answered with.
WRONG = {
    "not masked": (b"\x81\x01a", 1002),
    "a reserved bit": (b"\xc1\x80\0\0\0\0", 1002),
    "a reserved opcode": (b"\x83\x80\0\0\0\0", 1002),
    "a reserved control opcode": (b"\x8b\x80\0\0\0\0", 1002),
    "a ping in pieces": (b"\x09\x80\0\0\0\0", 1002),
    "a long ping": (b"\x89\xfe\0\x7e\0\0\0\0" + b"x" * 126, 1002),
    "a length of 2 bytes that fits in one": (b"\x82\xfe\0\x7d\0\0\0\0" + b"x" * 125, 1002),
    "a length of 8 bytes that fits in two": (b"\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", 1002),
    "a length that is negative": (b"\x82\xff" + b"\xff" * 8 + b"\0\0\0\0", 1009),
    "a message that is too big": (b"\x82\xff" + struct.pack("!Q", MAX_MESSAGE + 1) + b"\0\0\0\0", 1009),
    "pieces that are too big together": (b"\x02\xff" + struct.pack("!Q", MAX_MESSAGE) + bytes(4 + MAX_MESSAGE) +
                                         b"\x80\x81\0\0\0\0a", 1009),
    "the rest of nothing": (b"\x80\x80\0\0\0\0", 1002),
    "a message in a message": (b"\x01\x80\0\0\0\0\x81\x80\0\0\0\0", 1002),
    "text that is not UTF-8": (b"\x81\x82\0\0\0\0\xc3\x28", 1007),
    "half a letter": (b"\x81\x81\0\0\0\0\xc3", 1007),
    "a surrogate": (b"\x81\x83\0\0\0\0\xed\xa0\x80", 1007),
    "a Close with half a code": (b"\x88\x81\0\0\0\0\x03", 1002),
    "a Close with a code that is not sent": (b"\x88\x82\0\0\0\0" + struct.pack("!H", 1005), 1002),
    "a Close with a code that is not defined": (b"\x88\x82\0\0\0\0" + struct.pack("!H", 2999), 1002),
    "a Close whose reason is not UTF-8": (b"\x88\x83\0\0\0\0" + struct.pack("!H", 1000) + b"\xff", 1007),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_ends_the_connection_with_its_code(server, client, what):
    data, code = WRONG[what]
    client.socket.sendall(data)
    client.send_frame(TEXT, b"this is not listened to any more")
    assert client.expect_end() == code
    assert echoes(server.websocket())


@pytest.mark.parametrize("payload, answer", [
    (b"", 1000), (struct.pack("!H", 1000) + "tschüss".encode(), 1000),
    (struct.pack("!H", 1001), 1001), (struct.pack("!H", 4999), 4999)])
def test_a_close_is_answered_and_the_server_ends_first(client, payload, answer):
    client.send_frame(CLOSE, payload)
    client.send_frame(TEXT, b"too late")
    opcode, reply, _ = client.receive_frame()
    assert opcode == CLOSE and struct.unpack("!H", reply) == (answer,)
    with pytest.raises(Closed):
        client.receive_frame()


def test_many_at_once_each_gets_its_own(server):
    clients = [server.websocket() for _ in range(MAX_CLIENTS)]
    for i, client in enumerate(clients):
        client.send_frame(TEXT, f"I am {i}".encode() * 20, fin=False)
    # One more is not accepted yet: it waits for another one to leave.
    late = server.websocket(upgrade=False)
    waiting = threading.Thread(target=late.handshake, args=("/", None, {}))
    waiting.start()
    for i, client in enumerate(clients):
        client.send_frame(CONTINUATION, b".")
        assert client.receive_frame()[:2] == (TEXT, f"I am {i}".encode() * 20 + b".")
    until(lambda: server.count(" connected") == MAX_CLIENTS)  # what it says is read by another thread
    assert waiting.is_alive()
    clients[7].socket.close()
    waiting.join(nodes.TIME)
    assert echoes(late)
    until(lambda: server.count(" connected") == MAX_CLIENTS + 1)  # what it says is read by another thread


def test_who_does_not_read_is_not_read_from_and_costs_no_memory(server):
    def fill(client):
        frame = client.frame(BINARY, b"x" * 60000)
        client.socket.setblocking(False)
        sent = 0
        while True:
            try:
                sent += client.socket.send(frame[sent % len(frame):])
            except BlockingIOError:  # the kernel's buffers are full on both sides, or nearly so
                return sent, frame

    clients = [server.websocket() for _ in range(8)]
    for client in clients:
        fill(client)
    other = server.websocket()
    assert echoes(other)  # the others are served all the same
    before = server.memory()
    for _ in range(3):
        for client in clients:
            try:
                client.socket.send(b"x" * 100000)
            except BlockingIOError:
                pass  # as it should be
        assert echoes(other)
    assert server.memory() < before + (8 << 20) and server.memory() < 64 << 20
    # All of it comes as soon as it is read.
    client = clients[0]
    client.socket.settimeout(nodes.TIME)
    opcode, payload, _ = client.receive_frame()
    assert opcode == BINARY and payload == b"x" * 60000


def test_a_client_that_does_not_upgrade_or_close_is_left_in_the_end(server):
    silent = server.link()
    half = server.link()
    half.socket.sendall(b"GET / HTTP/1.1\r\n")
    open_one = server.websocket()
    closing = server.websocket()
    closing.send_frame(CLOSE)
    assert closing.receive_close() == 1000
    began = time.monotonic()
    for link, seconds in ((closing, 5), (silent, 10), (half, 10)):  # what server.cpp allows
        link.socket.settimeout(seconds + nodes.TIME)
        with pytest.raises((Closed, ConnectionResetError)):
            while True:
                link.fill()
        if link is not closing:
            assert time.monotonic() - began > seconds / 2
    server.wait_for(" gone", 3)
    assert echoes(open_one)


def test_garbage_does_not_hurt(server):
    generator = random.Random(6455)
    for _ in range(300):
        client = server.websocket() if generator.random() < 0.9 else server.link()
        try:
            client.socket.sendall(generator.randbytes(generator.choice([1, 2, 3, 10, 100, 5000])))
            if generator.random() < 0.5:
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        except (ConnectionResetError, BrokenPipeError):
            pass
        client.socket.close()
    server.wait_for(" gone", 300)
    assert echoes(server.websocket())
    used = server.cpu()
    assert echoes(server.websocket()) and server.cpu() - used < 1


def test_ctrl_c_says_goodbye_to_everybody():
    server = Server()
    clients = [server.websocket() for _ in range(3)]
    http = server.link()
    server.wait_for(" connected", 4)
    server.process.send_signal(signal.SIGINT)
    for client in clients:
        assert client.expect_end() == 1001
        client.socket.close()
    with pytest.raises(Closed):
        http.fill()
    http.socket.close()
    assert server.process.wait(nodes.TIME) == 0


@pytest.mark.parametrize("arguments", [["0"], ["65536"], ["port"], ["8000", "somewhere"]])
def test_a_wrong_address_gets_one_line(arguments):
    result = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=nodes.TIME)
    assert result.returncode == 1 and result.stdout == ""
    assert re.fullmatch(r"lesson_0_server: cannot listen at \S+: wanted are a port, 1 to 65535, and .*\n", result.stderr)


def test_a_port_in_use_gets_one_line(server):
    result = subprocess.run([PROGRAM, str(server.port)], capture_output=True, text=True, timeout=nodes.TIME)
    assert result.returncode == 1
    assert result.stderr == f"lesson_0_server: cannot listen at 127.0.0.1:{server.port}: Address already in use\n"


def test_what_the_text_tells_one_to_type(server):
    upgrade, accept, refused = re.findall(r"```sh\n(.*?)```", (LESSON / "README.md").read_text(), re.S)
    upgrade, refused = (command.replace(":8000/", f":{server.port}/") for command in (upgrade, refused))

    def shell(command):
        return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=nodes.TIME).stdout

    value = shell(accept).strip()
    screen, terminal = pty.openpty()  # into a pipe curl would write nothing before its end
    curl = subprocess.Popen(["bash", "-c", "exec " + upgrade], stdin=terminal, stdout=terminal, stderr=terminal)
    head = b""
    try:
        while value.encode() not in head:
            assert select.select([screen], [], [], nodes.TIME)[0], head
            head += os.read(screen, 4096)
    finally:
        curl.kill()
        curl.wait(nodes.TIME)
        os.close(screen)
        os.close(terminal)
    assert value and b"HTTP/1.1 101 Switching Protocols" in head
    assert shell(refused).startswith("HTTP/1.1 426 Upgrade Required")


def test_the_frame_that_the_text_shows(client):
    data = bytes.fromhex(re.search(r"for instance, is `([0-9a-f ]+)`", (LESSON / "README.md").read_text())[1])
    client.socket.sendall(data)
    assert client.receive_frame()[:2] == (TEXT, b"Hi")


def test_another_implementation_gets_along_with_it(server):
    """Autobahn's client, in a process of its own: it may not share a reactor with other tests."""
    code = f"""
import sys
from twisted.internet import reactor
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
messages = [("gr\\u00fc\\u00dfe".encode(), False), (bytes(range(256)) * 300, True), (b"", False)]
class Protocol(WebSocketClientProtocol):
    def onOpen(self):
        self.got = []
        for payload, binary in messages:
            self.sendMessage(payload, binary, fragmentSize=1000)
        self.sendPing(b"ping")
    def onMessage(self, payload, binary):
        self.got.append((payload, binary))
    def onPong(self, payload):
        assert payload == b"ping"
        self.sendClose(3000, "done")
    def onClose(self, clean, code, reason):
        print(clean, code, self.got == messages)
        reactor.stop()
factory = WebSocketClientFactory("ws://127.0.0.1:{server.port}/")
factory.protocol = Protocol
factory.setProtocolOptions(failByDrop=False)
reactor.connectTCP("127.0.0.1", {server.port}, factory)
reactor.run()
"""
    result = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True,
                            timeout=3 * nodes.TIME)  # starting it takes long on a busy machine
    assert result.stdout == "True 3000 True\n", result.stdout + result.stderr
