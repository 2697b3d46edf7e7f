"""Event history: in memory, and in a database that survives the program."""

import pytest

from support import node as nodes
from support.spread import one_node
from support.wamp import Client

HISTORY = [{"uri": "com.kept", "match": "prefix"}, {"uri": "com.few", "limit": 2}]


def start(directory, port, **store):
    realm = nodes.realm(store={"event-history": HISTORY, **store})
    return nodes.Node(nodes.write_config(directory, nodes.config(port, [realm])))


def call(client, procedure, *args, **kwargs):
    """The first argument of the result, or the error's URI."""
    request = client.call(procedure, list(args), kwargs)
    reply = client.receive()
    if reply[0] == 8:
        assert reply[2] == request
        return reply[4]
    assert reply[:2] == [50, request], reply
    return reply[3][0]


def events(client, uri, match="exact", **conditions):
    subscription = call(client, "wamp.subscription.lookup", uri, {"match": match})
    return call(client, "wamp.subscription.get_events", subscription, **conditions)


def values(client, uri, match="exact", **conditions):
    return [event["args"][0] for event in events(client, uri, match, **conditions)]


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
def test_history_in_memory(tmp_path, serializer):
    port = nodes.free_port()
    node = start(tmp_path, port, type="memory", limit=5)
    publisher, reader = Client(port, serializer), Client(port)
    assert reader.welcome[2]["roles"]["broker"]["features"]["event_history"] is True
    for number in range(8):
        publisher.publish(f"com.kept.{number % 2}", [number], {"deep": {"list": [1, None]}}, acknowledge=True)
    publisher.publish("com.few", [1])
    publisher.publish("com.few", [2])
    publisher.publish("com.few", [3], acknowledge=True)
    assert values(reader, "com.kept", "prefix") == [7, 6, 5, 4, 3]
    assert values(reader, "com.kept", "prefix", topic="com.kept.1", limit=2) == [3, 5]
    assert values(reader, "com.few") == [3, 2]
    newest = events(reader, "com.kept", "prefix", limit=1)[0]
    assert newest["kwargs"] == {"deep": {"list": [1, None]}} and newest["topic"] == "com.kept.1"
    assert values(reader, "com.kept", "prefix", from_time=newest["timestamp"]) == [7]
    other = reader.subscribe("com.other")
    assert call(reader, "wamp.subscription.get_events", other) == "wamp.error.history_unavailable"
    reader.close()
    publisher.close()
    assert node.stop() == 0


@one_node("a file is one node's")
def test_what_was_acknowledged_survives_kill_9(tmp_path):
    port = nodes.free_port()
    node = start(tmp_path, port, type="sqlite", path="history.db", limit=1000)
    publisher = Client(port, "cbor")
    ids = [publisher.publish("com.kept.a", [number, b"\x00\xff"], acknowledge=True) for number in range(50)]
    publisher.request += 1
    publisher.send([16, publisher.request, {"acknowledge": True}, "com.kept.b", ["last"]])
    reply = publisher.receive()
    node.process.kill()  # at once behind PUBLISHED
    assert reply[0] == 17
    node.wait()
    node = start(tmp_path, port, type="sqlite", path="history.db", limit=1000)
    reader = Client(port, "cbor")
    found = events(reader, "com.kept", "prefix", reverse=False)
    assert [event["publication"] for event in found] == [*ids, reply[2]]
    assert [event["args"] for event in found] == [[number, b"\x00\xff"] for number in range(50)] + [["last"]]
    publication = reader.publish("com.kept.c", ["new"], acknowledge=True)
    assert [event["publication"] for event in events(reader, "com.kept", "prefix", limit=2)] == [publication, reply[2]]
    reader.close()
    assert node.stop() == 0
    node = start(tmp_path, port, type="sqlite", path="history.db", limit=3)  # a lower limit
    reader = Client(port)
    assert values(reader, "com.kept", "prefix") == ["new", "last", 49]
    reader.close()
    assert node.stop() == 0


@one_node("a file is one node's")
def test_many_publishers_are_acknowledged_together(tmp_path):
    """Publications that wait for the disk hold up neither one another nor events."""
    port = nodes.free_port()
    node = start(tmp_path, port, type="sqlite", path="history.db", limit=10000)
    subscriber = Client(port)
    subscriber.subscribe("com.kept", match="prefix")
    publishers = [Client(port) for _ in range(4)]
    for index, publisher in enumerate(publishers):
        publisher.send_many([[16, n + 1, {"acknowledge": True}, "com.kept", [index, n]] for n in range(200)])
    for publisher in publishers:
        assert sorted(publisher.receive()[1] for _ in range(200)) == list(range(1, 201))
    got = [subscriber.receive()[4] for _ in range(800)]
    for index in range(4):
        assert [n for i, n in got if i == index] == list(range(200))
    stored = [event["args"] for event in events(subscriber, "com.kept", "prefix", reverse=False)]
    for index in range(4):
        assert [n for i, n in stored if i == index] == list(range(200))
    subscriber.close()
    for publisher in publishers:
        publisher.close()
    assert node.stop() == 0


def test_a_database_that_cannot_be_opened(tmp_path):
    port = nodes.free_port()
    store = {"type": "sqlite", "path": "none/history.db", "event-history": HISTORY}
    directory = nodes.write_config(tmp_path, nodes.config(port, [nodes.realm(store=store)]))
    ended = nodes.run("start", "--cbdir", directory)
    assert ended.returncode == 1
    assert f'realm "realm1": store: cannot open {directory}/none/history.db: unable to open database file' in \
        ended.stdout + ended.stderr


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
def test_history_by_topic(tmp_path, serializer):
    """The procedures of older specifications: the oldest event comes first."""
    port = nodes.free_port()
    node = start(tmp_path, port, type="memory")
    publisher, reader = Client(port, serializer), Client(port, serializer)
    published = [publisher.publish("com.kept.topic", [number], acknowledge=True) for number in range(5)]

    def history(form, *args):
        return [event["args"][0] for event in call(reader, "wamp.topic.history." + form, "com.kept.topic", *args)]

    assert history("last", 2) == [3, 4]
    assert history("after", published[2]) == [3, 4]
    third = call(reader, "wamp.topic.history.after", "com.kept.topic", published[1])[0]
    assert third["args"] == [2]
    assert history("since", third["timestamp"])[-3:] == [2, 3, 4]
    assert history("since", "2013-12-21T13:43:11:000Z") == [0, 1, 2, 3, 4]
    assert node.stop() == 0


@one_node("a file is one node's")
def test_what_was_flushed_stays_away_after_kill_9(tmp_path):
    port = nodes.free_port()
    node = start(tmp_path, port, type="sqlite", path="history.db")
    client = Client(port)
    for number in range(5):
        client.publish("com.kept.x", [number], acknowledge=True)
    subscription = call(client, "wamp.subscription.lookup", "com.kept", {"match": "prefix"})
    assert call(client, "wamp.subscription.flush", subscription) == 5
    client.publish("com.kept.x", ["later"], acknowledge=True)
    node.process.kill()
    node.wait()
    node = start(tmp_path, port, type="sqlite", path="history.db")
    assert values(Client(port), "com.kept", "prefix") == ["later"]
    assert node.stop() == 0
