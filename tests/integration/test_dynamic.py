"""Dynamic authenticators and authorizers: sessions that decide who gets in, and what each may do."""

import json
import socket
import threading

import pytest

from support import node as nodes
from support.spread import one_node
from support.wamp import SERIALIZERS, Client, sign

SERVICE = {"anonymous": {"type": "static", "role": "service"}}
ROLES = [
    {"name": "service", "permissions": [nodes.allow()]},
    {"name": "user", "permissions": [nodes.allow()]},
    {"name": "app", "authorizer": "com.permissions"},
]


def dynamic(*methods, **more):
    return {method: {"type": "dynamic", "authenticator": "com.auth", **more} for method in methods}


def document(port, service_port, auth, realms=None, options=None):
    """Two transports: one for the authenticator, who comes without a name, and one for everybody else."""
    realms = realms or [nodes.realm(roles=ROLES), nodes.realm("internal", roles=ROLES)]
    out = nodes.config(port, realms=realms, websocket={"auth": auth}, options=options)
    out["workers"][0]["transports"].append(nodes.web(service_port, {"ws": {"type": "websocket", "auth": SERVICE}}))
    return out


@pytest.fixture
def service_port():
    return nodes.free_port()


class Decider(threading.Thread):
    """A client that registers a procedure and answers with what decide(args) returns, or ERROR [uri, message] if that
    is a tuple."""

    def __init__(self, port, procedure, decide, realm="realm1", serializer="json"):
        super().__init__(daemon=True)
        self.client = Client(port, serializer, realm=realm)
        self.client.register(procedure)
        self.decide = decide
        self.asked = []
        self.start()

    def run(self):
        while True:
            try:
                message = self.client.receive()
            except Exception:
                return  # the connection is gone
            if message[0] == 6:  # GOODBYE: the router need not wait for an answer
                return self.client.close()
            if message[0] != 68:
                continue
            args = message[4]
            self.asked.append(args)
            answer = self.decide(*args)
            if isinstance(answer, tuple):
                self.client.send([8, 68, message[1], {}, answer[0], [answer[1]]])
            else:
                self.client.send([70, message[1], {}, [answer]])

    def leave(self, node):
        self.client.socket.shutdown(socket.SHUT_RDWR)  # closing it would not end the thread's waiting
        self.join()
        self.client.close()
        node.wait_for(f"session {self.client.session} left realm")


def hello(port, method, authid=None, realm="realm1", serializer="json", **details):
    client = Client(port, serializer, join=False)
    if authid is not None:
        details["authid"] = authid
    client.reply = client.join(realm, {"authmethods": [method], **details})
    return client


def authenticate(client, answer):
    client.send([5, answer, {}])
    client.reply = client.receive()
    return client


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_each_method_asks_its_authenticator(start, port, service_port, serializer):
    start(document(port, service_port, dynamic("anonymous", "ticket", "wampcra")))

    def decide(realm, authid, details):
        if details["authmethod"] == "anonymous":
            return "user"
        if details["authmethod"] == "ticket":
            return {"role": "user", "extra": {"hello": "there"}} if details["ticket"] == "right" else ("com.no", "wrong")
        return {"role": "user", "secret": "secret", "disclose": True}

    decider = Decider(service_port, "com.auth", decide, serializer=serializer)
    guest = hello(port, "anonymous", serializer=serializer, authextra={"a": 1})
    assert guest.reply[0] == 2 and guest.reply[2]["authrole"] == "user"
    assert guest.reply[2]["authprovider"] == "dynamic" and guest.reply[2]["authmethod"] == "anonymous"
    realm, authid, details = decider.asked[-1]
    assert realm == "realm1" and authid == guest.reply[2]["authid"]
    assert details["session"] == guest.reply[1] and details["authextra"] == {"a": 1}
    assert details["transport"]["peer"].startswith("tcp4:127.0.0.1:")
    assert details["transport"]["websocket_protocol"] == f"wamp.2.{serializer}"
    assert details["transport"]["http_headers_received"]["upgrade"] == "websocket"

    ticket = hello(port, "ticket", "joe", serializer=serializer)
    assert ticket.reply == [4, "ticket", {}] and len(decider.asked) == 1  # asked when the ticket is there
    authenticate(ticket, "right")
    assert ticket.reply[0] == 2 and ticket.reply[2]["authid"] == "joe"
    assert ticket.reply[2]["authextra"]["hello"] == "there"
    assert decider.asked[-1][1] == "joe" and decider.asked[-1][2]["ticket"] == "right"
    assert decider.asked[-1][2]["session"] == ticket.reply[1]
    wrong = authenticate(hello(port, "ticket", "joe", serializer=serializer), "wrong")
    assert wrong.reply[0] == 3 and wrong.reply[2] == "com.no" and wrong.reply[1]["message"] == "wrong"

    cra = hello(port, "wampcra", "ann", serializer=serializer)
    challenge = json.loads(cra.reply[2]["challenge"])
    assert challenge["authprovider"] == "dynamic" and challenge["authrole"] == "user" and challenge["authid"] == "ann"
    authenticate(cra, sign("secret", cra.reply[2]))
    assert cra.reply[0] == 2 and cra.reply[1] == challenge["session"] and cra.reply[2]["authid"] == "ann"
    bad = hello(port, "wampcra", "ann", serializer=serializer)
    authenticate(bad, sign("guess", bad.reply[2]))
    assert bad.reply[2] == "wamp.error.not_authorized"


