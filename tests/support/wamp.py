"""A WAMP client that can also do everything wrong: WebSocket and RawSocket by hand over a blocking socket."""

import base64
import hashlib
import hmac
import json
import os
import re
import socket
import struct
import zlib

import cbor2
import msgpack
import ubjson

from support.node import TIME

SUBPROTOCOLS = {"json": "wamp.2.json", "msgpack": "wamp.2.msgpack", "cbor": "wamp.2.cbor", "ubjson": "wamp.2.ubjson"}
SERIALIZERS = list(SUBPROTOCOLS)
ROLES = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}

RAWSOCKET_IDS = {"json": 1, "msgpack": 2, "cbor": 3, "ubjson": 4}
MESSAGE, RAW_PING, RAW_PONG = 0, 1, 2

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Closed(Exception):
    """The connection has ended; `code` is that of a Close frame, None if there was none."""

    def __init__(self, code=None, reason=""):
        super().__init__(f"closed with code {code} {reason}")
        self.code = code
        self.reason = reason


def encode(serializer, message):
    if serializer == "json":
        return json.dumps(message, ensure_ascii=False).encode()
    return {"msgpack": msgpack.packb, "cbor": cbor2.dumps, "ubjson": ubjson.dumpb}[serializer](message)


def decode(serializer, payload):
    if serializer == "json":
        return json.loads(payload)
    return {"msgpack": msgpack.unpackb, "cbor": cbor2.loads, "ubjson": ubjson.loadb}[serializer](payload)


class Link:
    """A connected socket and what has come from it. `port` is a TCP port or the path of a Unix socket."""

    def __init__(self, port, host="127.0.0.1", receive_buffer=None, tls=None):
        local = not isinstance(port, int)
        family = socket.AF_UNIX if local else socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(TIME)
        self.socket.connect(str(port) if local else (host, port))
        if not local:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.port = port
        self.buffer = b""

    def fill(self):
        data = self.socket.recv(65536)
        if not data:
            raise Closed()
        self.buffer += data

    def take(self, size):
        while len(self.buffer) < size:
            self.fill()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def close(self):
        self.socket.close()


