"""The session, registration and subscription meta API, over sockets: the whole answer to each call, the whole of each event.

The router has two I/O threads, so that what is asked for is often on the other one."""

import re

import pytest

from support import node as nodes
from support.wamp import ROLES, Client

REVOCABLE = {"roles": {**ROLES, "callee": {"features": {"registration_revocation": True}},
                       "subscriber": {"features": {"subscription_revocation": True}}}}
CREATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOBODY = 4711  # no session, subscription or registration has this id
CLIENTS = 5


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A router with clients that subscribe and register, and one that asks."""
    port = nodes.free_port()
    config = nodes.config(port, [nodes.realm(store={"type": "memory", "event-history": [{"uri": "com.kept"}]})])
    node = nodes.Node(nodes.write_config(tmp_path_factory.mktemp("meta"), config))
    everybody = Scene(port)
    yield everybody
    for client in everybody.clients:
        client.close()
    assert node.stop() == 0


class Scene:
    def __init__(self, port):
        self.port = port
        self.clients = [Client(port) for _ in range(CLIENTS)]
        self.asker, self.one, self.two, self.three, self.four = self.clients
        self.ids = {name: getattr(self, name).session for name in ("asker", "one", "two", "three", "four")}
        self.exact = self.one.subscribe("com.topic")
        assert self.two.subscribe("com.topic") == self.exact
        self.prefix = self.one.subscribe("com.top", match="prefix")
        self.wildcard = self.three.subscribe("com..news", match="wildcard")
        self.kept = self.three.subscribe("com.kept")
        self.single = self.two.register("com.procedure")
        self.shared = self.two.register("com.shared.procedure", match="prefix", invoke="roundrobin")
        assert self.three.register("com.shared.procedure", match="prefix", invoke="roundrobin") == self.shared
        self.pattern = self.three.register("com..do", match="wildcard", invoke="first")
        self.publication = self.asker.publish("com.kept", [1], {"a": 2}, acknowledge=True)
        assert self.three.receive()[2] == self.publication


def ask(client, procedure, args=(), kwargs=None):
    """Everything behind the request id of the answer."""
    request = client.call(procedure, list(args), kwargs) if args or kwargs else client.call(procedure)
    reply = client.receive()
    while reply[0] == 36:
        reply = client.receive()
    if reply[0] == 8:
        assert reply[1:3] == [48, request], reply
        return reply[3:]
    assert reply[:2] == [50, request], reply
    return reply[2:]


def result(value):
    """The RESULT that every meta procedure gives: one argument."""
    return [{}, [value]]


def error(uri, text):
    return [{}, uri, [text]]


def lists(exact=(), prefix=(), wildcard=()):
    return {"exact": list(exact), "prefix": list(prefix), "wildcard": list(wildcard)}


def no_session(session=NOBODY):
    return error("wamp.error.no_such_session", f"no session with ID {session} exists on this router")


NO_SUBSCRIPTION = error("wamp.error.no_such_subscription", f"no subscription with ID {NOBODY} exists on this broker")
NO_REGISTRATION = error("wamp.error.no_such_registration", f"no registration with ID {NOBODY} exists on this dealer")
WRONG = "wamp.error.invalid_argument"
LOOKUP = error(WRONG, "the arguments are a URI, and optionally a dictionary with match")

# A procedure, its arguments, its keyword arguments, and the answer; what begins with "scene." is looked up in the scene.
SESSIONS = [
    ("wamp.session.count", [], {}, result(CLIENTS)),
    ("wamp.session.count", [["anonymous"]], {}, result(CLIENTS)),
    ("wamp.session.count", [["other"]], {}, result(0)),
    ("wamp.session.count", [], {"filter_authroles": ["other"]}, result(0)),
    ("wamp.session.count", ["anonymous"], {}, error(WRONG, "the argument is a list of roles")),
    ("wamp.session.list", [["other"]], {}, result([])),
    ("wamp.session.list", [5], {}, error(WRONG, "the argument is a list of roles")),
    ("wamp.session.get", [NOBODY], {}, no_session()),
    ("wamp.session.get", [], {}, no_session("null")),
    ("wamp.session.kill", [NOBODY], {}, no_session()),
    ("wamp.session.kill", ["one"], {}, no_session('"one"')),
    ("wamp.session.kill", [NOBODY, "not a uri"], {},
     error("wamp.error.invalid_uri", "the reason 'not a uri' is no URI")),
    ("wamp.session.kill", [NOBODY, 5], {}, error(WRONG, "reason and message are strings")),
    ("wamp.session.modify_details", [NOBODY, {"a": 1}], {}, no_session()),
    ("wamp.session.modify_details", ["scene.one.session", {"authid": "x"}], {},
     error(WRONG, '"authid" of a session cannot be changed')),
    ("wamp.session.modify_details", ["scene.one.session", {"transport": None}], {},
     error(WRONG, '"transport" of a session cannot be changed')),
    ("wamp.session.modify_details", ["scene.one.session", "x"], {},
     error(WRONG, "the arguments are the id of a session and a dictionary of what is to change")),
    ("wamp.session.modify_details", ["scene.one.session", {"nothing": None}], {}, result(None)),
    ("wamp.session.kill_by_authid", ["nobody"], {}, result([])),
    ("wamp.session.kill_by_authid", [5], {}, error(WRONG, "the argument is an authid")),
    ("wamp.session.kill_by_authrole", ["nobody"], {}, result([])),
    ("wamp.session.kill_by_authrole", [], {}, error(WRONG, "the argument is an authrole")),
    ("wamp.session.kill_all", [5], {}, error(WRONG, "reason and message are strings")),
    ("wamp.session.flush_testaments", [], {}, result(0)),
    ("wamp.session.flush_testaments", ["lost"], {},
     error("wamp.error.testament_error", "scope must be destroyed or detached")),
    ("wamp.session.add_testament", ["com.will"], {"args": 5},
     error(WRONG, "the arguments are a topic, a list and a dictionary for the event, and optionally publish_options (a "
                  "dictionary) and scope")),
    ("wamp.session.add_testament", ["com.will", [], {}, {}, "lost"], {},
     error("wamp.error.testament_error", "scope must be destroyed or detached")),
    ("wamp.session.add_testament", ["com..will", [], {}], {},
     error("wamp.error.invalid_uri", "the topic 'com..will' is no valid URI")),
    ("wamp.session.add_testament", ["wamp.will", [], {}], {},
     error("wamp.error.invalid_uri", "publish with restricted topic URI 'wamp.will'")),
]

SUBSCRIPTIONS = [
    ("wamp.subscription.list", [], {},
     result(lists(["scene.exact", "scene.kept"], ["scene.prefix"], ["scene.wildcard"]))),
    ("wamp.subscription.list", ["scene.one.session"], {}, result(lists(["scene.exact"], ["scene.prefix"]))),
    ("wamp.subscription.list", [], {"session_id": "scene.two.session"}, result(lists(["scene.exact"]))),
    ("wamp.subscription.list", ["scene.three.session"], {},
     result(lists(["scene.kept"], [], ["scene.wildcard"]))),
    ("wamp.subscription.list", ["scene.asker.session"], {}, result(lists())),
    ("wamp.subscription.list", [NOBODY], {}, no_session()),
    ("wamp.subscription.list", ["one"], {}, no_session('"one"')),
    ("wamp.subscription.lookup", ["com.topic"], {}, result("scene.exact")),
    ("wamp.subscription.lookup", ["com.top", {"match": "prefix"}], {}, result("scene.prefix")),
    ("wamp.subscription.lookup", ["com..news", {"match": "wildcard"}], {}, result("scene.wildcard")),
    ("wamp.subscription.lookup", ["com.top"], {}, result(None)),
    ("wamp.subscription.lookup", ["com.top", {"match": "suffix"}], {},
     error(WRONG, "match is one of exact, prefix and wildcard")),
    ("wamp.subscription.lookup", [5], {}, LOOKUP),
    ("wamp.subscription.match", ["com.topic"], {}, result(["scene.exact", "scene.prefix"])),
    ("wamp.subscription.match", ["com.some.news"], {}, result(["scene.wildcard"])),
    ("wamp.subscription.match", ["org.topic"], {}, result(None)),
    ("wamp.subscription.match", [5], {}, error(WRONG, "the argument is a topic")),
    ("wamp.subscription.get", [NOBODY], {}, NO_SUBSCRIPTION),
    ("wamp.subscription.get", ["x"], {}, error(WRONG, "the argument is the id of a subscription")),
    ("wamp.subscription.list_subscribers", ["scene.exact"], {}, result(["scene.one.session", "scene.two.session"])),
    ("wamp.subscription.list_subscribers", [NOBODY], {}, NO_SUBSCRIPTION),
    ("wamp.subscription.count_subscribers", ["scene.exact"], {}, result(2)),
    ("wamp.subscription.count_subscribers", [], {"subscription_id": "scene.wildcard"}, result(1)),
    ("wamp.subscription.count_subscribers", [NOBODY], {}, NO_SUBSCRIPTION),
    ("wamp.subscription.remove_subscriber", ["scene.exact", NOBODY], {}, no_session()),
    ("wamp.subscription.remove_subscriber", [NOBODY, "scene.one.session"], {}, NO_SUBSCRIPTION),
    ("wamp.subscription.remove_subscriber", ["scene.exact", "x"], {},
     error(WRONG, "the arguments are the ids of a subscription and a session, and optionally a reason")),
    ("wamp.subscription.remove_subscriber", ["scene.exact", "scene.three.session"], {},
     error("wamp.error.no_such_subscription", "session scene.three.session is not subscribed on subscription scene.exact "
                                              "on this broker")),
    ("wamp.subscription.get_events", ["scene.exact"], {},
     error("wamp.error.history_unavailable", "event history for the given subscription is not available or enabled")),
    ("wamp.subscription.get_events", [NOBODY], {}, NO_SUBSCRIPTION),
    ("wamp.subscription.get_events", ["scene.kept", 0], {}, error(WRONG, "limit is a positive integer")),
    ("wamp.subscription.flush", ["scene.exact"], {},
     error("wamp.error.history_unavailable", "event history for the given subscription is not available or enabled")),
    ("wamp.subscription.flush", [NOBODY], {}, NO_SUBSCRIPTION),
    ("wamp.topic.history.last", ["com.unkept", 1], {},
     error("wamp.error.history_unavailable", "event history for the given topic is not available or enabled")),
    ("wamp.topic.history.last", ["scene.kept", 0], {}, error(WRONG, "limit is a positive integer")),
    ("wamp.topic.history.since", ["scene.kept", "now"], {},
     error(WRONG, "times are RFC 3339 texts, such as 2026-01-02T03:04:05.678Z")),
    ("wamp.topic.history.after", ["scene.kept", "x"], {}, error(WRONG, "publications are ids")),
]

REGISTRATIONS = [
    ("wamp.registration.list", [], {}, result(lists(["scene.single"], ["scene.shared"], ["scene.pattern"]))),
    ("wamp.registration.list", ["scene.two.session"], {}, result(lists(["scene.single"], ["scene.shared"]))),
    ("wamp.registration.list", [], {"session_id": "scene.three.session"},
     result(lists([], ["scene.shared"], ["scene.pattern"]))),
    ("wamp.registration.list", ["scene.one.session"], {}, result(lists())),
    ("wamp.registration.list", [NOBODY], {}, no_session()),
    ("wamp.registration.lookup", ["com.procedure"], {}, result("scene.single")),
    ("wamp.registration.lookup", ["com..do", {"match": "wildcard"}], {}, result("scene.pattern")),
    ("wamp.registration.lookup", ["com.shared.procedure"], {}, result(None)),
    ("wamp.registration.lookup", ["com.procedure", {"match": 1}], {},
     error(WRONG, "match is one of exact, prefix and wildcard")),
    ("wamp.registration.lookup", [], {}, LOOKUP),
    ("wamp.registration.match", ["com.shared.procedure.x"], {}, result("scene.shared")),
    ("wamp.registration.match", ["com.x.do"], {}, result("scene.pattern")),
    ("wamp.registration.match", ["com.nothing"], {}, result(None)),
    ("wamp.registration.match", [], {}, error(WRONG, "the argument is a procedure")),
    ("wamp.registration.get", [NOBODY], {}, NO_REGISTRATION),
    ("wamp.registration.get", [1.5], {}, error(WRONG, "the argument is the id of a registration")),
    ("wamp.registration.list_callees", ["scene.shared"], {}, result(["scene.two.session", "scene.three.session"])),
    ("wamp.registration.list_callees", [NOBODY], {}, NO_REGISTRATION),
    ("wamp.registration.count_callees", ["scene.shared"], {}, result(2)),
    ("wamp.registration.count_callees", [NOBODY], {}, NO_REGISTRATION),
    ("wamp.registration.remove_callee", ["scene.single", NOBODY], {}, no_session()),
    ("wamp.registration.remove_callee", [NOBODY, "scene.two.session"], {}, NO_REGISTRATION),
    ("wamp.registration.remove_callee", ["scene.single", "x"], {},
     error(WRONG, "the arguments are the ids of a registration and a session, and a reason")),
    ("wamp.registration.remove_callee", ["scene.single", "scene.one.session"], {},
     error("wamp.error.no_such_registration", "session scene.one.session is not registered on registration scene.single on "
                                              "this dealer")),
]


def in_scene(scene, value):
    """The value with its references to the scene resolved."""
    def found(match):
        target = scene
        for name in match.group(1).split("."):
            target = getattr(target, name)
        return target

    if isinstance(value, str):
        whole = re.fullmatch(r"scene\.([a-z]+(?:\.session)?)", value)
        return found(whole) if whole else re.sub(r"scene\.([a-z]+(?:\.session)?)", lambda m: str(found(m)), value)
    if isinstance(value, (list, tuple)):
        return [in_scene(scene, each) for each in value]
    if isinstance(value, dict):
        return {key: in_scene(scene, each) for key, each in value.items()}
    return value


def name_of(row):
    return f"{row[0][5:]}-{row[1]}-{row[2]}"


@pytest.mark.parametrize("row", SESSIONS + SUBSCRIPTIONS + REGISTRATIONS, ids=name_of)
def test_what_each_procedure_answers(scene, row):
    procedure, args, kwargs, expected = row
    answer = ask(scene.asker, procedure, in_scene(scene, args), in_scene(scene, kwargs))
    expected = in_scene(scene, expected)
    if len(expected) == 2 and isinstance(expected[1][0], dict):
        for ids in expected[1][0].values():
            ids.sort()
    elif procedure.endswith("list_subscribers") and len(expected) == 2:
        expected[1][0].sort()  # callees come in the order in which they registered
    assert answer == expected


def test_session_list_and_get(scene):
    assert ask(scene.asker, "wamp.session.list") == result(sorted(scene.ids.values()))
    for session in scene.ids.values():
        options, args = ask(scene.asker, "wamp.session.get", [session])
        details = args[0]
        transport = details.pop("transport")
        assert options == {} and len(args) == 1
        assert details == {"session": session, "authid": details["authid"], "authrole": "anonymous",
                           "authmethod": "anonymous", "authprovider": "static", "authextra": details["authextra"]}
        assert isinstance(details["authid"], str) and isinstance(transport, dict)


def test_details_of_subscriptions_and_registrations(scene):
    for subscription, uri, match in ((scene.exact, "com.topic", "exact"), (scene.prefix, "com.top", "prefix"),
                                     (scene.wildcard, "com..news", "wildcard")):
        options, args = ask(scene.asker, "wamp.subscription.get", [subscription])
        assert CREATED.fullmatch(args[0].pop("created"))
        assert (options, args) == ({}, [{"id": subscription, "uri": uri, "match": match}])
    for registration, uri, match, invoke in ((scene.single, "com.procedure", "exact", "single"),
                                             (scene.shared, "com.shared.procedure", "prefix", "roundrobin"),
                                             (scene.pattern, "com..do", "wildcard", "first")):
        options, args = ask(scene.asker, "wamp.registration.get", [registration])
        assert CREATED.fullmatch(args[0].pop("created"))
        assert (options, args) == ({}, [{"id": registration, "uri": uri, "match": match, "invoke": invoke}])


def test_events_of_a_history(scene):
    options, args = ask(scene.asker, "wamp.subscription.get_events", [scene.kept])
    event = args[0][0]
    timestamp, nanoseconds = event.pop("timestamp"), event.pop("time_ns")
    assert options == {} and len(args) == 1 and len(args[0]) == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", timestamp) and isinstance(nanoseconds, int)
    assert event == {"subscription": scene.kept, "publication": scene.publication, "details": {}, "args": [1],
                     "kwargs": {"a": 2}, "realm": "realm1", "topic": "com.kept", "session_id": None, "authid": None,
                     "authrole": None}


def test_testaments_have_an_id_and_are_counted_when_flushed(scene):
    for number in range(2):
        options, args = ask(scene.asker, "wamp.session.add_testament", ["com.will", [number], {}])
        assert options == {} and len(args) == 1 and isinstance(args[0], int)
    assert ask(scene.asker, "wamp.session.flush_testaments", ["detached"]) == result(0)
    assert ask(scene.asker, "wamp.session.flush_testaments", [], {"scope": "destroyed"}) == result(2)


EVENTS = ["session.on_join", "session.on_leave", "subscription.on_create", "subscription.on_subscribe",
          "subscription.on_unsubscribe", "subscription.on_delete", "registration.on_create", "registration.on_register",
          "registration.on_unregister", "registration.on_delete"]


class Ear(Client):
    """A client that hears all meta events."""

    def __init__(self, port):
        super().__init__(port)
        self.names = {self.subscribe("wamp." + name): name for name in EVENTS}

    def hears(self, session):
        """The next event that tells of `session`: its name and all that is behind the publication."""
        while True:
            event = self.receive()
            assert event[0] == 36 and isinstance(event[2], int), event
            told = event[4][0]
            if (told["session"] if isinstance(told, dict) else told) == session:
                return [self.names[event[1]], *event[3:]]


@pytest.fixture
def ear(scene):
    """Not in the scene's way: none of what it does is in the tables above."""
    client = Ear(scene.port)
    yield client
    client.close()


