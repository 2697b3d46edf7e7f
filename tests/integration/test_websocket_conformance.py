"""The WebSocket layer against RFC 6455 and RFC 7692, over an echo. The groups and their numbers are those of the
Autobahn test suite."""

import os
import select
import struct

import pytest

from support import node as nodes
from support.transports import router_with, tcp
from support.wamp import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from support.websocket import Codec, Peer

DEFLATE = {"compression": {"deflate": {}}}
STARRED = "*" * 65536


def testee(port, options=None, **more):
    return {"type": "websocket.testee", "endpoint": tcp(port), "options": options or {}, **more}


@pytest.fixture(scope="module")
def ports(tmp_path_factory):
    """By name: an echo with the settings as they come, one with compression, one that sends fragments."""
    ports = {name: nodes.free_port() for name in ("plain", "deflate", "fragments")}
    document = router_with([testee(ports["plain"]), testee(ports["deflate"], DEFLATE),
                            testee(ports["fragments"], {"auto_fragment_size": 1300})], realms=[])
    node = nodes.Node(nodes.write_config(tmp_path_factory.mktemp("testee") / ".crossbar", document))
    yield ports
    assert node.stop() == 0


@pytest.fixture
def peer(ports):
    peer = Peer(ports["plain"])
    yield peer
    peer.close()


# Group 1: framing

SIZES = [0, 125, 126, 127, 128, 65535, 65536]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_1_messages_of_every_length_form(peer, opcode, size):
    payload = b"*" * size if opcode == TEXT else b"\xfe" * size
    peer.send_frame(opcode, payload)
    peer.expect_echo(opcode, payload)
    peer.close_well()


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_1_messages_that_come_in_chops(peer, opcode):
    payload = STARRED.encode()
    peer.send_chopped(peer.frame(opcode, payload), 997)
    peer.expect_echo(opcode, payload)


def test_1_lengths_that_are_not_in_the_shortest_form(ports):
    for head in (b"\x82\xfe\x00\x05", b"\x82\xff" + struct.pack("!Q", 500), b"\x82\xff" + struct.pack("!Q", 1 << 63)):
        peer = Peer(ports["plain"])
        peer.socket.sendall(head + bytes(4 + 5))
        peer.expect_close(1002)


# Group 2: pings and pongs

@pytest.mark.parametrize("payload", [b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125])
def test_2_a_ping_is_answered_with_what_was_in_it(peer, payload):
    peer.send_frame(PING, payload)
    peer.expect(PONG, payload)
    peer.send_chopped(peer.frame(PING, payload))
    peer.expect(PONG, payload)


def test_2_a_ping_that_is_too_long(peer):
    peer.send_frame(PING, b"\xfe" * 126)
    peer.expect_close(1002)


@pytest.mark.parametrize("payload", [b"", b"unsolicited pong payload"])
def test_2_a_pong_that_nobody_asked_for_is_ignored(peer, payload):
    peer.send_frame(PONG, payload)
    peer.send_frame(PING, b"ping payload")
    peer.expect(PONG, b"ping payload")
    peer.close_well()


@pytest.mark.parametrize("chop", [None, 1])
def test_2_many_pings_are_answered_in_order(peer, chop):
    data = b"".join(peer.frame(PING, b"payload-%d" % i) for i in range(10))
    peer.send_chopped(data, chop or len(data))
    for i in range(10):
        peer.expect(PONG, b"payload-%d" % i)


# Group 3: reserved bits

@pytest.mark.parametrize("bits", [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70])
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, CLOSE])
@pytest.mark.parametrize("chopped", [False, True])
def test_3_reserved_bits(peer, bits, opcode, chopped):
    peer.send_frame(TEXT, b"first")
    peer.expect_echo(TEXT, b"first")
    frame = bytearray(peer.frame(opcode, b"" if opcode == CLOSE else b"payload"))
    frame[0] |= bits
    peer.send_chopped(bytes(frame), 1 if chopped else len(frame))
    peer.expect_close(1002)


# Group 4: reserved opcodes

@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("payload", [b"", b"payload"])
def test_4_reserved_opcodes(peer, opcode, payload):
    peer.send_frame(TEXT, b"first")
    peer.expect_echo(TEXT, b"first")
    peer.send_frame(opcode, payload)
    peer.expect_close(1002)


# Group 5: fragmentation

