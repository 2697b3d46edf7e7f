"""Signing in: every method, every way to fail."""

import pytest

from support import node as nodes
from support.wamp import SERIALIZERS, Client, sign

ROLES = [
    {"name": "user", "permissions": [nodes.allow()]},
    {"name": "reader", "permissions": [nodes.allow(publish=False, register=False, call=False)]},
]
AUTH = {
    "anonymous": {"type": "static", "role": "reader"},
    "ticket": {"type": "static", "principals": {
        "joe": {"ticket": "secret!!!", "role": "user"},
        "lost": {"ticket": "x", "role": "nobody"},
    }},
    "wampcra": {"type": "static", "users": {
        "ann": {"secret": "prq7+YkJ1/KlW1X0YczMHw==", "role": "user"},
        "bob": {"secret": "salted secret", "role": "user", "salt": "salt123", "iterations": 100, "keylen": 16},
    }},
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    port = nodes.free_port()
    document = nodes.config(port, realms=[nodes.realm(roles=ROLES)], websocket={"auth": AUTH})
    node = nodes.Node(nodes.write_config(tmp_path_factory.mktemp("auth") / ".crossbar", document), "--loglevel", "debug")
    yield port, node
    assert node.stop() == 0


def attempt(port, method, authid, answer, serializer="json", realm="realm1"):
    """Signs in as far as it goes; the last message received."""
    client = Client(port, serializer, join=False)
    reply = client.join(realm, {"authmethods": [method], "authid": authid})
    if reply[0] == 4:
        client.challenge = reply
        client.send([5, answer(reply[2]), {}])
        reply = client.receive()
    client.reply = reply
    return client


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_everybody_signs_in(guarded, serializer):
    port, node = guarded
    ticket = attempt(port, "ticket", "joe", lambda _: "secret!!!", serializer)
    plain = attempt(port, "wampcra", "ann", lambda extra: sign("prq7+YkJ1/KlW1X0YczMHw==", extra), serializer)
    salted = attempt(port, "wampcra", "bob", lambda extra: sign("salted secret", extra), serializer)
    for client, authid, method in ((ticket, "joe", "ticket"), (plain, "ann", "wampcra"), (salted, "bob", "wampcra")):
        assert client.reply[0] == 2, client.reply
        details = client.reply[2]
        assert (details["authid"], details["authrole"], details["authmethod"]) == (authid, "user", method)
        assert details["authprovider"] == "static"
        client.subscribe("com.topic")
        node.wait_for(f'session {client.reply[1]} joined realm "realm1": authid "{authid}", role "user", static {method}')
    anonymous = Client(port, serializer)
    assert anonymous.welcome[2]["authrole"] == "reader"


def test_the_challenge_names_the_session_that_welcome_gives(guarded):
    import json

    client = attempt(guarded[0], "wampcra", "ann", lambda extra: sign("prq7+YkJ1/KlW1X0YczMHw==", extra))
    challenge = json.loads(client.challenge[2]["challenge"])
    assert challenge["session"] == client.reply[1]
    assert challenge["authid"] == "ann" and challenge["authrole"] == "user"
    assert len(challenge["nonce"]) == 64


@pytest.mark.parametrize(("method", "authid", "reason", "text"), [
    ("ticket", "joe", "not_authorized", "ticket in static WAMP-Ticket authentication is invalid"),
    ("ticket", "eve", "not_authorized", "ticket in static WAMP-Ticket authentication is invalid"),
    ("ticket", "lost", "no_such_role", 'realm "realm1" has no role "nobody"'),
    ("wampcra", "ann", "not_authorized", "WAMP-CRA client signature is invalid"),
    ("wampcra", "eve", "not_authorized", "WAMP-CRA client signature is invalid"),
    ("magic", "joe", "not_authorized", 'invalid authmethod "magic"'),
    ("scram", "joe", "no_auth_method", "cannot authenticate [2] using any of the offered authmethods ['scram']"),
])
def test_everybody_else_is_told_why_not(guarded, method, authid, reason, text):
    port, node = guarded
    client = attempt(port, method, authid, lambda _: "wrong")
    assert client.reply == [3, {"message": text}, "wamp.error." + reason]
    node.wait_for("sign-in refused: wamp.error." + reason)


@pytest.mark.parametrize(("method", "known"), [("ticket", "joe"), ("wampcra", "ann"), ("wampcra", "bob")])
def test_names_cannot_be_found_out_by_trying(guarded, method, known):
    port, _ = guarded

    def course(authid):
        """The messages of an attempt, without what is different each time."""
        client = attempt(port, method, authid, lambda _: "wrong")
        return getattr(client, "challenge", [])[:2], client.reply

    # Each unknown name is like one user or the other: one of them is challenged as the known one is.
    alike = [name for name in ("eve", "mallory", "trudy", "oscar") if course(name) == course(known)]
    assert len(alike) >= 2
    if method == "wampcra":
        def shape(name):
            extra = attempt(port, method, name, lambda _: "").challenge[2]
            return {key: value for key, value in extra.items() if key not in ("challenge", "salt")}

        shapes = [shape(name) for name in ("ann", "bob")]
        assert all(shape(name) in shapes and shape(name) == shape(name) for name in alike)


def test_secrets_are_not_in_the_log(guarded):
    port, node = guarded
    attempt(port, "ticket", "joe", lambda _: "secret!!!")
    attempt(port, "ticket", "joe", lambda _: "almost-secret")
    node.wait_for("AUTHENTICATE")
    assert "secret!!!" not in node.output() and "almost-secret" not in node.output()
    assert "prq7" not in node.output()


def test_answers_without_a_question(guarded):
    port, _ = guarded
    client = Client(port, join=False)
    client.send([5, "secret!!!", {}])
    assert client.receive() == [3, {"message": "no pending authentication"}, "wamp.error.not_authorized"]
    client = Client(port, join=False)
    client.join("realm1", {"authmethods": ["ticket"], "authid": "joe"})
    client.send([1, "realm1", {"roles": {"caller": {}}}])
    assert client.receive()[2] == "wamp.error.protocol_violation"


def test_denied_actions_are_refused_and_logged(guarded):
    port, node = guarded
    client = Client(port)
    client.subscribe("com.topic")
    who = client.welcome[2]["authid"]
    assert client.ask([48, {}, "com.procedure"])[4] == "wamp.error.not_authorized"
    assert client.ask([64, {}, "com.procedure"])[4] == "wamp.error.not_authorized"
    assert client.ask([16, {"acknowledge": True}, "com.topic"])[4] == "wamp.error.not_authorized"
    for action, uri in (("call", "com.procedure"), ("register", "com.procedure"), ("publish", "com.topic")):
        node.wait_for(f'denied: realm "realm1", session {client.session}, authid "{who}", role "reader": '
                      f'{action} "{uri}": wamp.error.not_authorized')


def test_without_authentication_a_realm_without_the_role_anonymous_allows_nothing(start, port):
    start(nodes.config(port, realms=[nodes.realm(roles=[{"name": "user", "permissions": [nodes.allow()]}])]))
    client = Client(port)
    assert client.welcome[2]["authrole"] == "anonymous"
    assert client.ask([32, {}, "com.topic"])[4] == "wamp.error.not_authorized"


def test_permissions_by_pattern(start, port):
    rules = [
        nodes.allow("com.open.", match="prefix"),
        nodes.allow("com.open.closed", publish=False, subscribe=False),
        nodes.allow("com..rpc", match="wildcard", publish=False, subscribe=False),
        nodes.allow("com.pre*", call=False, register=False, disclose={"publisher": True}),
    ]
    start(nodes.config(port, realms=[nodes.realm(roles=[{"name": "anonymous", "permissions": rules}])]))
    client = Client(port)

    def allowed(message):
        return client.ask(message)[0] != 8 or client.last[4] != "wamp.error.not_authorized"

    original = client.ask

    def ask(message):
        client.last = original(message)
        return client.last

    client.ask = ask
    assert allowed([32, {}, "com.open.x"])
    assert not allowed([32, {}, "com.open.closed"])
    assert allowed([48, {}, "com.x.rpc"]) and not allowed([32, {}, "com.x.rpc"])
    assert allowed([32, {}, "com.prefix"]) and not allowed([48, {}, "com.prefix"])
    assert not allowed([48, {}, "org.other"])
    other = Client(port)
    other.publish("com.prefix", [1])
    event = client.receive()
    assert event[3]["publisher"] == other.session and event[3]["publisher_authrole"] == "anonymous"
