"""Retained events of a realm that several nodes serve: every node has those of all, and they agree on the last one."""

import re
import shutil
import signal
import subprocess
import threading
import time

from support import node as nodes
from support.apps import until
from support.cluster import GUESTS, JOINED, ROLES, Cluster, Member, find_redis, lose_redis

STREAM = "crosspoint:realm1:retained"


def entries(redis):
    return int(redis.cli("XLEN", STREAM))


def wait_for_entries(redis, count):
    until(lambda: entries(redis) == count)


def event(client):
    message = client.receive()
    assert message[0] == 36, message
    return message[1:]


def found(member, topic, path="/ws", **options):
    """What a session that comes now gets of a topic, the newest last: details and payload."""
    client = member.client(path=path)
    client.subscribe(topic, get_retained=True, **options)
    request = client.call("com.certainly.nothing")
    events = []
    while (message := client.receive())[0] == 36:
        message[3].pop("retained", None)  # on its way to the thread of the session it comes as a new one
        events.append(message[3:])
    assert message[:3] == [8, 48, request]
    client.close()
    return events


def nothing(member, topic, **options):
    return found(member, topic, **options) == []


def value(member, topic, **more):
    events = found(member, topic, **more)
    return events[-1][1][0] if events else None


def expect(member, topic, expected, **more):
    until(lambda: value(member, topic, **more) == expected)


def wait_for_another_millisecond():
    """Nodes that cannot talk to each other go by the clock."""
    now = int(time.time() * 1000)
    until(lambda: int(time.time() * 1000) > now)


def test_every_node_has_what_is_retained_on_any(cluster, redis):
    a, b, c = cluster.members
    publisher = a.client("cbor")
    publication = publisher.publish("com.app.news", [b"\x00\x01", "é"], {"k": 1.5}, retain=True, acknowledge=True)
    wait_for_entries(redis, 1)
    for member in (b, c):
        client = member.client("msgpack")
        subscription = client.subscribe("com.app.news", get_retained=True)
        assert event(client) == [subscription, publication, {"retained": True}, [b"\x00\x01", "é"], {"k": 1.5}]
        assert client.nothing_comes()
    topic = {"topic": "com.app.news"}
    for member in (a, b, c):
        assert found(member, "com.app", match="prefix") == [[topic, ["\0AAE=", "é"], {"k": 1.5}]]
        assert found(member, "com..news", match="wildcard") == [[topic, ["\0AAE=", "é"], {"k": 1.5}]]
        assert nothing(member, "com.app.other")
        quiet = member.client()
        quiet.subscribe("com.app.news")  # it has not asked
        assert quiet.nothing_comes()


def test_a_node_that_starts_later_has_it_too(tmp_path, redis):
    made = Cluster(tmp_path, redis, names=("a", "b"))
    a, b = made.members
    a.client().publish("com.one", [1], retain=True, acknowledge=True)
    b.client().publish("com.two", [2], retain=True, acknowledge=True)
    for number in range(250):  # more than are read at a time
        publisher = a.client() if number == 0 else publisher
        publisher.publish(f"com.many.{number}", [number], retain=True)
    wait_for_entries(redis, 252)
    made.stop()
    late = Member(tmp_path, "late", redis).start()
    client = late.client()
    client.subscribe("com.one", get_retained=True)
    assert event(client)[2:] == [{"retained": True}, [1]]
    expect(late, "com.two", 2)
    client.subscribe("com.many", get_retained=True, match="prefix")
    assert [event(client)[3] for _ in range(250)] == [[number] for number in range(250)]
    late.stop()
    assert entries(redis) == 252


def test_an_event_replaces_that_of_another_node(cluster, redis):
    a, b, c = cluster.members
    a.client().publish("com.app.news", ["old"], retain=True, acknowledge=True)
    wait_for_entries(redis, 1)
    expect(b, "com.app.news", "old")
    subscriber = c.client()
    subscriber.subscribe("com.app.news")
    b.client().publish("com.app.news", ["new"], retain=True, acknowledge=True)
    assert event(subscriber)[2:] == [{}, ["new"]]  # it comes live as well
    for member in cluster.members:
        expect(member, "com.app.news", "new")
    wait_for_entries(redis, 1)
    assert subscriber.nothing_comes()