@pytest.mark.parametrize("opcode", [PING, PONG])
def test_5_control_frames_are_not_fragmented(peer, opcode):
    peer.send_frame(opcode, b"fragment1", fin=False)
    peer.send_frame(CONTINUATION, b"fragment2")
    peer.expect_close(1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("chop", [None, 1])
@pytest.mark.parametrize("ping", [False, True])
def test_5_fragments_become_one_message(peer, opcode, chop, ping):
    between = peer.frame(PING, b"ping payload") if ping else b""
    data = (peer.frame(opcode, b"fragment1", fin=False) + between +
            peer.frame(CONTINUATION, b"fragment2", fin=False) + between + peer.frame(CONTINUATION, b"fragment3"))
    peer.send_chopped(data, chop or len(data))
    for _ in range(2 if ping else 0):
        peer.expect(PONG, b"ping payload")
    peer.expect_echo(opcode, b"fragment1fragment2fragment3")
    peer.close_well()


def test_5_pings_between_fragments_are_answered_at_once(peer):
    peer.send_frame(TEXT, b"fragment1", fin=False)
    for _ in range(2):
        peer.send_frame(PING, b"in between")
        peer.expect(PONG, b"in between")
        peer.send_frame(CONTINUATION, b"fragment2", fin=False)
    peer.send_frame(CONTINUATION, b"fragment3")
    peer.expect_echo(TEXT, b"fragment1fragment2fragment2fragment3")


@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("chop", [None, 1])
def test_5_a_continuation_of_nothing(ports, fin, chop):
    for before in ([], [(TEXT, b"whole", True)], [(TEXT, b"frag", False), (CONTINUATION, b"ment", True)]):
        peer = Peer(ports["plain"])
        for opcode, payload, last in before:
            peer.send_frame(opcode, payload, fin=last)
        if before:
            peer.expect_echo(TEXT, b"".join(payload for _, payload, _ in before))
        data = peer.frame(CONTINUATION, b"non-continuation payload", fin=fin)
        peer.send_chopped(data, chop or len(data))
        peer.expect_close(1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_5_a_message_inside_another(peer, opcode):
    peer.send_frame(TEXT, b"fragment1", fin=False)
    peer.send_frame(opcode, b"fragment2")
    peer.expect_close(1002)


# Group 6: UTF-8

@pytest.mark.parametrize("last", [b"", b"middle"])
def test_6_empty_fragments(peer, last):
    for payload, opcode, fin in ((b"", TEXT, False), (last, CONTINUATION, False), (b"", CONTINUATION, True)):
        peer.send_frame(opcode, payload, fin=fin)
    peer.expect_echo(TEXT, last)


GOOD_TEXT = "Hello-µ@ßöäüàá-UTF-8!!".encode()
BAD_TEXT = bytes.fromhex("cebae1bdb9cf83cebcceb5eda080656469746564")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_6_characters_may_be_cut_between_fragments(peer, size):
    pieces = [GOOD_TEXT[i:i + size] for i in range(0, len(GOOD_TEXT), size)]
    for number, piece in enumerate(pieces):
        peer.send_frame(CONTINUATION if number else TEXT, piece, fin=number == len(pieces) - 1)
    peer.expect_echo(TEXT, GOOD_TEXT)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_6_what_is_no_utf8(peer, size):
    pieces = [BAD_TEXT[i:i + size] for i in range(0, len(BAD_TEXT), size)]
    try:
        for number, piece in enumerate(pieces):
            peer.send_frame(CONTINUATION if number else TEXT, piece, fin=number == len(pieces) - 1)
    except (ConnectionResetError, BrokenPipeError):
        pass  # it did not wait for the end
    peer.expect_close(1007)


@pytest.mark.parametrize("bad", [b"\xf4\x90\x80\x80", b"\xed\xa0\x80", b"\xc0\xaf"])
def test_6_bad_text_is_refused_before_its_message_ends(ports, bad):
    begin = "κόσμε".encode()
    peer = Peer(ports["plain"])
    peer.send_frame(TEXT, begin, fin=False)
    peer.send_frame(CONTINUATION, bad, fin=False)
    peer.expect_close(1007)  # the message has no end
    peer = Peer(ports["plain"])
    frame = peer.frame(TEXT, begin + bad + b"edited" * 100)
    peer.socket.sendall(frame[:8 + len(begin) + 2])  # nor has the frame
    peer.expect_close(1007)


def utf8_samples():
    """(bytes, are they UTF-8?): the borders of every length, and each way to be wrong."""
    good = [chr(code).encode() for code in (0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000,
                                            0x1FFFE, 0x1FFFF, 0x2FFFE, 0x10FFFE, 0x10FFFF)]
    good += ["κόσμε".encode(), "😀".encode() * 3]
    bad = [b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80", b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf",
           b"\xfd\xbf\xbf\xbf\xbf\xbf", b"\xf4\x90\x80\x80", b"\x80", b"\xbf", b"\x80\xbf", b"\x80\xbf\x80" * 3,
           bytes(range(0x80, 0xC0)), b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xc1\xbf", b"\xe0\x9f\xbf",
           b"\xf0\x8f\xbf\xbf", b"\xc0\x80", b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]
    bad += [bytes([lead, 0x20]) for lead in range(0xC0, 0xFE)]
    bad += [b"\xc2", b"\xe0\xa0", b"\xf0\x90\x80", b"\xdf", b"\xef\xbf", b"\xf4\x8f\xbf"]  # cut off at the end
    bad += [code.to_bytes(3, "big") for code in (0xEDA080, 0xEDADBF, 0xEDAE80, 0xEDAFBF, 0xEDB080, 0xEDBFBF)]
    bad.append(b"\xed\xa0\x80\xed\xb0\x80")
    return [(text, True) for text in good] + [(text, False) for text in bad]


@pytest.mark.parametrize("fragmented", [False, True])
def test_6_every_form_of_utf8(ports, fragmented):
    good = Peer(ports["plain"])
    for text, valid in utf8_samples():
        peer = good if valid else Peer(ports["plain"])
        if fragmented:
            peer.send_frame(TEXT, text[:1], fin=False)
            try:
                peer.send_frame(CONTINUATION, text[1:])
            except (ConnectionResetError, BrokenPipeError):
                assert not valid
        else:
            peer.send_frame(TEXT, text)
        if valid:
            peer.expect_echo(TEXT, text)
        else:
            assert peer.expect_close() == 1007, text
            peer.close()
    binary = b"".join(text for text, _ in utf8_samples())
    good.send_frame(BINARY, binary)
    good.expect_echo(BINARY, binary)


# Group 7: closing

def test_7_after_close_nothing_is_answered(ports):
    close = struct.pack("!H", 1000)
    for opcode, payload in ((TEXT, b"late"), (PING, b"late"), (CLOSE, close)):
        peer = Peer(ports["plain"])
        peer.send_frame(TEXT, b"in time")
        peer.expect_echo(TEXT, b"in time")
        peer.socket.sendall(peer.frame(CLOSE, close) + peer.frame(opcode, payload))
        peer.expect(CLOSE, close)
        peer.expect_nothing_more()


def test_7_close_inside_a_fragmented_message(peer):
    peer.send_frame(TEXT, b"fragment1", fin=False)
    peer.send_frame(CLOSE, struct.pack("!H", 1000))
    peer.expect(CLOSE, struct.pack("!H", 1000))
    peer.expect_nothing_more()


def test_7_close_waits_for_what_was_to_be_sent(peer):
    payload = os.urandom(262144)
    peer.socket.sendall(peer.frame(BINARY, payload) + peer.frame(CLOSE, struct.pack("!H", 1000)))
    peer.expect_echo(BINARY, payload)
    peer.expect(CLOSE, struct.pack("!H", 1000))
    peer.expect_nothing_more()


@pytest.mark.parametrize("payload, code", [
    (b"", 1000), (b"\x03\xe8", 1000), (b"\x03\xe8" + b"*" * 123, 1000), ("\u03e8".encode("utf-16-be") + b"Hello", 1000),
    (b"a", 1002), (b"\x03\xe8" + b"*" * 124, 1002), (b"\x03\xe8" + BAD_TEXT, 1007)])
def test_7_payloads_of_close(peer, payload, code):
    peer.send_frame(CLOSE, payload)
    peer.expect_close(code)


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999,
                                  4000, 4999])
