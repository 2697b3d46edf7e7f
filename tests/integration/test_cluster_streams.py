"""Streams between nodes, to sessions that read slowly."""

import threading

import pytest

from support import node as nodes
from support.cluster import ROLES, Cluster, Member
from support.streams import KIB, MODERN, flood, in_background


class Small(Member):
    """Queues little for a client that does not read."""

    OPTIONS = {"options": {"max_queued_bytes": 65536, "max_stream_wait": 3000}}

    def document(self):
        return nodes.config(self.port, [nodes.realm(roles=ROLES, clustered=True)], websocket=self.OPTIONS)


@pytest.fixture
def pair(tmp_path, redis):
    made = Cluster(tmp_path, redis, names=("a", "b"), member=Small)
    yield made.members
    made.stop()


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_many_streams_reach_a_caller_of_another_node_that_reads_slowly(pair, serializer):
    a, b = pair
    streams, pieces = 8, 1000
    callee, caller = a.client(serializer, details=MODERN), b.client(serializer, details=MODERN, receive_buffer=4096)
    callee.register("com.stream")
    for request in range(1, streams + 1):
        caller.send([48, request, {"receive_progress": True}, "com.stream", [request]])
    invocations = {message[4][0]: message[1] for message in (callee.receive() for _ in range(streams))}

    def send():
        for n in range(pieces):
            for request in invocations:
                callee.send([70, invocations[request], {"progress": n < pieces - 1}, [n, KIB]])

    sending = in_background(send)
    got = dict.fromkeys(invocations, 0)
    for _ in range(streams * pieces):
        result = caller.receive()
        assert result[0] == 50 and result[3] == [got[result[1]], KIB], result[:3]
        got[result[1]] += 1
    sending.join(nodes.TIME)
    assert "does not read" not in b.node.output()


def test_a_caller_that_never_reads_what_another_node_streams_to_it_is_ended(pair):
    a, b = pair
    callee = a.client(details=MODERN)
    callee.register("com.stream")
    callee.register("com.other")
    slow = b.client(details=MODERN, receive_buffer=4096)
    slow.send([48, 1, {"receive_progress": True}, "com.stream"])
    invocation = callee.receive()[1]
    interrupted = threading.Event()
    flooding = flood(lambda: callee.send([70, invocation, {"progress": True}, [KIB]]), interrupted)
    b.wait_for(f"session {slow.session} has not read its messages for 3000 ms", timeout=3 * nodes.TIME)
    b.wait_for(f"session {slow.session} left realm.*reads what is streamed to it too slowly")
    assert callee.receive()[:2] == [69, invocation]
    interrupted.set()
    flooding.join(nodes.TIME)
    other = b.client()
    other.call("com.other", [1])
    message = callee.receive()
    assert message[0] == 68
    callee.send([70, message[1], {}, ["served"]])
    assert other.receive()[3] == ["served"]


def test_a_callee_that_never_reads_the_pieces_of_a_call_of_another_node_is_ended(pair):
    a, b = pair
    callee = a.client(details=MODERN, receive_buffer=4096)
    callee.register("com.upload")
    caller = b.client(details=MODERN)
    ended = threading.Event()
    flooding = flood(lambda: caller.send([48, 1, {"progress": True}, "com.upload", [KIB]]), ended)
    a.wait_for(f"session {callee.session} has not read its messages for 3000 ms", timeout=3 * nodes.TIME)
    message = caller.receive()
    ended.set()
    assert message[:3] == [8, 48, 1], message
    flooding.join(nodes.TIME)
