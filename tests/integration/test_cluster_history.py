"""Event history of a realm that several nodes serve: what any of them publishes is in one history, which Redis has."""

import json
import re
import signal
import subprocess
import threading

import pytest

from support import node as nodes
from support.apps import until
from support.cluster import GUESTS, JOINED, LOST, ROLES, Cluster, Member, find_redis, lose_redis

HISTORY = [{"uri": "com.kept", "match": "prefix"}, {"uri": "com.few", "limit": 3}, {"uri": "com.kept.both"},
           {"uri": "wamp.session.on_join"}]
UNAVAILABLE = "wamp.error.unavailable"


class Keeper(Member):
    """A node whose realm has history."""

    store = {"type": "memory", "limit": 1000, "event-history": HISTORY}

    def document(self):
        return nodes.config(self.port, [nodes.realm(roles=ROLES, clustered=True, store=self.store)],
                            paths={"guests": GUESTS})


@pytest.fixture
def keepers(tmp_path, redis):
    made = Cluster(tmp_path, redis, member=Keeper)
    yield made
    made.stop()


def call(client, procedure, *args, **kwargs):
    """The first argument of the result, or the error's URI."""
    request = client.call(procedure, list(args), kwargs)
    reply = client.receive()
    if reply[0] == 8:
        assert reply[2] == request, reply
        return reply[4]
    assert reply[:2] == [50, request], reply
    return reply[3][0]


def subscription_of(client, uri, match):
    return call(client, "wamp.subscription.lookup", uri, {"match": match})


def events(client, uri, match="exact", **conditions):
    conditions.setdefault("reverse", False)
    return call(client, "wamp.subscription.get_events", subscription_of(client, uri, match), **conditions)


def values(client, uri, match="exact", **conditions):
    found = events(client, uri, match, **conditions)
    return found if isinstance(found, str) else [event["args"][0] for event in found]


def last(client, topic, limit=1000):
    found = call(client, "wamp.topic.history.last", topic, limit)
    return found if isinstance(found, str) else [event["args"][0] for event in found]


def stream(uri, match="exact"):
    return f"crosspoint:realm1:history:{{{match}:{uri}}}"


def test_the_history_of_all_nodes_is_one(keepers):
    a, b, c = (member.client(serializer) for member, serializer in zip(keepers.members, ("json", "msgpack", "cbor")))
    published = []
    for number in range(30):
        publisher = (a, b, c)[number % 3]
        published.append(publisher.publish(f"com.kept.{number % 2}", [number, {"deep": [None, "é"]}], {"k": number / 4},
                                           acknowledge=True))
    found = [events(client, "com.kept", "prefix") for client in (a, b, c)]
    assert found[0] == found[1] == found[2]
    assert [event["publication"] for event in found[0]] == published
    assert [event["args"] for event in found[0]] == [[number, {"deep": [None, "é"]}] for number in range(30)]
    assert [event["kwargs"] for event in found[0]] == [{"k": number / 4} for number in range(30)]
    assert [event["topic"] for event in found[0]] == [f"com.kept.{number % 2}" for number in range(30)]
    assert {event["subscription"] for event in found[0]} == {subscription_of(b, "com.kept", "prefix")}
    for client in (a, b, c):
        assert call(client, "wamp.subscription.get_events", found[0][0]["subscription"])[0]["args"][0] == 29
        assert values(client, "com.kept", "prefix", reverse=True, limit=3) == [29, 28, 27]
        assert values(client, "com.kept", "prefix", limit=3) == [0, 1, 2]
        assert values(client, "com.kept", "prefix", topic="com.kept.1", limit=2) == [1, 3]
        assert values(client, "com.kept", "prefix", after_publication=published[11], until_publication=published[14]) \
            == [12, 13, 14]
        assert values(client, "com.kept", "prefix", after_publication=published[27], reverse=True) == [29, 28]
        assert values(client, "com.kept", "prefix", from_time=found[0][28]["timestamp"])[-2:] == [28, 29]
        assert last(client, "com.kept.0", 2) == [26, 28]
        after = call(client, "wamp.topic.history.after", "com.kept.1", published[25])
        assert [event["args"][0] for event in after] == [27, 29]
        since = call(client, "wamp.topic.history.since", "com.kept.1", found[0][27]["timestamp"])
        assert [event["args"][0] for event in since][-2:] == [27, 29]
        assert call(client, "wamp.topic.history.last", "com.other", 1) == "wamp.error.history_unavailable"