def test_7_codes_that_may_be_sent(peer, code):
    peer.send_frame(CLOSE, struct.pack("!H", code) + b"why")
    peer.expect_close(1000)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
def test_7_codes_that_may_not(peer, code):
    peer.send_frame(CLOSE, struct.pack("!H", code))
    peer.expect_close(1002)


# Group 9: sizes

@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [1 << 18, 1 << 20, 1 << 22])
@pytest.mark.parametrize("fragment", [None, 1 << 12, 1 << 16])
def test_9_large_messages_and_fragments(peer, opcode, size, fragment):
    payload = b"*" * size if opcode == TEXT else os.urandom(size)
    step = fragment or size
    data = b"".join(peer.frame(CONTINUATION if start else opcode, payload[start:start + step], fin=start + step >= size)
                    for start in range(0, size, step))
    peer.socket.sendall(data)
    peer.expect_echo(opcode, payload)


@pytest.mark.parametrize("chop", [64, 256, 1024])
def test_9_a_message_in_many_small_chops(peer, chop):
    payload = "ß".encode() * (1 << 15)
    peer.send_chopped(peer.frame(TEXT, payload), chop)
    peer.expect_echo(TEXT, payload)


@pytest.mark.parametrize("size", [0, 16, 64, 1024, 16384])
def test_9_many_messages_one_after_the_other(peer, size):
    for number in range(200):
        payload = (b"%d " % number).ljust(size, b"*")
        peer.send_frame(BINARY, payload)
        peer.expect_echo(BINARY, payload)


