"""The client's side of a WebSocket, frame by frame, for tests of the protocol itself."""

import struct
import zlib

from support.wamp import BINARY, CLOSE, CONTINUATION, TEXT, Closed, WebSocket


class Peer(WebSocket):
    """A connection to an echo. It may send anything; what it receives is checked."""

    def __init__(self, port, path="/ws", extensions=None, **more):
        headers = {**more.pop("headers", {})}
        if extensions:
            headers["Sec-WebSocket-Extensions"] = extensions
        super().__init__(port, path, subprotocol=None, headers=headers, **more)

    def header(self, name):
        """A header of the response; None if it is not there."""
        for line in self.response.decode().split("\r\n")[1:]:
            key, value = line.split(":", 1)
            if key.lower() == name.lower():
                return value.strip()
        return None

    def send_bits(self, opcode, payload=b"", bits=0x80, mask=True):
        """A frame whose first byte has these four bits at the top."""
        whole = bytearray(self.frame(opcode, payload, mask=mask))
        whole[0] = bits | opcode
        self.socket.sendall(bytes(whole))

    def send_chopped(self, data, size=1):
        """Bytes in pieces that the router gets one by one."""
        for start in range(0, len(data), size):
            self.socket.sendall(data[start:start + size])

    def take_frame(self):
        """(fin, rsv1, opcode, payload, masked) of the next frame."""
        first, second = self.take(2)
        assert first & 0x30 == 0, "reserved bits"
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", self.take(2))[0]
            assert size > 125, "not the shortest form"
        elif size == 127:
            size = struct.unpack("!Q", self.take(8))[0]
            assert size > 65535, "not the shortest form"
        key = self.take(4) if second & 0x80 else bytes(4)
        payload = self.take(size)
        if any(key):
            payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
        return bool(first & 0x80), bool(first & 0x40), first & 0x0F, payload, bool(second & 0x80)

    def receive_message(self):
        """(opcode, payload, compressed) of the next message, put together from its fragments."""
        fin, rsv1, opcode, payload, _ = self.take_frame()
        assert opcode in (TEXT, BINARY), opcode
        while not fin:
            fin, more, continuation, part, _ = self.take_frame()
            assert continuation == CONTINUATION and not more
            payload += part
        return opcode, payload, rsv1

    def expect(self, opcode, payload=b""):
        """The next frame is this one."""
        got = self.take_frame()
        assert got == (True, False, opcode, payload, False), got

    def expect_echo(self, opcode, payload):
        got = self.receive_message()
        assert got == (opcode, payload, False), (got[0], len(got[1]), got[1][:50])

    def expect_close(self, code=None, reason=None):
        """The router sends Close, with this code if one is given, and ends the connection. Messages that come before
        are left out of account."""
        while True:
            _, _, opcode, payload, _ = self.take_frame()
            if opcode == CLOSE:
                break
        got = struct.unpack("!H", payload[:2])[0] if payload else None
        assert code is None or got == code, (got, payload[2:])
        assert reason is None or payload[2:].decode() == reason
        self.expect_nothing_more()
        return got

    def expect_nothing_more(self):
        try:
            self.fill()
        except (Closed, ConnectionResetError, BrokenPipeError):
            assert not self.buffer, self.buffer
            return
        raise AssertionError(f"the router goes on: {self.buffer!r}")

    def close_well(self):
        self.send_frame(CLOSE, struct.pack("!H", 1000))
        self.expect_close(1000)


class Codec:
    """permessage-deflate (RFC 7692) as the client does it, with what was agreed on."""

    def __init__(self, agreed):
        parameters = dict(part.strip().partition("=")[::2] for part in agreed.split(";")[1:])
        self.parameters = parameters
        self.own_bits = int(parameters.get("client_max_window_bits") or 15)
        self.peer_bits = int(parameters.get("server_max_window_bits") or 15)
        self.compressor = self.decompressor = None

    def compress(self, data):
        if self.compressor is None or "client_no_context_takeover" in self.parameters:
            self.compressor = zlib.compressobj(wbits=-self.own_bits)
        return (self.compressor.compress(data) + self.compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def decompress(self, data):
        if self.decompressor is None or "server_no_context_takeover" in self.parameters:
            self.decompressor = zlib.decompressobj(wbits=-self.peer_bits)
        return self.decompressor.decompress(data + b"\x00\x00\xff\xff")