def test_what_each_event_tells(scene, ear):
    actor = Client(scene.port, details=REVOCABLE)
    who = actor.session
    name, details, args = ear.hears(who)
    described = ask(scene.asker, "wamp.session.get", [who])[1][0]
    assert (name, details, args) == ("session.on_join", {}, [described])

    topic = actor.subscribe("com.made", match="prefix")
    created = ask(scene.asker, "wamp.subscription.get", [topic])[1][0]
    assert ear.hears(who) == ["subscription.on_create", {}, [who, created]]
    assert ear.hears(who) == ["subscription.on_subscribe", {}, [who, topic]]
    assert actor.ask([34, topic])[0] == 35
    assert ear.hears(who) == ["subscription.on_unsubscribe", {}, [who, topic]]
    assert ear.hears(who) == ["subscription.on_delete", {}, [who, topic]]

    procedure = actor.register("com.made", invoke="last")
    created = ask(scene.asker, "wamp.registration.get", [procedure])[1][0]
    assert ear.hears(who) == ["registration.on_create", {}, [who, created]]
    assert ear.hears(who) == ["registration.on_register", {}, [who, procedure]]
    assert actor.ask([66, procedure])[0] == 67
    assert ear.hears(who) == ["registration.on_unregister", {}, [who, procedure]]
    assert ear.hears(who) == ["registration.on_delete", {}, [who, procedure]]

    actor.send([6, {}, "wamp.close.close_realm"])
    assert actor.receive()[0] == 6
    assert ear.hears(who) == ["session.on_leave", {}, [who, described["authid"], "anonymous"]]
    actor.close()