def test_receivers_and_publishers_are_as_on_one_node(cluster, redis):
    a, b, _ = cluster.members
    guest = a.client(path="/guests")  # which is disclosed
    guest.publish("com.app.news", ["all"], retain=True, acknowledge=True)
    guest.publish("com.app.news", ["guests"], retain=True, acknowledge=True, eligible_authrole=["guest"])
    guest.publish("com.app.news", ["others"], retain=True, acknowledge=True, exclude_authrole=["guest"])
    guest.publish("com.app.only", ["nobody"], retain=True, acknowledge=True, eligible=[])
    wait_for_entries(redis, 4)
    who = {"publisher": guest.session, "publisher_authid": guest.welcome[2]["authid"], "publisher_authrole": "guest"}
    for member in (a, b):
        expect(member, "com.app.news", "others")
        expect(member, "com.app.news", "guests", path="/guests")
        assert found(member, "com.app.news")[-1] == [who, ["others"]]
        assert nothing(member, "com.app.only")
    guest.publish("com.app.news", ["again all"], retain=True, acknowledge=True)
    for member in (a, b):
        expect(member, "com.app.news", "again all", path="/guests")
        expect(member, "com.app.news", "again all")
    wait_for_entries(redis, 2)


def test_all_nodes_agree_on_the_last_event(cluster, redis):
    topics = [f"com.race.{number}" for number in range(20)]

    def publish(member):
        client = member.client()
        for number in range(50):
            for topic in topics:
                client.publish(topic, [f"{member.name}{number}"], retain=True, acknowledge=number == 49)

    publishers = [threading.Thread(target=publish, args=(member,)) for member in cluster.members]
    for publisher in publishers:
        publisher.start()
    for publisher in publishers:
        publisher.join(nodes.TIME)
        assert not publisher.is_alive()

    def agreed():
        decided = dict(re.findall(r'(com\.race\.\d+)",\["(\w+)"\]', redis.cli("XRANGE", STREAM, "-", "+")))
        return sorted(decided) == sorted(topics) and entries(redis) == len(topics) and all(
            {event[0]["topic"]: event[1][0] for event in found(member, "com.race", match="prefix")} == decided
            for member in cluster.members)

    until(agreed)


def test_events_that_are_retained_keep_their_order_among_others(cluster):
    a, b, _ = cluster.members
    exact, pattern = b.client("msgpack"), b.client()
    exact.subscribe("com.app.news")
    pattern.subscribe("com.", match="prefix")
    pattern.subscribe("com..news", match="wildcard")
    publisher = a.client()
    for number in range(200):
        publisher.publish("com.app.news", [number], **({"retain": True} if number % 3 == 0 else {}))
    assert [event(exact)[3] for _ in range(200)] == [[number] for number in range(200)]
    by_subscription = {}
    for _ in range(400):
        subscription, _, details, args = event(pattern)
        assert details == {"topic": "com.app.news"}
        by_subscription.setdefault(subscription, []).append(args[0])
    assert list(by_subscription.values()) == [list(range(200))] * 2
    assert exact.nothing_comes() and pattern.nothing_comes()


def test_who_subscribes_while_it_is_published_gets_it_once(cluster):
    a, b, _ = cluster.members
    publisher = a.client()
    for number in range(100):
        subscriber = b.client()
        topic = f"com.now.{number % 10}"
        subscriber.request += 1
        request = subscriber.request
        subscriber.send([32, request, {"get_retained": True}, topic])
        publisher.publish(topic, [number], retain=True)
        assert subscriber.receive()[:2] == [33, request]
        got = event(subscriber)
        if got[3] != [number]:  # that of a while ago, and this one behind it
            assert got[2:] == [{"retained": True}, [number - 10]] or got[2:] == [{}, [number - 10]]
            got = event(subscriber)
        assert got[3] == [number]
        assert subscriber.nothing_comes()
        subscriber.close()


def test_what_was_retained_while_redis_was_away_is_offered_again(cluster, redis):
    a, b, c = cluster.members
    a.client().publish("com.stays", ["from before"], retain=True, acknowledge=True)
    wait_for_entries(redis, 1)
    listener = c.client()
    listener.subscribe("com.", match="prefix")
    lose_redis(cluster, redis)
    for member in cluster.members:
        expect(member, "com.stays", "from before")
    a.client().publish("com.both", ["a"], retain=True, acknowledge=True)
    a.client().publish("com.alone", ["a"], retain=True, acknowledge=True)
    wait_for_another_millisecond()
    b.client().publish("com.both", ["b"], retain=True, acknowledge=True)
    b.client().publish("com.stays", ["b"], retain=True, acknowledge=True)
    expect(a, "com.both", "a")
    expect(b, "com.both", "b")
    assert nothing(c, "com.both")
    find_redis(cluster, redis)
    for member in cluster.members:
        for topic, expected in (("com.both", "b"), ("com.alone", "a"), ("com.stays", "b")):
            expect(member, topic, expected)
    wait_for_entries(redis, 3)
    assert listener.nothing_comes()  # an event that is late is no new one