def test_the_authenticator_decides_who_one_is_and_where(start, port, service_port):
    start(document(port, service_port, dynamic("ticket", "wampcra", **{"authenticator-realm": "internal"})))

    def decide(realm, authid, details):
        if details["authmethod"] == "wampcra":
            return {"secret": "s", "salt": "salt", "iterations": 100, "keylen": 16, "role": "user", "authid": "renamed"}
        return {"role": "user", "realm": "internal", "authid": f"{authid}-{realm}"}

    Decider(service_port, "com.auth", decide, realm="internal")
    client = authenticate(hello(port, "ticket", realm=""), "x")
    assert client.reply[0] == 2, client.reply
    assert client.reply[2]["realm"] == "internal" and client.reply[2]["authid"] == "None-None"
    cra = hello(port, "wampcra", "ann")
    assert authenticate(cra, sign("s", cra.reply[2])).reply[2]["authid"] == "renamed"


@pytest.mark.parametrize("answer, reason, message", [
    (None, "wamp.error.authentication_failed", 'got invalid return type "null" from dynamic authenticator'),
    (["user"], "wamp.error.authentication_failed", 'got invalid return type "array" from dynamic authenticator'),
    ({"role": 1}, "wamp.error.authentication_failed", "must be strings"),
    ({"role": "nobody"}, "wamp.error.no_such_role", 'realm "realm1" has no role "nobody"'),
    ({"role": "user", "realm": "nowhere"}, "wamp.error.no_such_realm", 'no realm "nowhere" exists on this router'),
    ({}, "wamp.error.no_such_role", "no authrole assigned"),
    (("com.error.mine", "not today"), "com.error.mine", "not today"),
])
def test_what_the_authenticator_may_not_return(start, port, service_port, answer, reason, message):
    start(document(port, service_port, dynamic("anonymous")))
    Decider(service_port, "com.auth", lambda *_: answer)
    reply = hello(port, "anonymous").reply
    assert reply[0] == 3 and reply[2] == reason and message in reply[1]["message"], reply


def test_a_secret_that_is_missing(start, port, service_port):
    start(document(port, service_port, dynamic("wampcra", **{"default-role": "user"})))
    answers = iter(["user", {"secret": 1}, {"secret": "s", "salt": 1, "iterations": 1, "keylen": 1}, {"secret": ""}])
    Decider(service_port, "com.auth", lambda *_: next(answers))
    for _ in range(3):
        reply = hello(port, "wampcra", "joe").reply
        assert reply[0] == 3 and reply[2] == "wamp.error.authorization_failed" and "secret" in reply[1]["message"]
    client = hello(port, "wampcra", "joe")  # an empty secret is one
    assert authenticate(client, sign("", client.reply[2])).reply[2]["authrole"] == "user"


