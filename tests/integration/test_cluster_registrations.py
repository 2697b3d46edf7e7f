"""The registrations of a clustered realm are the same ones on all nodes, and the meta API of each tells of all."""

import pytest

from support.apps import until
from support.wamp import ROLES
from test_cluster_meta import NO_SESSION, NOBODY, ask, cluster  # noqa: F401

REVOCABLE = {"roles": {**ROLES, "callee": {"features": {"registration_revocation": True}}}}
META = ("registration.on_create", "registration.on_register", "registration.on_unregister", "registration.on_delete")


@pytest.fixture
def scene(cluster):
    """One session on a, two on b, a guest on c."""
    a, b, c = cluster.members
    return a.client(), b.client(details=REVOCABLE), b.client("msgpack"), c.client("cbor", path="/guests")


def refusal(client, procedure, *args):
    return ask(client, procedure, *args)[0]


def wait_for_callees(clients, registration, expected):
    """REGISTERED and UNREGISTERED do not say that other nodes know."""
    for client in clients:
        until(lambda client=client: ask(client, "registration.list_callees", registration) == expected)


def test_a_registration_is_the_same_one_on_all_nodes(scene):
    one, two, three, guest = scene
    shared = two.register("com.app.add", invoke="roundrobin")
    assert three.register("com.app.add", invoke="roundrobin") == shared
    wait_for_callees([one], shared, [two.session, three.session])
    assert one.register("com.app.add", invoke="roundrobin") == shared
    prefix = guest.register("com.app", match="prefix")
    wildcard = three.register("com..sub", match="wildcard")
    alone = three.register("com.alone")
    assert len({shared, prefix, wildcard, alone}) == 4
    callees = [two.session, three.session, one.session]  # in the order in which they came
    wait_for_callees(scene, shared, callees)
    for id_, callee in ((prefix, guest), (wildcard, three), (alone, three)):
        wait_for_callees(scene, id_, [callee.session])
    created = set()
    for client in scene:
        assert ask(client, "registration.list") == {"exact": sorted([shared, alone]), "prefix": [prefix],
                                                    "wildcard": [wildcard]}
        assert ask(client, "registration.list", three.session) == {"exact": sorted([shared, alone]), "prefix": [],
                                                                   "wildcard": [wildcard]}
        assert ask(client, "registration.list", guest.session) == {"exact": [], "prefix": [prefix], "wildcard": []}
        assert ask(client, "registration.list", NOBODY) == NO_SESSION
        assert ask(client, "registration.lookup", "com.app.add") == shared
        assert ask(client, "registration.lookup", "com.app", {"match": "prefix"}) == prefix
        assert ask(client, "registration.lookup", "com.app") is None
        assert ask(client, "registration.match", "com.app.add") == shared
        assert ask(client, "registration.match", "com.app.sub") == prefix
        assert ask(client, "registration.match", "com.other.sub") == wildcard
        assert ask(client, "registration.match", "org") is None
        assert ask(client, "registration.count_callees", shared) == 3
        details = ask(client, "registration.get", shared)
        created.add(details.pop("created"))
        assert details == {"id": shared, "uri": "com.app.add", "match": "exact", "invoke": "roundrobin",
                           "nodes": ["a", "b"]}
        assert ask(client, "registration.get", prefix)["nodes"] == ["c"]
        for procedure in ("get", "list_callees", "count_callees"):
            assert refusal(client, "registration." + procedure, NOBODY) == "wamp.error.no_such_registration"
    assert len(created) == 1 and created.pop().startswith("20")


def test_a_session_without_registrations_is_known_on_every_node(scene):
    nothing = {"exact": [], "prefix": [], "wildcard": []}
    for client in scene:
        assert [ask(client, "registration.list", other.session) for other in scene] == [nothing] * 4


def test_a_procedure_that_is_registered_again_has_its_id_again(scene):
    one, _, two, guest = scene
    id_ = one.register("com.app.mine")
    for callee in (two, one, two):  # from node to node, and back
        assert callee.register("com.app.mine", force_reregister=True) == id_
        wait_for_callees([one, two, guest], id_, [callee.session])
    assert two.ask([66, id_])[0] == 67
    for client in (one, two, guest):
        until(lambda client=client: ask(client, "registration.lookup", "com.app.mine") is None)
        assert refusal(client, "registration.get", id_) == "wamp.error.no_such_registration"
    for _ in range(10):
        assert one.register("com.app.mine") == id_
        assert one.ask([66, id_])[0] == 67


def test_a_callee_of_another_node_can_be_taken_off(scene):
    one, two, three, guest = scene
    id_ = two.register("com.app.mine", invoke="first")
    three.register("com.app.mine", invoke="first")
    wait_for_callees(scene, id_, [two.session, three.session])
    assert ask(one, "registration.remove_callee", id_, two.session, "com.app.enough") is None
    assert two.receive() == [67, 0, {"registration": id_, "reason": "com.app.enough"}]
    wait_for_callees(scene, id_, [three.session])
    assert ask(one, "registration.remove_callee", id_, guest.session) == [
        "wamp.error.no_such_registration",
        [f"session {guest.session} is not registered on registration {id_} on this dealer"]]
    assert ask(one, "registration.remove_callee", id_, NOBODY) == NO_SESSION


def heard(listener, topics, count):
    """The next meta events: topics and arguments."""
    events = []
    while len(events) < count:
        message = listener.receive()
        assert message[0] == 36, message
        events.append((topics[message[1]], message[4]))
    return events


def test_meta_events_tell_of_registrations_of_all_nodes_once(scene):
    one, two, three, listener = scene
    topics = {listener.subscribe("wamp." + name): name for name in META}
    options = {"invoke": "roundrobin"}
    for client, node in ((one, "a"), (two, "b")):  # the first callee on each node
        id_ = client.register("com.app.add", **options)
        (create, (session, details)), register = heard(listener, topics, 2)
        assert details.pop("created").startswith("20")
        assert (create, session) == ("registration.on_create", client.session)
        assert details == {"id": id_, "uri": "com.app.add", "match": "exact", "invoke": "roundrobin", "node": node}
        assert register == ("registration.on_register", [client.session, id_])
    wait_for_callees([two], id_, [one.session, two.session])
    assert three.register("com.app.add", **options) == id_
    assert heard(listener, topics, 1) == [("registration.on_register", [three.session, id_])]
    # Who is taken off by another node is told of by its own, once.
    wait_for_callees([one], id_, [one.session, two.session, three.session])
    assert ask(one, "registration.remove_callee", id_, three.session) is None
    assert heard(listener, topics, 1) == [("registration.on_unregister", [three.session, id_])]
    for client in (one, two):
        assert client.ask([66, id_])[0] == 67
        assert heard(listener, topics, 2) == [("registration.on_unregister", [client.session, id_]),
                                              ("registration.on_delete", [client.session, id_])]
    # By force, from node to node: the id stays, and its events have the order of what happened.
    assert one.register("com.app.mine") == (mine := ask(one, "registration.lookup", "com.app.mine"))
    assert [name for name, _ in heard(listener, topics, 2)] == ["registration.on_create", "registration.on_register"]
    assert one.register("com.app.mine", force_reregister=True) == mine
    assert heard(listener, topics, 2) == [("registration.on_unregister", [one.session, mine]),
                                          ("registration.on_delete", [one.session, mine])]
    assert [name for name, _ in heard(listener, topics, 2)] == ["registration.on_create", "registration.on_register"]
    assert listener.nothing_comes()