def test_9_messages_beyond_the_limit(peer):
    peer.socket.sendall(b"\x82\xff" + struct.pack("!Q", 64 * 1024 * 1024 + 1) + bytes(4))
    peer.expect_close(1009)


# Group 10: fragments of the router's own

@pytest.mark.parametrize("size, count", [(0, 1), (1300, 1), (1301, 2), (65536, 51)])
def test_10_messages_are_sent_in_fragments(ports, size, count):
    peer = Peer(ports["fragments"])
    payload = STARRED[:size].encode()
    peer.send_frame(TEXT, payload)
    frames = [peer.take_frame() for _ in range(count)]
    assert [frame[2] for frame in frames] == [TEXT] + [CONTINUATION] * (count - 1)
    assert [frame[0] for frame in frames] == [False] * (count - 1) + [True]
    assert all(len(frame[3]) <= 1300 for frame in frames) and b"".join(frame[3] for frame in frames) == payload


# Groups 12 and 13: permessage-deflate

OFFERS = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; server_max_window_bits=9; client_max_window_bits",
    "permessage-deflate; server_max_window_bits=15; client_max_window_bits=15",
    "permessage-deflate; server_max_window_bits=9; server_no_context_takeover; client_max_window_bits=9",
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=9, permessage-deflate",
]
LINE = '{"event":"published","topic":"com.example.temperature","args":[23.5,"°C"],"sequence":%d}'