class WebSocket(Link):
    """A connection after (or, with upgrade=False, before) the opening handshake."""

    def __init__(self, port, path="/ws", subprotocol="wamp.2.json", headers=None, upgrade=True, **link):
        super().__init__(port, **link)
        self.response = b""
        self.mask = True
        if upgrade:
            self.handshake(path, subprotocol, headers or {})

    def handshake(self, path, subprotocol, headers):
        key = base64.b64encode(os.urandom(16)).decode()
        fields = {
            "Host": f"127.0.0.1:{self.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
        }
        if subprotocol:
            fields["Sec-WebSocket-Protocol"] = subprotocol
        fields.update(headers)
        request = f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
        self.socket.sendall(request.encode())
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        self.response, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if not self.response.startswith(b"HTTP/1.1 101"):
            raise Closed(None, self.response.decode() + "\n" + self.buffer.decode())
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        assert re.search(rb"(?i:sec-websocket-accept): " + re.escape(accept), self.response), self.response

    def frame(self, opcode, payload=b"", fin=True, rsv1=False, mask=None):
        """The bytes of a frame."""
        mask = self.mask if mask is None else mask
        first = (0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode
        size = len(payload)
        bit = 0x80 if mask else 0
        if size < 126:
            head = struct.pack("!BB", first, bit | size)
        elif size < 65536:
            head = struct.pack("!BBH", first, bit | 126, size)
        else:
            head = struct.pack("!BBQ", first, bit | 127, size)
        if not mask:
            return head + payload
        key = os.urandom(4)
        stream = (key * (size // 4 + 1))[:size]
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big") if size else b""
        return head + key + masked

    def send_frame(self, opcode, payload=b"", **more):
        self.socket.sendall(self.frame(opcode, payload, **more))

    def receive_frame(self):
        """(opcode, payload, rsv1) of the next frame, which must be whole and unmasked."""
        first, second = self.take(2)
        assert second & 0x80 == 0, "the server masks"
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", self.take(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self.take(8))[0]
        payload = self.take(size)
        assert first & 0x80, "the server fragments"
        return first & 0x0F, payload, bool(first & 0x40)

    def receive_close(self):
        """Reads on to the Close frame; its code."""
        while True:
            opcode, payload, _ = self.receive_frame()
            if opcode == CLOSE:
                return struct.unpack("!H", payload[:2])[0] if payload else None

    def expect_end(self):
        """Reads on until the server has ended the connection; the code of its Close frame, None without one."""
        code = None
        try:
            while True:
                opcode, payload, _ = self.receive_frame()
                if opcode == CLOSE:
                    code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                    self.send_frame(CLOSE, payload[:2])
        except (Closed, ConnectionResetError, BrokenPipeError):
            return code


class RawSocket(Link):
    """A connection after (or, with handshake=False, before) the handshake. `limit` is what it takes, as an exponent."""

    def __init__(self, port, serializer="json", limit=15, handshake=True, **link):
        super().__init__(port, **link)
        if handshake:
            wanted = RAWSOCKET_IDS[serializer]
            reply = self.greet(bytes([0x7F, limit << 4 | wanted, 0, 0]))
            assert reply[0] == 0x7F and reply[1] & 0x0F == wanted and reply[2:] == b"\0\0", reply
            self.max_length = 2 ** (9 + (reply[1] >> 4))

    def greet(self, hello):
        """Sends a handshake; the four bytes that answer it."""
        self.socket.sendall(hello)
        return self.take(4)

    def send_frame(self, kind, payload=b""):
        self.socket.sendall(bytes([kind]) + len(payload).to_bytes(3, "big") + payload)

    def receive_frame(self):
        """(kind, payload) of the next frame."""
        head = self.take(4)
        return head[0], self.take(int.from_bytes(head[1:], "big"))

    def expect_end(self):
        """Reads on until the router has ended the connection."""
        try:
            while True:
                self.fill()
        except (Closed, ConnectionResetError, BrokenPipeError):
            return None


class Wamp:
    """Sends and receives WAMP messages as lists, over a class that has send(), send_many() and receive()."""

    def begin(self, serializer, realm, join, details):
        self.serializer = serializer
        self.request = 0
        self.session = None
        self.welcome = None
        if join:
            self.welcome = self.join(realm, details)
            assert self.welcome[0] == 2, self.welcome
            self.session = self.welcome[1]

    def join(self, realm="realm1", details=None):
        """HELLO; the answer."""
        self.send([1, realm, {"roles": ROLES, **(details or {})}])
        return self.receive()

    def ask(self, message):
        """Sends a request (its id is put in); the next message received."""
        self.request += 1
        self.send([message[0], self.request, *message[1:]])
        return self.receive()

    def subscribe(self, topic, **options):
        reply = self.ask([32, options, topic])
        assert reply[0] == 33, reply
        return reply[2]

    def register(self, procedure, **options):
        reply = self.ask([64, options, procedure])
        assert reply[0] == 65, reply
        return reply[2]

    def publish(self, topic, args=None, kwargs=None, **options):
        """With acknowledge=True: the publication's id."""
        self.request += 1
        payload = [] if args is None else [args] if kwargs is None else [args, kwargs]
        self.send([16, self.request, options, topic, *payload])
        if options.get("acknowledge"):
            reply = self.receive()
            assert reply[0] == 17, reply
            return reply[2]
        return None

    def call(self, procedure, args=None, kwargs=None):
        """Sends CALL; its request id."""
        self.request += 1
        payload = [] if args is None else [args] if kwargs is None else [args, kwargs]
        self.send([48, self.request, {}, procedure, *payload])
        return self.request

    def nothing_comes(self):
        """True if nothing was on its way: what is asked now is answered by the very next message."""
        self.request += 1
        self.send([48, self.request, {}, "com.certainly.nothing"])
        reply = self.receive()
        return reply[0] == 8 and reply[2] == self.request


class Client(Wamp, WebSocket):
    """A WAMP client over WebSocket."""

    def __init__(self, port, serializer="json", realm="realm1", join=True, details=None, **more):
        super().__init__(port, subprotocol=SUBPROTOCOLS[serializer], **more)
        self.opcode = TEXT if serializer == "json" else BINARY
        self.begin(serializer, realm, join, details)

    def send(self, message):
        self.send_frame(self.opcode, encode(self.serializer, message))

    def send_many(self, messages):
        self.socket.sendall(b"".join(self.frame(self.opcode, encode(self.serializer, m)) for m in messages))

    def receive(self):
        while True:
            opcode, payload, _ = self.receive_frame()
            if opcode == self.opcode:
                return decode(self.serializer, payload)
            if opcode == CLOSE:
                code, reason = struct.unpack("!H", payload[:2])[0], payload[2:].decode()
                raise Closed(code, reason)


class BatchedClient(Client):
    """The same with a batched subprotocol. `separator` stands behind each message of JSON."""

    def __init__(self, port, serializer="json", realm="realm1", join=True, details=None, separator=b"\x1e", **more):
        WebSocket.__init__(self, port, subprotocol=SUBPROTOCOLS[serializer] + ".batched", **more)
        self.opcode = TEXT if serializer == "json" else BINARY
        self.separator = separator
        self.arrived = []
        self.batches = []  # how many messages each batch had
        self.begin(serializer, realm, join, details)

    def batch(self, messages):
        payloads = [encode(self.serializer, message) for message in messages]
        if self.serializer == "json":
            return b"".join(payload + self.separator for payload in payloads)
        return b"".join(struct.pack("!L", len(payload)) + payload for payload in payloads)

    def split(self, batch):
        if self.serializer == "json":
            *payloads, rest = batch.split(self.separator)
            assert payloads and rest == b"", batch
            return payloads
        payloads = []
        while batch:
            size = struct.unpack("!L", batch[:4])[0]
            assert len(batch) >= 4 + size, batch
            payloads.append(batch[4:4 + size])
            batch = batch[4 + size:]
        assert payloads
        return payloads

    def send(self, message):
        self.send_many([message])

    def send_many(self, messages):
        self.send_frame(self.opcode, self.batch(messages))

    def receive(self):
        while not self.arrived:
            opcode, payload, _ = self.receive_frame()
            if opcode == CLOSE:
                raise Closed(struct.unpack("!H", payload[:2])[0], payload[2:].decode())
            if opcode == self.opcode:
                payloads = self.split(payload)
                self.batches.append(len(payloads))
                self.arrived += [decode(self.serializer, each) for each in payloads]
        return self.arrived.pop(0)


class RawSocketClient(Wamp, RawSocket):
    """A WAMP client over RawSocket."""

    def __init__(self, port, serializer="json", realm="realm1", join=True, details=None, **more):
        super().__init__(port, serializer, **more)
        self.begin(serializer, realm, join, details)

    def send(self, message):
        self.send_frame(MESSAGE, encode(self.serializer, message))

    def send_many(self, messages):
        payloads = [encode(self.serializer, message) for message in messages]
        self.socket.sendall(b"".join(b"\0" + len(payload).to_bytes(3, "big") + payload for payload in payloads))

    def receive(self):
        kind, payload = self.receive_frame()
        assert kind == MESSAGE
        return decode(self.serializer, payload)


def sign(secret, extra):
    """The signature of a WAMP-CRA challenge."""
    key = secret.encode()
    if "salt" in extra:
        raw = hashlib.pbkdf2_hmac("sha256", key, extra["salt"].encode(), extra["iterations"], extra["keylen"])
        key = base64.b64encode(raw)
    return base64.b64encode(hmac.new(key, extra["challenge"].encode(), hashlib.sha256).digest()).decode()


class Deflate:
    """The client's side of permessage-deflate."""

    def __init__(self):
        self.compressor = zlib.compressobj(wbits=-15)
        self.decompressor = zlib.decompressobj(wbits=-15)

    def compress(self, data):
        return (self.compressor.compress(data) + self.compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def decompress(self, data):
        return self.decompressor.decompress(data + b"\x00\x00\xff\xff")
