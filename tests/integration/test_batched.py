"""Several messages in one WebSocket message (Message Batching). That sessions work this way in all serializers is
tested in test_protocol.py, where it is one of the ways."""

import struct

import pytest

from support import node as nodes
from support.wamp import BINARY, SERIALIZERS, SUBPROTOCOLS, TEXT, BatchedClient, Client, Closed, Deflate, WebSocket, encode


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    port = nodes.free_port()
    directory = tmp_path_factory.mktemp("batched") / ".crossbar"
    options = {"compression": {"deflate": {}}}
    node = nodes.Node(nodes.write_config(directory, nodes.config(port, websocket={"options": options})))
    node.port = port
    yield node
    assert node.stop() == 0


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_what_is_sent_in_one_turn_comes_in_one_batch(node, serializer):
    client = BatchedClient(node.port, serializer)
    client.batches.clear()
    client.send_many([[32, i, {}, f"com.batch.{serializer}.{i}"] for i in range(1, 101)])
    assert [client.receive()[:2] for _ in range(100)] == [[33, i] for i in range(1, 101)]
    assert client.batches == [100]
    publisher = Client(node.port, serializer)
    publisher.send_many([[16, i, {}, f"com.batch.{serializer}.1", [i]] for i in range(1, 2001)])
    assert [client.receive()[4][0] for _ in range(2000)] == list(range(1, 2001))
    assert sum(client.batches) == 2100 and max(client.batches[1:]) > 1


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_a_batch_has_a_limit_that_a_single_message_may_exceed(node, serializer):
    client = BatchedClient(node.port, serializer)
    client.register("com.echo." + serializer)
    client.batches.clear()
    sizes = []
    receive_frame = client.receive_frame

    def measured():
        frame = receive_frame()
        sizes.append(len(frame[1]))
        return frame

    client.receive_frame = measured
    for length in (20_000, 200_000):
        client.send_many([[48, 1000 + length + i, {}, "com.echo." + serializer, ["x" * length]] for i in range(10)])
        for _ in range(10):
            assert client.receive()[4] == ["x" * length]
    few, alone = [size for size in sizes if size < 100_000], [size for size in sizes if size > 100_000]
    assert len(alone) == 10 and few and max(few) <= 64 * 1024


def test_events_of_one_publication_go_to_batched_and_other_subscribers(node):
    clients = [kind(node.port, serializer) for kind in (Client, BatchedClient, BatchedClient) for serializer in SERIALIZERS]
    for client in clients:
        client.subscribe("com.batch.mixed")
    publisher = BatchedClient(node.port, "cbor")
    publisher.send_many([[16, i, {}, "com.batch.mixed", [i, "x" * size]] for i, size in enumerate((1, 600, 9000), 1)])
    for client in clients:
        assert [client.receive()[4] for _ in range(3)] == [[1, "x"], [2, "x" * 600], [3, "x" * 9000]]


@pytest.mark.parametrize("separator", [b"\x1e", b"\x18"], ids=["specification", "autobahn"])
def test_json_is_answered_with_the_separator_of_the_client(node, separator):
    client = BatchedClient(node.port, "json", separator=separator)
    client.subscribe("com.batch.separator")
    client.publish("com.batch.separator", ["\x1e\x18"], exclude_me=False)
    assert client.receive()[4] == ["\x1e\x18"]


def test_batches_are_compressed_as_a_whole(node):
    client = BatchedClient(node.port, "json", join=False, headers={"Sec-WebSocket-Extensions": "permessage-deflate"})
    assert b"permessage-deflate" in client.response
    deflate = Deflate()
    client.send_frame(TEXT, deflate.compress(client.batch([[1, "realm1", {"roles": {"subscriber": {}}}]])), rsv1=True)
    _, payload, compressed = client.receive_frame()
    assert compressed and client.split(deflate.decompress(payload))[0].startswith(b"[2,")
    client.send_frame(TEXT, deflate.compress(client.batch([[32, i, {}, f"com.t{i}"] for i in range(1, 21)])), rsv1=True)
    _, payload, compressed = client.receive_frame()
    assert compressed and len(client.split(deflate.decompress(payload))) == 20