def samples(size):
    text = "".join(LINE % number for number in range(size // 80 + 1)).encode()[:size].decode(errors="ignore").encode()
    return text, os.urandom(size)


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("fragment", [None, 256])
def test_12_messages_are_compressed_as_agreed(ports, offer, fragment):
    peer = Peer(ports["deflate"], extensions=offer)
    agreed = peer.header("Sec-WebSocket-Extensions")
    assert agreed.startswith("permessage-deflate")
    for wish in ("server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits=9"):
        assert wish not in offer or wish in agreed
    codec = Codec(agreed)
    for size in (0, 1, 16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072):
        for opcode, payload in zip((TEXT, BINARY), samples(size)):
            for _ in range(3):
                data = codec.compress(payload)
                step = fragment or max(len(data), 1)
                for start in range(0, max(len(data), 1), step):
                    peer.send_frame(CONTINUATION if start else opcode, data[start:start + step],
                                    fin=start + step >= len(data), rsv1=start == 0)
                got, answer, compressed = peer.receive_message()
                assert got == opcode and compressed and codec.decompress(answer) == payload
                if opcode == TEXT and size >= 1024:
                    assert len(answer) < len(payload) / 2
    peer.send_frame(TEXT, b"a message may also come as it is")
    _, answer, _ = peer.receive_message()
    assert codec.decompress(answer) == b"a message may also come as it is"
    peer.close_well()


@pytest.mark.parametrize("offer", [
    "permessage-deflate; unknown", "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=16", "permessage-deflate; client_max_window_bits=0",
    "permessage-deflate; server_no_context_takeover=1", "permessage-bzip2",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover"])
def test_12_offers_that_cannot_be_taken_are_not(ports, offer):
    peer = Peer(ports["deflate"], extensions=offer)
    assert peer.header("Sec-WebSocket-Extensions") is None
    peer.send_frame(TEXT, b"plain")
    peer.expect_echo(TEXT, b"plain")
    peer = Peer(ports["deflate"], extensions=offer + ", permessage-deflate")
    assert peer.header("Sec-WebSocket-Extensions") is not None


@pytest.mark.parametrize("payload, code", [(b"\xff\xff\xff\xff", 1007), (b"\x00\x10\x00\x00\x00", 1007)])
def test_12_what_cannot_be_decompressed(ports, payload, code):
    peer = Peer(ports["deflate"], extensions="permessage-deflate")
    peer.send_frame(BINARY, payload, rsv1=True)
    peer.expect_close(code)


def test_12_the_compressed_bit_where_it_must_not_be(ports):
    for opcode, fin in ((PING, True), (CLOSE, True), (CONTINUATION, True)):
        peer = Peer(ports["deflate"], extensions="permessage-deflate")
        if opcode == CONTINUATION:
            peer.send_frame(TEXT, b"begin", fin=False)
        peer.send_frame(opcode, b"", rsv1=True, fin=fin)
        peer.expect_close(1002)


def test_12_text_that_is_no_utf8_once_it_is_plain(ports):
    peer = Peer(ports["deflate"], extensions="permessage-deflate")
    peer.send_frame(TEXT, Codec("permessage-deflate").compress(BAD_TEXT), rsv1=True)
    peer.expect_close(1007)


def test_12_what_is_small_compressed_and_huge_plain(ports):
    peer = Peer(ports["deflate"], extensions="permessage-deflate")
    peer.send_frame(BINARY, Codec("permessage-deflate").compress(bytes(65 * 1024 * 1024)), rsv1=True)
    peer.expect_close(1009)


SETTINGS = [
    ({"no_context_takeover": True}, "permessage-deflate", {"server_no_context_takeover": ""}),
    ({"max_window_bits": 9}, "permessage-deflate; server_max_window_bits=10", {"server_max_window_bits": "9"}),
    ({"request_max_window_bits": 10}, "permessage-deflate; client_max_window_bits", {"client_max_window_bits": "10"}),
    ({"request_no_context_takeover": True}, "permessage-deflate", {"client_no_context_takeover": ""}),
    ({"memory_level": 1}, "permessage-deflate", {}),
]


def test_13_the_settings_of_compression(start):
    ports = [nodes.free_port() for _ in SETTINGS]
    start(router_with([testee(port, {"compression": {"deflate": deflate}})
                       for port, (deflate, _, _) in zip(ports, SETTINGS)], realms=[]))
    for port, (_, offer, expected) in zip(ports, SETTINGS):
        peer = Peer(port, extensions=offer)
        codec = Codec(peer.header("Sec-WebSocket-Extensions"))
        assert expected.items() <= codec.parameters.items(), codec.parameters
        for number in range(5):
            text = samples(5000 + number)[0]
            peer.send_frame(TEXT, codec.compress(text), rsv1=True)
            _, answer, compressed = peer.receive_message()
            assert compressed and codec.decompress(answer) == text


# The ways to an echo

def test_a_testee_may_be_a_worker_or_a_path(start, port):
    worker_port = nodes.free_port()
    document = nodes.config(port, paths={"echo": {"type": "websocket-testee"}})
    document["workers"].append({"type": "websocket-testee", "id": "testee1", "options": {"io_threads": 1},
                                "transport": {"type": "websocket", "endpoint": tcp(worker_port)}})
    start(document)
    for peer in (Peer(port, "/echo"), Peer(worker_port)):
        for opcode in (TEXT, BINARY):
            peer.send_frame(opcode, b"hello")
            peer.expect_echo(opcode, b"hello")
        peer.close_well()


def test_whoever_reads_nothing_is_read_from_no_more(ports):
    """An echo does not pile up what its peer does not take."""
    peer = Peer(ports["plain"], receive_buffer=4096)
    peer.socket.setblocking(False)
    stream, sent = memoryview(peer.frame(BINARY, bytes(65536)) * 16), 0
    while sent < 256 * 1024 * 1024 and select.select([], [peer.socket], [], 1)[1]:
        sent += peer.socket.send(stream[sent % len(stream):])
    assert sent < 64 * 1024 * 1024, sent