def test_a_topic_in_two_histories_is_read_from_the_longer_one(keepers):
    a, b, _ = keepers.members
    publisher, reader = a.client(), b.client()
    for number in range(4):
        publisher.publish("com.kept.both", [number], acknowledge=True)
    exact = subscription_of(reader, "com.kept.both", "exact")
    assert values(reader, "com.kept.both") == values(reader, "com.kept", "prefix") == [0, 1, 2, 3]
    assert call(reader, "wamp.subscription.flush", exact) == 4
    publisher.publish("com.kept.both", [4], acknowledge=True)
    assert values(reader, "com.kept.both") == [4]
    assert last(reader, "com.kept.both") == [0, 1, 2, 3, 4]
    assert last(reader, "com.kept.both", 2) == [3, 4]


def test_limits_hold_for_all_nodes_together(keepers, redis):
    clients = [member.client() for member in keepers.members]
    for number in range(20):
        clients[number % 3].publish("com.few", [number], acknowledge=True)
    for client in clients:
        assert values(client, "com.few") == [17, 18, 19]
    assert redis.cli("XLEN", stream("com.few")) == "3"


class Small(Keeper):
    store = {"type": "memory", "max_bytes": 100_000, "event-history": [{"uri": "com.big"}]}


def test_bytes_are_bounded_too(tmp_path, redis):
    made = Cluster(tmp_path, redis, names=("a", "b"), member=Small)
    a, b = (member.client() for member in made.members)
    for number in range(20):
        (a, b)[number % 2].publish("com.big", [number, "x" * 9000], acknowledge=True)
    assert values(a, "com.big") == list(range(10, 20))
    state = redis.cli("HMGET", stream("com.big") + ":state", "events", "bytes").split()
    assert state[0] == "10" and 90_000 < int(state[1]) <= 100_000
    redis.cli("XTRIM", stream("com.big"), "MAXLEN", "2")  # by somebody else
    b.publish("com.big", ["y" * 150_000], acknowledge=True)  # the newest stays, whatever its size
    assert values(a, "com.big") == ["y" * 150_000]
    a.publish("com.big", [1], acknowledge=True)
    assert values(b, "com.big") == [1]
    assert redis.cli("HGET", stream("com.big") + ":state", "events") == "1"
    made.stop()


def test_what_is_remembered_of_nodes_is_bounded(keepers, redis):
    a, b, _ = (member.client() for member in keepers.members)
    state = stream("com.few") + ":state"
    redis.cli("EVAL", "for i = 1, 1100 do redis.call('HSET', KEYS[1], 'gone/' .. i, i) end", "1", state)
    a.publish("com.few", [1], acknowledge=True)
    b.publish("com.few", [2], acknowledge=True)
    assert values(a, "com.few") == [1, 2]
    assert redis.cli("HLEN", state) == "4"


def test_a_node_that_starts_late_and_one_that_was_killed(tmp_path, redis):
    made = Cluster(tmp_path, redis, names=("a", "b"), member=Keeper)
    a, b = made.members
    a.client().publish("com.kept.x", ["a"], acknowledge=True)
    b.client().publish("com.kept.x", ["b"], acknowledge=True)
    b.kill()  # at once behind PUBLISHED
    late = Keeper(tmp_path, "late", redis).start()
    made.members.append(late)
    assert last(late.client(), "com.kept.x") == ["a", "b"]
    late.client().publish("com.kept.x", ["late"], acknowledge=True)
    b.start()
    b.client().publish("com.kept.x", ["b again"], acknowledge=True)
    for member in made.members:
        assert last(member.client(), "com.kept.x") == ["a", "b", "late", "b again"]
    made.stop()
    alone = Keeper(tmp_path, "alone", redis).start()  # no node was there in between
    assert last(alone.client(), "com.kept.x") == ["a", "b", "late", "b again"]
    alone.stop()


