"""The meta API of a clustered realm tells of the sessions and subscriptions of all nodes, and reaches them."""

import signal

import pytest

from support import node as nodes
from support.apps import until
from support.cluster import Cluster
from support.wamp import ROLES

REVOCABLE = {"roles": {**ROLES, "subscriber": {"features": {"subscription_revocation": True}}}}
NOBODY = 4711
NO_SESSION = ["wamp.error.no_such_session", [f"no session with ID {NOBODY} exists on this router"]]


@pytest.fixture
def cluster(tmp_path, redis, request):
    # As long as nodes wait for each other's answers: no test is to fail since the machine is slow.
    made = Cluster(tmp_path, redis, heartbeat=getattr(request, "param", 20))
    yield made
    made.stop()


@pytest.fixture
def scene(cluster):
    """One session on a, two on b, a guest on c."""
    a, b, c = cluster.members
    return a.client(), b.client(details=REVOCABLE), b.client("msgpack"), c.client("cbor", path="/guests")


def ask(client, procedure, *args):
    """The result of a meta procedure, or URI and arguments of the ERROR; events are passed over."""
    request = client.call("wamp." + procedure, list(args))
    reply = client.receive()
    while reply[0] == 36:
        reply = client.receive()
    if reply[0] == 8:
        assert reply[1:3] == [48, request], reply
        return reply[4:]
    assert reply[:3] == [50, request, {}] and len(reply) == 4, reply
    return reply[3][0]


def goodbye(client):
    """Reason and message of the GOODBYE that comes; the client answers it."""
    message = client.receive()
    assert message[0] == 6, message
    client.send([6, {}, "wamp.close.goodbye_and_out"])
    return message[2], message[1].get("message")


def sessions(*clients):
    return sorted(client.session for client in clients)


def test_sessions_of_all_nodes_are_counted_and_listed(scene):
    one, two, three, guest = scene
    for client in scene:
        assert ask(client, "session.count") == 4
        assert ask(client, "session.list") == sessions(*scene)
        assert ask(client, "session.count", ["guest"]) == 1
        assert ask(client, "session.list", ["guest"]) == [guest.session]
        assert ask(client, "session.list", ["guest", "anonymous"]) == sessions(*scene)
        assert ask(client, "session.count", ["nobody"]) == 0
        assert ask(client, "session.list", []) == []
    assert ask(one, "session.count", "guest")[0] == "wamp.error.invalid_argument"
    three.close()
    until(lambda: ask(guest, "session.count") == 3)
    assert ask(two, "session.list") == sessions(one, two, guest)


def test_sessions_are_described_on_every_node_with_their_own(scene):
    for client in scene:
        for other, node in zip(scene, ("a", "b", "b", "c")):
            details = ask(client, "session.get", other.session)
            assert details["session"] == other.session and details["node"] == node
            assert details["authid"] == other.welcome[2]["authid"]
            assert details["authrole"] == other.welcome[2]["authrole"]
            assert details["transport"]["channel_framing"] == "websocket"
        assert ask(client, "session.get", NOBODY) == NO_SESSION
        assert ask(client, "session.get", "x")[0] == "wamp.error.no_such_session"


def test_details_of_a_session_of_another_node_can_be_added_to(scene):
    one, two, three, _ = scene
    assert ask(one, "session.modify_details", three.session, {"seat": [1, "é"]}) is None
    assert [ask(client, "session.get", three.session)["seat"] for client in (one, two, three)] == [[1, "é"]] * 3
    refused = ["wamp.error.invalid_argument", ['"node" of a session cannot be changed']]
    assert ask(one, "session.modify_details", three.session, {"node": "x"}) == refused
    assert ask(three, "session.modify_details", three.session, {"node": "x"}) == refused
    assert ask(one, "session.modify_details", NOBODY, {}) == NO_SESSION


def test_a_session_of_another_node_can_be_killed(scene, cluster):
    one, two, three, guest = scene
    seen = len(cluster.members[1].node.lines)
    assert ask(one, "session.kill", two.session, "com.app.enough", "go home") is None
    assert goodbye(two) == ("com.app.enough", "go home")
    cluster.members[1].wait_for(f"session {two.session} left realm", after=seen)
    assert ask(one, "session.kill", two.session)[0] == "wamp.error.no_such_session"
    assert ask(one, "session.kill", NOBODY) == NO_SESSION
    assert ask(one, "session.kill", three.session, "no uri!")[0] == "wamp.error.invalid_uri"
    assert ask(guest, "session.list") == sessions(one, three, guest)


def test_sessions_are_killed_by_authid_and_role_on_all_nodes(scene, cluster):
    one, two, three, guest = scene
    other_guest = cluster.members[0].client(path="/guests")
    assert ask(one, "session.kill_by_authid", two.welcome[2]["authid"]) == [two.session]
    assert goodbye(two) == ("wamp.close.killed", None)
    assert ask(one, "session.kill_by_authid", "nobody") == []
    # Who calls stays, though it has the role, too.
    assert ask(guest, "session.kill_by_authrole", "guest", "com.app.enough") == [other_guest.session]
    assert goodbye(other_guest) == ("com.app.enough", None)
    assert ask(guest, "session.kill_by_authrole", "anonymous", "com.app.enough", "all") == sessions(one, three)
    assert goodbye(one) == goodbye(three) == ("com.app.enough", "all")
    until(lambda: ask(guest, "session.list") == [guest.session])