def test_no_authenticator_there(start, port, service_port):
    start(document(port, service_port, dynamic("anonymous")))
    reply = hello(port, "anonymous").reply
    assert reply[0] == 3 and reply[2] == "wamp.error.no_such_procedure"
    assert reply[1]["message"] == "no callee registered for procedure <com.auth>"
    assert hello(port, "anonymous", realm="nowhere").reply[2] == "wamp.error.no_such_realm"


def test_a_realm_or_role_of_the_authenticator_that_does_not_exist(start, port, service_port):
    start(document(port, service_port, {**dynamic("anonymous", **{"authenticator-realm": "nowhere"}),
                                        **dynamic("wampcra", **{"authenticator-role": "nobody"})}))
    reply = hello(port, "anonymous").reply
    assert reply[2] == "wamp.error.no_such_realm"
    assert reply[1]["message"] == "explicit realm <nowhere> configured for dynamic authenticator does not exist"
    assert hello(port, "wampcra", "joe").reply[2] == "wamp.error.no_such_role"


def test_an_authenticator_that_does_not_answer_or_leaves(start, port, service_port):
    node = start(document(port, service_port, dynamic("anonymous", timeout=1)))
    silent = Client(service_port)
    registration = silent.register("com.auth")
    waiting = Client(port, join=False)
    waiting.send([1, "realm1", {"roles": {"caller": {}}}])
    assert silent.receive()[0] == 68
    reply = waiting.receive()
    assert reply[0] == 3 and reply[2] == "wamp.error.authentication_failed" and "within 1 s" in reply[1]["message"]
    node.wait_for("com.auth.*failed")
    waiting = Client(port, join=False)
    waiting.send([1, "realm1", {"roles": {"caller": {}}}])
    assert silent.receive()[0] == 68
    silent.close()
    assert waiting.receive()[2] == "wamp.error.canceled"
    assert registration


def test_a_client_that_leaves_meanwhile(start, port, service_port):
    node = start(document(port, service_port, dynamic("anonymous")))
    slow = Client(service_port)
    slow.register("com.auth")
    for abort in (False, True):
        client = Client(port, join=False)
        client.send([1, "realm1", {"roles": {"caller": {}}}])
        invocation = slow.receive()
        address = "tcp4:%s:%d" % client.socket.getsockname()
        if abort:
            client.send([3, {}, "wamp.close.normal"])
            node.wait_for("gave up signing in")
        client.close()
        slow.send([70, invocation[1], {}, ["service"]])
        assert slow.call("com.nothing") and slow.receive()[4] == "wamp.error.no_such_procedure"
    # The first one, which only hangs up, may still be let in before that is noticed.
    assert not [line for line in node.lines if "joined" in line and address in line], node.lines


def test_a_client_that_does_not_wait_breaks_the_protocol(start, port, service_port):
    start(document(port, service_port, dynamic("anonymous")))
    slow = Client(service_port)
    slow.register("com.auth")
    client = Client(port, join=False)
    client.send([1, "realm1", {"roles": {"caller": {}}}])
    slow.receive()
    client.send([1, "realm1", {"roles": {"caller": {}}}])
    assert client.receive()[2] == "wamp.error.protocol_violation"


def test_secrets_are_not_logged(start, port, service_port):
    node = start(document(port, service_port, dynamic("ticket", "wampcra")), "--loglevel", "debug")
    Decider(service_port, "com.auth", lambda *_: {"role": "user", "secret": "the-secret"}, serializer="msgpack")
    authenticate(hello(port, "ticket", "joe"), "the-ticket")
    node.wait_for(r"INVOCATION.*\*\*\*")
    node.wait_for(r"YIELD.*\*\*\*")
    client = hello(port, "wampcra", "joe")
    authenticate(client, sign("the-secret", client.reply[2]))
    node.wait_for('authid "joe".*wampcra')
    assert "the-ticket" not in node.output() and "the-secret" not in node.output()


# ---- Authorizers


@pytest.fixture
def app(start, port, service_port):
    """A node whose anonymous clients have the role that com.permissions decides about."""
    node = start(document(port, service_port, {"anonymous": {"type": "static", "role": "app"}}))
    node.ports = port, service_port
    return node