def test_revocations_are_told_and_reported(scene, ear):
    actor = Client(scene.port, details=REVOCABLE)
    topic, procedure = actor.subscribe("com.revoked"), actor.register("com.revoked")
    for _ in range(5):  # on_join, and what it did
        ear.hears(actor.session)
    remove = ["wamp.subscription.remove_subscriber", [topic, actor.session, "com.reason"]]
    assert ask(scene.asker, *remove) == result(None)
    assert actor.receive() == [35, 0, {"subscription": topic, "reason": "com.reason"}]
    assert ear.hears(actor.session) == ["subscription.on_unsubscribe", {}, [actor.session, topic]]
    assert ear.hears(actor.session) == ["subscription.on_delete", {}, [actor.session, topic]]
    assert ask(scene.asker, *remove)[1] == "wamp.error.no_such_subscription"
    remove = ["wamp.registration.remove_callee", [procedure, actor.session]]
    assert ask(scene.asker, *remove) == result(None)
    assert actor.receive() == [67, 0, {"registration": procedure}]
    assert ear.hears(actor.session) == ["registration.on_unregister", {}, [actor.session, procedure]]
    assert ear.hears(actor.session) == ["registration.on_delete", {}, [actor.session, procedure]]
    actor.close()
    assert ear.hears(actor.session)[0] == "session.on_leave"