GARBLED = [
    ("json", b"", "a batch without messages"),
    ("json", b"[35,1]", "does not end in the separator"),
    ("json", b"[35,1]\x1e[35,2]", "does not end in the separator"),
    ("json", b"\x1e", "a message is a list that begins with its type"),
    ("json", b"[32,1,{},\"com.x\"]\x1e[\x1e", "a message is a list that begins with its type"),
    ("msgpack", b"", "a batch without messages"),
    ("cbor", b"\0\0\0", "ends within the length of a message"),
    ("msgpack", struct.pack("!L", 100) + b"\x92\x23\x01", "ends before its last message does"),
    ("ubjson", b"\xff\xff\xff\xff[", "ends before its last message does"),
    ("cbor", b"\0\0\0\0", "a message is a list that begins with its type"),
    ("msgpack", encode("msgpack", [32, 1, {}, "com.x"]), "ends before its last message does"),
]


@pytest.mark.parametrize("serializer,payload,text", GARBLED, ids=lambda value: str(value)[:20])
def test_a_garbled_batch_ends_the_session(node, serializer, payload, text):
    client = BatchedClient(node.port, serializer)
    client.send_frame(TEXT if serializer == "json" else BINARY, payload)
    while (answer := client.receive())[0] != 3:
        assert answer[0] == 33  # to what came before
    assert answer[2] == "wamp.error.protocol_violation" and text in answer[1]["message"]
    with pytest.raises(Closed) as closed:
        client.receive()
    assert closed.value.code == 1002
    node.wait_for(f"session {client.session} left")


def test_nothing_of_a_batch_is_done_that_ends_too_early(node):
    watcher = Client(node.port)
    watcher.subscribe("com.batch.half")
    client = BatchedClient(node.port, "cbor")
    client.send_frame(BINARY, client.batch([[16, 1, {}, "com.batch.half"]]) + b"\0\0\0\x05")
    assert client.receive()[0] == 3
    assert watcher.nothing_comes()


def test_goodbye_in_a_batch_is_answered_and_what_follows_opens_a_session(node):
    client = BatchedClient(node.port, "msgpack")
    client.send_many([[6, {}, "wamp.close.close_realm"], [1, "realm1", {"roles": {"caller": {}}}]])
    assert client.receive() == [6, {}, "wamp.close.goodbye_and_out"]
    assert client.receive()[0] == 2


def test_the_subprotocols_with_batches_are_offered_with_the_others(node):
    offered = ", ".join(f"{name}, {name}.batched" for name in SUBPROTOCOLS.values())
    with pytest.raises(Closed, match=f"only speaks WebSocket subprotocols {offered}"):
        WebSocket(node.port, subprotocol="wamp.2.xml.batched")


def test_a_batched_subscriber_that_does_not_read_is_held_to_its_limit(start, port):
    """What a batch has gathered counts as queued."""
    start(nodes.config(port, websocket={"options": {"max_queued_bytes": 1_000_000}}))
    lazy = BatchedClient(port, "msgpack", receive_buffer=4096)
    lazy.subscribe("com.batch.lazy")
    publisher = Client(port, "msgpack")
    for i in range(300):
        publisher.publish("com.batch.lazy", [i, b"x" * 60_000], acknowledge=True)
    first = lazy.receive()[4][0]
    assert first == 0
    publisher.send([48, 999_999, {}, "com.certainly.nothing"])
    assert publisher.receive()[0] == 8
    seen = [first]
    lazy.send([48, 5, {}, "com.certainly.nothing"])
    while (message := lazy.receive())[0] == 36:
        seen.append(message[4][0])
    assert message[0] == 8 and len(seen) < 300 and seen == sorted(seen)