def test_an_authorizer_is_asked_and_obeyed(app):
    port, service_port = app.ports

    def decide(details, uri, action, options):
        return {"allow": uri.startswith(details["authrole"]), "disclose": True}

    decider = Decider(service_port, "com.permissions", decide)
    client = Client(port)
    assert client.ask([32, {"match": "prefix"}, "app"])[0] == 33
    details, uri, action, options = decider.asked[-1]
    assert (uri, action, options) == ("app", "subscribe", {"match": "prefix"})
    assert details["session"] == client.session and details["authrole"] == "app" and details["authid"]
    assert details["authmethod"] == "anonymous" and details["authprovider"] == "static"
    assert details["transport"]["peer"].startswith("tcp4:")
    refused = client.ask([48, {}, "other.procedure"])
    assert refused[4] == "wamp.error.not_authorized" and "call procedure" in refused[5][0]
    app.wait_for(f"denied: .*session {client.session}.*call \"other.procedure\"")
    listener = Client(service_port)
    listener.subscribe("app.topic")
    client.publish("app.topic", ["hi"], acknowledge=True)
    assert listener.receive()[3]["publisher"] == client.session


def test_without_an_authorizer_everything_is_denied_with_the_reason(app):
    port, _ = app.ports
    client = Client(port)
    for message, doing in (([32, {}, "t"], "subscribing to topic URI"), ([64, {}, "t"], "registering procedure"),
                           ([48, {}, "t"], "calling procedure"),
                           ([16, {"acknowledge": True}, "t"], "publishing to topic URI")):
        reply = client.ask(message)
        assert reply[4] == "wamp.error.authorization_failed"
        assert reply[5] == [f"failed to authorize session for {doing} 't': wamp.error.no_such_procedure: "
                            "no callee registered for procedure <com.permissions>"]
    app.wait_for('denied: .*publish "t".*no_such_procedure')


def test_messages_keep_their_order_while_others_go_on(app):
    port, service_port = app.ports
    authorizer = Client(service_port)
    authorizer.register("com.permissions")
    listener = Client(service_port)
    listener.subscribe("com.order", match="prefix")
    client = Client(port)
    client.send_many([[16, n, {}, f"com.order.{n}", [n]] for n in range(1, 6)])
    other = Client(service_port)
    for n in range(1, 6):
        invocation = authorizer.receive()
        assert invocation[4][1] == f"com.order.{n}"
        # Nobody else is held up in the meantime, and nothing overtakes.
        other.publish("com.order.other", [n], acknowledge=True)
        assert listener.receive()[4] == [n]
        authorizer.send([70, invocation[1], {}, [True]])
        event = listener.receive()
        assert event[3]["topic"] == f"com.order.{n}"
    authorizer.send([6, {}, "wamp.close.normal"])


def test_a_callee_whose_actions_are_decided_by_itself(app):
    """Its answers must get through while its own messages wait."""
    port, service_port = app.ports
    helper = Decider(service_port, "com.permissions", lambda *_: True)
    client = Client(port)
    assert client.ask([64, {}, "com.mine"])[0] == 65
    helper.leave(app)
    nobody = Client(service_port)
    own = Client(service_port)
    own.register("com.permissions")
    client.send([48, 99, {}, "com.mine"])
    nobody.call("com.mine")
    messages = [client.receive()]  # the INVOCATION of nobody's call
    assert messages[0][0] == 68
    client.send([70, messages[0][1], {}, ["answered"]])
    assert nobody.receive()[3] == ["answered"]
    own.send([70, own.receive()[1], {}, [False]])
    assert client.receive()[4] == "wamp.error.not_authorized"


def test_a_session_that_leaves_while_its_authorizer_is_asked(app):
    port, service_port = app.ports
    authorizer = Client(service_port)
    authorizer.register("com.permissions")
    for polite in (True, False):
        client = Client(port)
        client.send([48, 1, {}, "com.x"])
        invocation = authorizer.receive()
        if polite:
            client.send([6, {}, "wamp.close.normal"])  # waits for its turn
            authorizer.send([70, invocation[1], {}, [False]])
            assert client.receive()[4] == "wamp.error.not_authorized"
            assert client.receive()[0] == 6
        else:
            client.close()
            app.wait_for(f"session {client.session} left")
            authorizer.send([70, invocation[1], {}, [True]])
    assert Client(service_port).ask([48, {}, "com.nothing"])[4] == "wamp.error.no_such_procedure"