KILLS = [("wamp.session.kill", lambda s, d: [s], lambda s: None),
         ("wamp.session.kill_by_authid", lambda s, d: [d["authid"]], lambda s: [s])]


@pytest.mark.parametrize("procedure, args, answer", KILLS, ids=[kill[0] for kill in KILLS])
@pytest.mark.parametrize("reason, told", [([], [6, {}, "wamp.close.killed"]),
                                          (["com.why", "because"], [6, {"message": "because"}, "com.why"])])
def test_killed_sessions_are_told(scene, ear, procedure, args, answer, reason, told):
    victim = Client(scene.port)
    details = ask(scene.asker, "wamp.session.get", [victim.session])[1][0]
    assert ask(scene.asker, procedure, [*args(victim.session, details), *reason]) == result(answer(victim.session))
    assert victim.receive() == told
    assert ear.hears(victim.session)[0] == "session.on_join"
    assert ear.hears(victim.session) == ["session.on_leave", {}, [victim.session, details["authid"], "anonymous"]]
    victim.close()


def test_everybody_else_is_killed(tmp_path):
    port = nodes.free_port()
    node = nodes.Node(nodes.write_config(tmp_path, nodes.config(port)))
    asker, *victims = [Client(port) for _ in range(4)]
    ids = sorted(victim.session for victim in victims)
    assert ask(asker, "wamp.session.kill_by_authrole", ["anonymous", "com.why"]) == result(ids)
    assert [victim.receive() for victim in victims] == [[6, {}, "com.why"]] * 3
    for victim in victims:
        victim.close()
    victims = [Client(port) for _ in range(3)]
    assert ask(asker, "wamp.session.kill_all", ["com.why", "all"])[1][0] >= 3
    assert [victim.receive() for victim in victims] == [[6, {"message": "all"}, "com.why"]] * 3
    for victim in [asker, *victims]:
        victim.close()
    assert node.stop() == 0