def test_receivers_and_publishers_are_as_on_one_node(keepers):
    a, b, _ = keepers.members
    guest = a.client(path="/guests")  # which is disclosed
    guest.publish("com.kept.x", ["all"], acknowledge=True)
    guest.publish("com.kept.x", ["guests"], acknowledge=True, eligible_authrole=["guest"])
    guest.publish("com.kept.x", ["others"], acknowledge=True, exclude_authrole=["guest"])
    guest.publish("com.kept.x", ["sessions"], acknowledge=True, exclude=[7])
    a.client().publish("com.kept.x", ["unknown"], acknowledge=True, ppt_scheme="x_app")
    for member in (a, b):
        assert last(member.client(), "com.kept.x") == ["all", "others", "unknown"]
        assert last(member.client(path="/guests"), "com.kept.x") == ["all", "guests", "unknown"]
        first, *_, unknown = events(member.client(), "com.kept", "prefix")
        authid = guest.welcome[2]["authid"]
        assert first["details"] == {"publisher": guest.session, "publisher_authid": authid,
                                    "publisher_authrole": "guest", "topic": "com.kept.x"}
        assert (first["session_id"], first["authid"], first["authrole"]) == (guest.session, authid, "guest")
        assert unknown["session_id"] is None and unknown["details"] == {"topic": "com.kept.x", "ppt_scheme": "x_app"}


def test_a_flush_is_for_all_nodes(keepers):
    a, b, c = (member.client() for member in keepers.members)
    for number, client in enumerate((a, b, c)):
        client.publish("com.few", [number], acknowledge=True)
        client.publish("com.kept.x", [number], acknowledge=True)
    few = subscription_of(b, "com.few", "exact")
    assert call(b, "wamp.subscription.flush", few) == 3
    assert call(c, "wamp.subscription.flush", few) == 0
    for client in (a, b, c):
        assert values(client, "com.few") == []
        assert values(client, "com.kept", "prefix") == [0, 1, 2]  # another one's
    c.publish("com.few", ["later"], acknowledge=True)
    assert values(a, "com.few") == ["later"]


def test_subscribers_of_a_history_get_events_of_all_nodes(keepers):
    """Its subscription is there before anybody has subscribed, and after they have gone."""
    a, b, _ = keepers.members
    publisher = a.client()
    for number in range(3):
        subscriber = b.client()
        subscription = subscriber.subscribe("com.kept", match="prefix")
        publication = publisher.publish("com.kept.x", [number], acknowledge=True)
        assert subscriber.receive() == [36, subscription, publication, {"topic": "com.kept.x"}, [number]]
        assert subscriber.nothing_comes()
        subscriber.close()


def test_retained_events_and_testaments_are_history_too(keepers):
    a, b, _ = keepers.members
    client, reader = a.client(), b.client()
    client.publish("com.kept.x", ["retained"], retain=True, acknowledge=True)
    assert isinstance(call(client, "wamp.session.add_testament", "com.kept.x", ["testament"], {}), int)
    client.close()
    until(lambda: last(reader, "com.kept.x") == ["retained", "testament"])


def test_the_history_of_meta_events_has_those_of_all_nodes_once(keepers, redis):
    sessions = [member.client().session for member in keepers.members]

    def joined():  # which the router tells its own sessions only
        entries = redis.cli("XRANGE", stream("wamp.session.on_join"), "-", "+")
        return [int(session) for session in re.findall(r'"session":(\d+)', entries)]

    until(lambda: sorted(joined()) == sorted(sessions))


def test_all_nodes_see_one_order_under_load(keepers):
    """Each publisher's events are there once and in order, whatever the others do."""
    def publish(member, index):
        client = member.client()
        client.send_many([[16, n + 1, {"acknowledge": n == 299}, f"com.kept.{index}", [index, n]] for n in range(300)])
        assert client.receive()[:2] == [17, 300]

    publishers = [threading.Thread(target=publish, args=(member, index)) for index, member in enumerate(keepers.members)]
    for publisher in publishers:
        publisher.start()
    for publisher in publishers:
        publisher.join(nodes.TIME)
        assert not publisher.is_alive()
    found = [[event["args"] for event in events(member.client(), "com.kept", "prefix")] for member in keepers.members]
    assert found[0] == found[1] == found[2] and len(found[0]) == 900
    for index in range(3):
        assert [n for i, n in found[0] if i == index] == list(range(300))


