"""Streams under backpressure: progressive results, and calls in pieces, to sessions that read slowly."""

import threading

import pytest

from support import node as nodes
from support.spread import one_node
from support.streams import KIB, MODERN, flood, in_background
from support.wamp import BINARY, PING, PONG, TEXT, Client, encode

CHUNKS = 10_000


def small(**more):
    return {"options": {"max_queued_bytes": 65536, **more}}


def stream(sender, head, count=CHUNKS):
    """Sends a message for each chunk, as fast as the router takes them; the last one is the end of the stream."""
    opcode = TEXT if sender.serializer == "json" else BINARY
    for start in range(0, count, 100):
        frames = [
            sender.frame(opcode, encode(sender.serializer, head({"progress": True} if n < count - 1 else {}, [n, KIB])))
            for n in range(start, min(start + 100, count))
        ]
        sender.socket.sendall(b"".join(frames))


def bystanders_are_served(port):
    callee, caller = Client(port), Client(port)
    callee.register("com.bystander")
    for n in range(20):
        caller.call("com.bystander", [n])
        callee.send([70, callee.receive()[1], {}, [n]])
        assert caller.receive()[3] == [n]
    callee.close()


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
@pytest.mark.parametrize("threads", [1, 2])
def test_ten_thousand_results_reach_a_caller_that_reads_slowly(start, port, threads, serializer):
    node = start(nodes.config(port, websocket=small(), options={"io_threads": threads}))
    callee = Client(port, serializer, details=MODERN)
    callee.register("com.stream")
    caller = Client(port, serializer, details=MODERN, receive_buffer=4096)
    caller.send([48, 1, {"receive_progress": True}, "com.stream"])
    invocation = callee.receive()[1]
    sending = in_background(lambda: stream(callee, lambda options, args: [70, invocation, options, args]))
    bystanders_are_served(port)
    for n in range(CHUNKS):
        result = caller.receive()
        assert result[0] == 50 and result[3] == [n, KIB], result[:3]
        assert result[2].get("progress", False) == (n < CHUNKS - 1)
    sending.join(nodes.TIME)
    assert caller.nothing_comes()
    assert "does not read" not in node.output()


def test_ten_thousand_pieces_of_a_call_reach_a_callee_that_reads_slowly(start, port):
    node = start(nodes.config(port, websocket=small()))
    callee = Client(port, details=MODERN, receive_buffer=4096)
    callee.register("com.upload")
    caller = Client(port, details=MODERN)
    sending = in_background(lambda: stream(caller, lambda options, args: [48, 1, options, "com.upload", args]))
    bystanders_are_served(port)
    for n in range(CHUNKS):
        invocation = callee.receive()
        assert invocation[0] == 68 and invocation[4] == [n, KIB], invocation[:4]
        assert invocation[3].get("progress", False) == (n < CHUNKS - 1)
    callee.send([70, invocation[1], {}, ["stored"]])
    assert caller.receive()[3] == ["stored"]
    sending.join(nodes.TIME)
    assert "does not read" not in node.output()


def test_a_session_that_streams_to_itself(start, port):
    start(nodes.config(port, websocket=small()))
    both = Client(port, details=MODERN)
    both.register("com.stream")
    both.send([48, 1, {"receive_progress": True}, "com.stream"])
    invocation = both.receive()[1]
    in_background(lambda: stream(both, lambda options, args: [70, invocation, options, args]))
    for n in range(CHUNKS):
        assert both.receive()[3] == [n, KIB]


@one_node("the balancer takes in what the client does not read")
def test_a_caller_that_never_reads_its_stream_is_ended_and_the_callee_serves_others(start, port):
    """The callee, which gets pings, is not taken for dead because its answers are not read for a while."""
    pings = {"auto_ping_interval": 1000, "auto_ping_timeout": 1000}
    pinged = {"type": "websocket", **small(**pings)}
    node = start(nodes.config(port, websocket=small(max_stream_wait=3000), paths={"pinged": pinged}))
    callee = Client(port, details=MODERN, path="/pinged")
    callee.register("com.stream")
    callee.register("com.other")
    slow = Client(port, details=MODERN, receive_buffer=4096)
    slow.send([48, 1, {"receive_progress": True}, "com.stream"])
    invocation = callee.receive()[1]
    interrupted = threading.Event()
    flood(lambda: callee.send([70, invocation, {"progress": True}, [KIB]]), interrupted)
    node.wait_for(f"session {slow.session} has not read its messages for 3000 ms", timeout=3 * nodes.TIME)
    node.wait_for(f"session {slow.session} left realm.*reads what is streamed to it too slowly")
    other = Client(port)
    other.call("com.other", [1])
    while True:
        opcode, payload, _ = callee.receive_frame()
        if opcode == PING:
            callee.send_frame(PONG, payload)
        elif b"[69," in payload:
            interrupted.set()
        elif b"[68," in payload:
            break
    callee.send([70, int(payload.split(b",")[1]), {}, ["served"]])
    assert other.receive()[3] == ["served"]