def test_all_sessions_of_all_nodes_but_the_callers_are_killed(scene):
    one, *others = scene
    assert ask(one, "session.kill_all", "com.app.night", "good night") == 3
    assert [goodbye(other) for other in others] == [("com.app.night", "good night")] * 3
    until(lambda: ask(one, "session.list") == [one.session])


def test_a_subscription_is_the_same_one_on_all_nodes(scene):
    one, two, three, guest = scene
    topic = two.subscribe("com.app.news")
    assert three.subscribe("com.app.news") == topic
    assert one.subscribe("com.app.news") == topic
    prefix = guest.subscribe("com.app", match="prefix")
    wildcard = three.subscribe("com..news", match="wildcard")
    alone = three.subscribe("com.alone")
    assert len({topic, prefix, wildcard, alone}) == 4
    for client in scene:
        assert ask(client, "subscription.list") == {"exact": sorted([topic, alone]), "prefix": [prefix],
                                                    "wildcard": [wildcard]}
        assert ask(client, "subscription.list", three.session) == {"exact": sorted([topic, alone]), "prefix": [],
                                                                   "wildcard": [wildcard]}
        assert ask(client, "subscription.list", NOBODY) == NO_SESSION
        assert ask(client, "subscription.lookup", "com.app.news") == topic
        assert ask(client, "subscription.lookup", "com.alone") == alone
        assert ask(client, "subscription.lookup", "com.app", {"match": "prefix"}) == prefix
        assert ask(client, "subscription.lookup", "com.app") is None
        assert sorted(ask(client, "subscription.match", "com.app.news")) == sorted([topic, prefix, wildcard])
        assert ask(client, "subscription.match", "org") is None
        details = ask(client, "subscription.get", topic)
        assert details.pop("created").startswith("20")
        assert details == {"id": topic, "uri": "com.app.news", "match": "exact", "nodes": ["a", "b"]}
        assert ask(client, "subscription.get", prefix)["nodes"] == ["c"]
        assert ask(client, "subscription.count_subscribers", topic) == 3
        assert ask(client, "subscription.list_subscribers", topic) == sessions(one, two, three)
        assert ask(client, "subscription.list_subscribers", alone) == [three.session]
        assert ask(client, "subscription.count_subscribers", prefix) == 1
        for procedure in ("get", "list_subscribers", "count_subscribers"):
            assert ask(client, "subscription." + procedure, NOBODY) == [
                "wamp.error.no_such_subscription", [f"no subscription with ID {NOBODY} exists on this broker"]]
    assert one.ask([34, topic])[0] == 35
    assert ask(guest, "subscription.count_subscribers", topic) == 2
    assert ask(guest, "subscription.get", topic)["nodes"] == ["b"]


def test_a_subscriber_of_another_node_can_be_taken_off(scene):
    one, two, three, guest = scene
    topic = two.subscribe("com.app.news")
    guest.subscribe("com.app.news")
    assert ask(one, "subscription.remove_subscriber", topic, two.session, "com.app.enough") is None
    assert two.receive() == [35, 0, {"subscription": topic, "reason": "com.app.enough"}]
    assert ask(one, "subscription.list_subscribers", topic) == [guest.session]
    assert ask(one, "subscription.remove_subscriber", topic, three.session) == [
        "wamp.error.no_such_subscription", [f"no subscription with ID {topic} exists on this broker"]]
    assert ask(one, "subscription.remove_subscriber", topic, NOBODY) == NO_SESSION


def test_the_same_subscription_made_again_gets_events_of_other_nodes(scene):
    one, two, _, _ = scene
    for number in range(30):  # under the same id, which waits each time
        topic = one.subscribe("com.app.news")
        two.publish("com.app.news", [number])
        assert one.receive()[1::3] == [topic, [number]]
        assert one.ask([34, topic])[0] == 35