def test_what_is_published_while_redis_is_away_comes_later_and_once(keepers, redis):
    a, b, c = keepers.members
    a.client().publish("com.kept.x", ["before"], acknowledge=True)
    lose_redis(keepers, redis)
    publisher = a.client()
    for number in range(20):
        publisher.publish("com.kept.x", [number], acknowledge=True)  # which is answered
        publisher.publish("com.few", [number], acknowledge=True)
    b.client().publish("com.kept.b", ["b"], acknowledge=True)
    for member in keepers.members:
        client = member.client()
        kept = subscription_of(client, "com.kept", "prefix")
        assert call(client, "wamp.subscription.get_events", kept) == UNAVAILABLE
        assert call(client, "wamp.subscription.flush", kept) == UNAVAILABLE
        assert call(client, "wamp.topic.history.last", "com.kept.x", 1) == UNAVAILABLE
        assert call(client, "wamp.topic.history.last", "com.other", 1) == "wamp.error.history_unavailable"
    find_redis(keepers, redis)
    until(lambda: set(values(c.client(), "com.kept", "prefix")) == {"before", "b", *range(20)})
    publisher.publish("com.kept.x", ["after"], acknowledge=True)
    for member in keepers.members:
        assert last(member.client(), "com.kept.x") == ["before", *range(20), "after"]
        assert values(member.client(), "com.few") == [17, 18, 19]
        assert last(member.client(), "com.kept.b") == ["b"]
    times = [event["timestamp"] for event in events(c.client(), "com.kept", "prefix", topic="com.kept.x")]
    assert times == sorted(times) and len(set(times)) == len(times)  # when they were published


def test_a_node_that_ends_without_redis_tells_what_it_takes_along(tmp_path, redis):
    made = Cluster(tmp_path, redis, names=("a",), member=Keeper)
    lose_redis(made, redis)
    client = made.members[0].client()
    for number in range(5):
        client.publish("com.few", [number], acknowledge=True)  # of which three would be kept
    client.close()
    made.stop()
    # Besides, that the client has joined.
    assert "4 events of event history have not reached Redis, and are lost" in made.members[0].node.output()


def test_what_was_under_way_when_redis_was_lost_comes_once(keepers, redis):
    """Redis hangs with what was sent: the node does not know what has become of it, and sends it again."""
    a, b, _ = keepers.members
    publisher = a.client()
    publisher.publish("com.kept.x", ["before"], acknowledge=True)
    seen = {member: len(member.node.lines) for member in keepers.members}
    nodes.freeze(redis.process.pid)
    try:
        for number in range(50):
            publisher.send([16, 1000 + number, {"acknowledge": True}, "com.kept.x", [number]])
        for number in range(50):  # when the connection counts as lost
            assert publisher.receive()[:2] == [17, 1000 + number]
        a.wait_for(LOST, after=seen[a])
    finally:
        redis.process.send_signal(signal.SIGCONT)
    a.wait_for(JOINED, after=seen[a])
    publisher.request = 2000
    publisher.publish("com.kept.x", ["after"], acknowledge=True)
    assert last(publisher, "com.kept.x") == ["before", *range(50), "after"]
    until(lambda: last(b.client(), "com.kept.x") == ["before", *range(50), "after"])


def test_connections_that_are_cut_while_it_is_written_lose_and_double_nothing(keepers, redis):
    a, b, _ = keepers.members
    publisher, done = a.client(), threading.Event()

    def publish():
        for number in range(600):
            publisher.publish("com.kept.x", [number], acknowledge=True)
        done.set()

    thread = threading.Thread(target=publish)
    thread.start()
    cuts = 0
    while cuts < 3 and not done.is_set():
        seen = len(a.node.lines)
        redis.cli("CLIENT", "KILL", "TYPE", "normal")
        a.wait_for(JOINED, after=seen)
        cuts += 1
    thread.join(nodes.TIME)
    assert done.is_set() and cuts > 0
    until(lambda: len(last(b.client(), "com.kept.x")) >= 600)
    assert last(b.client(), "com.kept.x") == list(range(600))