@one_node("the balancer takes in what the node does not read")
def test_a_flood_that_waits_is_not_kept_without_bound(app):
    port, service_port = app.ports
    authorizer = Client(service_port)
    authorizer.register("com.permissions")
    client = Client(port)
    client.send([48, 1, {}, "com.first"])
    invocation = authorizer.receive()
    client.socket.settimeout(1)
    payload = "x" * 100000
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 1000:
            client.send([16, sent + 2, {}, "com.topic", [payload]])
            sent += 1
    assert sent < 200  # a quarter of a megabyte here, and what the kernel holds
    authorizer.send([70, invocation[1], {}, [False]])


def test_caching(app):
    port, service_port = app.ports
    decider = Decider(service_port, "com.permissions", lambda *_: {"allow": True, "cache": True})
    client = Client(port)
    for _ in range(3):
        assert client.ask([48, {}, "com.nothing"])[4] == "wamp.error.no_such_procedure"
    assert len(decider.asked) == 1
    Client(port).ask([48, {}, "com.nothing"])
    assert len(decider.asked) == 2
    decider.leave(app)
    again = Decider(service_port, "com.permissions", lambda *_: False)
    assert client.ask([48, {}, "com.nothing"])[4] == "wamp.error.not_authorized"
    assert len(again.asked) == 1


# ---- Subscription meta API


@one_node("each node tells of its own subscribers")
def test_subscription_meta_events_and_procedures(router):
    port, _ = router
    listener = Client(port)
    topics = {listener.subscribe(f"wamp.subscription.{name}"): name
              for name in ("on_create", "on_subscribe", "on_unsubscribe", "on_delete")}
    client = Client(port, "msgpack")
    subscription = client.subscribe("com.meta.topic")

    def event():
        message = listener.receive()
        return topics[message[1]], message[4]

    name, (session, details) = event()
    assert name == "on_create" and session == client.session
    assert details["uri"] == "com.meta.topic" and details["match"] == "exact" and details["id"] == subscription
    assert details["created"].endswith("Z")
    assert event() == ("on_subscribe", [client.session, subscription])
    asking = Client(port, "cbor")
    asking.subscribe("com.meta.topic")
    assert event() == ("on_subscribe", [asking.session, subscription])

    def call(procedure, *args):
        return asking.ask([48, {}, "wamp.subscription." + procedure, list(args)])[3][0]

    assert call("lookup", "com.meta.topic") == subscription
    assert call("get", subscription) == details
    assert sorted(call("list_subscribers", subscription)) == sorted([client.session, asking.session])
    assert call("count_subscribers", subscription) == 2
    assert subscription in call("list")["exact"] and call("match", "com.meta.topic") == [subscription]
    client.close()
    assert event() == ("on_unsubscribe", [client.session, subscription])
    asking.send([6, {}, "wamp.close.normal"])
    assert event() == ("on_unsubscribe", [asking.session, subscription])
    assert event() == ("on_delete", [asking.session, subscription])
    denied = Client(port)
    denied.send([16, 1, {"acknowledge": True}, "wamp.subscription.on_create"])
    assert denied.receive()[4] == "wamp.error.invalid_uri"


def test_an_authorizer_is_told_what_was_added_to_a_sessions_details(port, service_port, start):
    start(document(port, service_port, {"anonymous": {"type": "static", "role": "app"}}))
    decider = Decider(service_port, "com.permissions", lambda *_: True)
    client, service = Client(port), Client(service_port)
    client.subscribe("com.before")
    request = service.call("wamp.session.modify_details", [client.session, {"team": ["red"], "age": 5}])
    assert service.receive() == [50, request, {}, [None]]
    client.subscribe("com.after")
    before, after = decider.asked[0][0], decider.asked[-1][0]
    assert "team" not in before and after == {**before, "team": ["red"], "age": 5}
    request = service.call("wamp.session.get", [client.session])
    details = service.receive()[3][0]
    assert details["team"] == ["red"] and details["authid"] == before["authid"]