def test_meta_events_of_all_nodes_are_heard_everywhere(cluster):
    a, b, c = cluster.members
    here = b.client()
    here.subscribe("wamp.session.on_join")
    there = c.client("msgpack")
    assert here.receive()[4][0]["session"] == there.session  # not to come later
    names = ("session.on_join", "session.on_leave", "subscription.on_create", "subscription.on_subscribe",
             "subscription.on_unsubscribe", "subscription.on_delete")
    topics = {here.subscribe("wamp." + name): name for name in names}
    assert {there.subscribe("wamp." + name): name for name in names} == topics
    pattern = there.subscribe("wamp.session.on_", match="prefix")
    for member, node in ((a, "a"), (b, "b")):
        seen = len(member.node.lines)
        client = member.client()
        who = client.welcome[2]
        first, second = client.subscribe("com.app.one"), client.subscribe("com.app.", match="prefix")
        assert client.ask([34, first])[0] == 35
        client.close()
        member.wait_for(f"session {client.session} left realm", after=seen)
        for listener in (here, there):
            got, by_pattern = [], []
            while len(got) < 10 or len(by_pattern) < (2 if listener is there else 0):
                message = listener.receive()
                assert message[0] == 36, message
                if message[1] == pattern:
                    by_pattern.append((message[3]["topic"], message[4]))
                else:
                    got.append((topics[message[1]], message[4]))
            assert listener.nothing_comes()
            assert got[0][0] == "session.on_join"
            details = got[0][1][0]
            assert details["session"] == client.session and details["node"] == node
            for name, arguments in got:
                if name == "subscription.on_create":
                    assert arguments[1].pop("created").startswith("20")
            one = {"id": first, "uri": "com.app.one", "match": "exact", "node": node}
            two = {"id": second, "uri": "com.app.", "match": "prefix", "node": node}
            me = client.session
            assert got[1:] == [("subscription.on_create", [me, one]), ("subscription.on_subscribe", [me, first]),
                               ("subscription.on_create", [me, two]), ("subscription.on_subscribe", [me, second]),
                               ("subscription.on_unsubscribe", [me, first]), ("subscription.on_delete", [me, first]),
                               ("subscription.on_unsubscribe", [me, second]), ("subscription.on_delete", [me, second]),
                               ("session.on_leave", [me, who["authid"], who["authrole"]])]
            if listener is there:
                assert by_pattern == [("wamp.session.on_join", got[0][1]), ("wamp.session.on_leave", got[-1][1])]


@pytest.mark.parametrize("cluster", [3], indirect=True)
def test_a_node_that_hangs_is_left_out(scene, cluster):
    one, two, three, guest = scene
    a, b, c = cluster.members
    seen = len(a.node.lines)
    nodes.freeze(c.node.process.pid)
    try:
        until(lambda: ask(one, "session.list") == sessions(one, two, three))
        a.wait_for('wamp.session.list in realm "realm1" is answered without node c/.*, which is slow or gone', after=seen)
        # Others are served meanwhile, also on the node that waits.
        request = one.call("wamp.session.get", [NOBODY])
        assert ask(a.client(), "subscription.lookup", "com.x") is None
        assert one.receive()[:3] == [8, 48, request]
        a.wait_for('Cluster: node "c" has not been heard of', after=seen)
        seen = len(a.node.lines)
        assert ask(one, "session.count", ["guest"]) == 0  # it is not asked any more
    finally:
        c.node.process.send_signal(signal.SIGCONT)
    a.wait_for('Cluster: node "c" is there', after=seen)
    until(lambda: ask(one, "session.count", ["guest"]) == 1)


@pytest.mark.parametrize("cluster", [1], indirect=True)
def test_sessions_of_a_node_that_is_killed_are_gone(scene, cluster):
    one, two, three, guest = scene
    a, b, c = cluster.members
    seen = len(a.node.lines)
    b.kill()
    a.wait_for('Cluster: node "b" has not been heard of', after=seen)
    until(lambda: ask(one, "session.list") == sessions(one, guest))
    assert ask(one, "session.kill", two.session)[0] == "wamp.error.no_such_session"
    b.start()
    new = b.client()
    until(lambda: ask(one, "session.list") == sorted([*sessions(one, guest), new.session]))


@pytest.mark.parametrize("cluster", [1], indirect=True)
def test_without_redis_a_node_tells_of_itself(scene, cluster, redis):
    one, two, three, guest = scene
    seen = {member: len(member.node.lines) for member in cluster.members}
    redis.stop()
    for member in cluster.members:
        member.wait_for("the connection to Redis at .* is lost", after=seen[member])
    assert ask(one, "session.list") == [one.session]
    assert ask(two, "session.list") == sessions(two, three)
    assert ask(one, "session.get", two.session)[0] == "wamp.error.no_such_session"
    assert ask(two, "session.get", three.session)["node"] == "b"
    redis.start()
    for member in cluster.members:
        member.wait_for("has joined by way of Redis", after=seen[member])
    until(lambda: ask(one, "session.list") == sessions(*scene))


def test_what_is_no_question_of_a_node_harms_nobody(scene, cluster, redis):
    one, two, three, guest = scene
    a = cluster.members[0]
    question = "crosspoint1 x/1 question\n"
    for wrong in ("", "1 0 6 5 2\nrealm1", "1 0 99999999999999999999 5 2\nx", "1 7 6 5 2\nrealm1abcde[]{}"):
        seen = len(a.node.lines)
        until(lambda wrong=wrong, seen=seen: redis.cli("PUBLISH", "crosspoint:all", question + wrong) == "3" and any(
            "it is no question" in line for line in a.node.lines[seen:]))
    for odd in ("1 0 6 18 2\nrealm1wamp.session.count[[", "1 0 6 26 2\nrealm1wamp.session.add_testament[]{}",
                "1 0 6 18 2\nrealm1wamp.session.count{}[]", "1 0 5 18 2\nother" + "wamp.session.count[]{}"):
        assert redis.cli("PUBLISH", "crosspoint:all", question + odd) == "3"
    assert ask(one, "session.count") == ask(guest, "session.count") == 4