def test_an_answer_of_many_pages_ends_at_its_limit(keepers):
    a, b, _ = keepers.members
    publisher, reader = a.client("msgpack"), b.client("msgpack")
    text = "x" * 100_000
    publisher.send_many([[16, n + 1, {"acknowledge": n == 119}, "com.kept.x", [n, text]] for n in range(120)])
    assert publisher.receive()[0] == 17
    kept = subscription_of(reader, "com.kept", "prefix")
    request = reader.call("wamp.subscription.get_events", [kept], {"reverse": False})
    reply = reader.receive()
    assert reply[:2] == [50, request] and reply[4] == {"truncated": True}
    assert [event["args"][0] for event in reply[3][0]] == list(range(83))  # 8 MiB
    # Many calls at a time: each is answered.
    requests = [reader.call("wamp.subscription.get_events", [kept, 2]) for _ in range(40)]
    replies = {(reply := reader.receive())[1]: reply for _ in requests}
    assert [[event["args"][0] for event in replies[request][3][0]] for request in requests] == [[119, 118]] * 40


def test_a_redis_that_does_not_take_it_is_told_to_the_publisher(keepers, redis):
    a, b, _ = keepers.members
    redis.cli("SET", stream("com.few"), "something else")
    client = a.client()
    client.request += 1
    client.send([16, client.request, {"acknowledge": True}, "com.few", [1]])
    reply = client.receive()
    assert reply[:3] == [8, 16, client.request] and reply[4] == UNAVAILABLE
    assert "WRONGTYPE" in reply[5][0]
    reader = b.client()
    assert values(reader, "com.few") == UNAVAILABLE
    assert call(reader, "wamp.subscription.flush", subscription_of(reader, "com.few", "exact")) == UNAVAILABLE
    redis.cli("DEL", stream("com.few"))
    client.publish("com.few", [2], acknowledge=True)
    assert values(reader, "com.few") == [2]


def test_the_example_of_the_document_is_in_the_history(tmp_path, redis):
    class News(Keeper):
        store = {"type": "memory", "event-history": [{"uri": "com.example.news"}]}

    made = Cluster(tmp_path, redis, names=("a", "b"), member=News)
    a, b = (member.client() for member in made.members)
    a.publish("com.example.news", ["first"], acknowledge=True)
    text = (nodes.ROOT / "docs" / "cluster.md").read_text()
    shell = re.search(r"```sh\n(redis-cli XADD .*?)```", text, re.DOTALL)[1]
    subprocess.run(["sh", "-c", shell.replace("redis-cli", f"redis-cli -p {redis.port}")], check=True,
                   stdout=subprocess.DEVNULL, timeout=nodes.TIME)
    # What is published only has no place there.
    redis.cli("PUBLISH", "crosspoint:realm1:topic:com.example.news", json.dumps({"args": ["gone"]}))
    for entry in (["topic", "com.. x", "event", "{}"], ["topic", "com.example.news", "event", "?"],
                  ["topic", "com.example.news", "time", "now", "event", "{}"], ["nothing", "at all"]):
        redis.cli("XADD", stream("com.example.news"), "*", *entry)
    a.publish("com.example.news", ["last"], acknowledge=True)
    found = events(a, "com.example.news")
    assert [event["args"] for event in found] == [["first"], ["Hello"], ["last"]]
    assert found == events(b, "com.example.news")  # with one id
    assert found[1]["timestamp"] >= found[0]["timestamp"][:23]
    assert redis.cli("HGET", stream("com.example.news") + ":state", "events") == "7"
    made.stop()


def test_a_database_is_refused(tmp_path, redis):
    class Disk(Keeper):
        store = {"type": "sqlite", "path": "history.db", "event-history": HISTORY}

    member = Disk(tmp_path, "a", redis)
    ended = nodes.run("start", "--cbdir", member.directory)
    assert ended.returncode == 1
    assert 'store.type: "sqlite" cannot have the event history of a clustered realm' in ended.stdout + ended.stderr