def test_a_redis_that_has_lost_all_gets_it_from_the_nodes(cluster, redis, tmp_path):
    a, b, c = cluster.members
    for number in range(150):
        client = (a.client() if number == 0 else client)
        client.publish(f"com.topic.{number}", [number], retain=True, acknowledge=True)
    b.client().publish("com.filtered", [1], retain=True, acknowledge=True, eligible_authrole=["guest"])
    wait_for_entries(redis, 151)
    expect(c, "com.filtered", 1, path="/guests")
    a.stop()  # what it has published is everybody's
    cluster.members.remove(a)
    lose_redis(cluster, redis)
    shutil.rmtree(tmp_path / "redis" / "appendonlydir")
    find_redis(cluster, redis)
    wait_for_entries(redis, 151)
    late = Member(tmp_path, "late", redis).start()
    cluster.members.append(late)
    client = late.client()
    client.subscribe("com.topic", get_retained=True, match="prefix")
    assert sorted(event(client)[3][0] for _ in range(150)) == list(range(150))
    expect(late, "com.filtered", 1, path="/guests")
    assert nothing(late, "com.filtered")
    wait_for_entries(redis, 151)


def test_a_node_that_was_away_gives_way_to_what_is_newer(cluster, redis):
    a, b, c = cluster.members
    a.client().publish("com.app.news", [1], retain=True, acknowledge=True)
    wait_for_entries(redis, 1)
    expect(b, "com.app.news", 1)
    seen = {member: len(member.node.lines) for member in cluster.members}
    nodes.freeze(b.node.process.pid)
    try:
        redis.cli("CLIENT", "KILL", "TYPE", "pubsub")
        for member in (a, c):
            member.wait_for(JOINED, after=seen[member])
        assert redis.cli("PUBSUB", "NUMSUB", STREAM).split()[-1] == "2"
        c.client().publish("com.app.news", [2], retain=True, acknowledge=True)
        expect(a, "com.app.news", 2)
    finally:
        b.node.process.send_signal(signal.SIGCONT)
    b.wait_for(JOINED, after=seen[b])
    for member in (b, a, c):
        expect(member, "com.app.news", 2)
    wait_for_entries(redis, 1)


def test_a_redis_that_hangs_keeps_nobody_from_what_is_retained_here(cluster, redis):
    a, b, _ = cluster.members
    nodes.freeze(redis.process.pid)
    try:
        publisher = a.client()
        for number in range(100):
            publisher.publish("com.app.news", [number], retain=True, acknowledge=True)
        expect(a, "com.app.news", 99)
    finally:
        redis.process.send_signal(signal.SIGCONT)
    expect(b, "com.app.news", 99)
    expect(a, "com.app.news", 99)
    wait_for_entries(redis, 1)


class Limited(Member):
    def document(self):
        limits = {"retained_events": 5}
        return nodes.config(self.port, [nodes.realm(roles=ROLES, clustered=True, limits=limits)], paths={"guests": GUESTS})


def test_as_much_is_retained_as_on_one_node(tmp_path, redis):
    made = Cluster(tmp_path, redis, names=("a", "b"), member=Limited)
    a, b = made.members
    for number in range(12):
        (a, b)[number % 2].client().publish(f"com.topic.{number}", [number], retain=True, acknowledge=True)
        for member in made.members:  # who publishes next is to know of it, since it removes what there is too much
            expect(member, f"com.topic.{number}", number)
    wait_for_entries(redis, 5)
    late = Limited(tmp_path, "late", redis).start()
    made.members.append(late)
    for member in made.members:
        for number in range(12):
            topic = f"com.topic.{number}"
            until(lambda member=member, topic=topic, number=number: nothing(member, topic) == (number < 7))
    made.stop()


def test_the_example_of_the_document_is_retained(tmp_path, redis):
    member = Member(tmp_path, "a", redis).start()
    subscriber = member.client()
    subscriber.subscribe("com.example.news")
    text = (nodes.ROOT / "docs" / "cluster.md").read_text()
    shell = re.search(r"```sh\n(redis-cli EVAL .*?)```", text, re.DOTALL)[1]
    for _ in range(2):
        subprocess.run(["sh", "-c", shell.replace("redis-cli", f"redis-cli -p {redis.port}")], check=True,
                       timeout=nodes.TIME)
        assert event(subscriber)[2:] == [{}, ["Hello"]]
    wait_for_entries(redis, 1)
    late = Member(tmp_path, "late", redis).start()
    mine, other = member.client(), late.client()
    for client in (mine, other):
        client.subscribe("com.example.news", get_retained=True)
    assert event(mine)[1:] == event(other)[1:]  # with one id
    for entry in (["topic", "com..x", "event", "{}"], ["topic", "com.x", "event", "?"],
                  ["topic", "com.x", "place", "y", "event", "{}"]):
        redis.cli("XADD", STREAM, "*", *entry)
    redis.cli("PUBLISH", STREAM, "nonsense")
    late.stop()
    late.start()  # it passes over what it cannot read
    expect(late, "com.example.news", "Hello")
    for each in (member, late):
        each.stop()
