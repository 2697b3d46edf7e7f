"""The gateway: connections that do not speak WAMP, served by a worker's procedures."""

import copy
import http.client
import json
import struct

import pytest

from support import node as nodes
from support.wamp import BINARY, CLOSE, SERIALIZERS, TEXT, Client, Closed, WebSocket

ROLES = [
    {"name": "anonymous", "permissions": [nodes.allow()]},
    {"name": "gateway", "permissions": [nodes.allow("app.", match="prefix", register=False)]},
]
ALL = {name: f"app.{name}" for name in ("connect", "open", "message", "disconnect", "shutdown")}
GONE = "crosspoint.error.no_such_connection"


def route(name="play", procedures=("message",), **more):
    return {"type": "gateway", "route": name, "realm": "realm1", "role": "gateway",
            "procedures": {key: ALL[key] for key in procedures}, **more}


def document(port, **services):
    return nodes.config(port, realms=[nodes.realm(roles=ROLES)], paths=services)


class Worker(Client):
    """A worker whose every step the test makes itself."""

    def __init__(self, port, *procedures, serializer="json"):
        super().__init__(port, serializer)
        self.calls = []
        self.names = {self.register(f"app.{name}"): name for name in procedures}

    def receive_but_calls(self):
        while True:
            message = self.receive()
            if message[0] != 68:
                return message
            self.calls.append(message)

    def next_call(self, name=None):
        """The next call; its request id and arguments."""
        message = self.calls.pop(0) if self.calls else self.receive()
        assert message[0] == 68, message
        assert name in (None, self.names[message[2]]), (name, self.names[message[2]], message)
        return message[1], message[4]

    def answer(self, request, value=None):
        self.send([70, request, {}, [value]])

    def refuse(self, request, error="app.error", text="no", **kwargs):
        self.send([8, 68, request, {}, error, [text], kwargs])

    def serve(self, name, value=None):
        """Answers the next call; its arguments."""
        request, args = self.next_call(name)
        self.answer(request, value)
        return args

    def ask_gateway(self, name, *args, **kwargs):
        """The result, or the error URI."""
        request = self.call(f"crosspoint.gateway.{name}", list(args), kwargs)
        reply = self.receive_but_calls()
        if reply[0] == 8:
            assert reply[2] == request
            return reply[4]
        assert reply[:2] == [50, request], reply
        return reply[3][0]


class Plain(WebSocket):
    def __init__(self, port, path="/play", **more):
        super().__init__(port, path, None, **more)

    def say(self, text):
        self.send_frame(TEXT, text.encode())

    def hear(self):
        opcode, payload, _ = self.receive_frame()
        if opcode == CLOSE:
            raise Closed(struct.unpack("!H", payload[:2])[0], payload[2:].decode())
        return payload.decode() if opcode == TEXT else payload

    def leave(self, code=1000, reason=b""):
        self.send_frame(CLOSE, struct.pack("!H", code) + reason)
        self.close()


def knock(port, target="/play", headers=""):
    """A handshake whose answer is still to be read."""
    link = WebSocket(port, upgrade=False)
    link.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        f"{headers}\r\n".encode())
    return link


def head_of(link):
    """Reads the answer to a handshake; its head."""
    while b"\r\n\r\n" not in link.buffer:
        link.fill()
    head, link.buffer = link.buffer.split(b"\r\n\r\n", 1)
    return head


def enter(link):
    """The same for one that is accepted."""
    head = head_of(link)
    assert head.startswith(b"HTTP/1.1 101"), head
    return head


def refusal(port, path="/play", headers=None):
    """The response to a handshake that is refused: status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=nodes.TIME)
    connection.request("GET", path, headers={
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **(headers or {})})
    response = connection.getresponse()
    return response.status, response.headers, response.read().decode()


def begin(port, worker, **more):
    """A connection that is open, and its id."""
    client = Plain(port, **more)
    client.say("first")
    return client, worker.serve("message")[0]["id"]


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_messages_go_to_the_worker_and_its_answers_back(start, port, serializer):
    start(document(port, play=route()))
    worker = Worker(port, "message", serializer=serializer)
    client = Plain(port)
    client.say("héllo")
    connection, message = worker.serve("message", "and hello")
    assert message == "héllo" and connection["route"] == "play" and set(connection) == {"id", "route"}
    assert client.hear() == "and hello"
    client.say('{"a":1}')  # not parsed: plain
    assert worker.serve("message", {"b": [1, None]}) == [connection, '{"a":1}']
    assert json.loads(client.hear()) == {"b": [1, None]}
    data = bytes(range(256))
    client.send_frame(BINARY, data)
    arrived = worker.serve("message", data if serializer != "json" else "\0AQI=")[1]
    if serializer == "json":
        assert arrived.startswith("\0")
        assert client.hear() == b"\x01\x02"
    else:
        assert arrived == data
        assert client.hear() == data
    client.say("nothing comes back")
    worker.serve("message")
    client.say("but this")
    worker.serve("message", "x")
    assert client.hear() == "x"


def test_the_life_of_a_connection(start, port):
    start(document(port, play=route(procedures=ALL)))
    worker = Worker(port, *ALL)
    socket = knock(port, "/play/room?name=a%20b", "Cookie: token=t1\r\nX-Extra: 1\r\n")
    request, (connection, told) = worker.next_call("connect")
    assert told["path"] == "/play/room" and told["rest"] == "room" and told["query"] == {"name": "a b"}
    assert told["cookies"] == {"token": "t1"} and told["headers"]["x-extra"] == "1"
    assert told["peer"].startswith("tcp4:127.0.0.1:")
    assert worker.ask_gateway("send", connection["id"], "too early") == GONE
    worker.answer(request, {"principal": {"name": "ann"}, "headers": {"X-Room": "blue"}, "cookies": {"seen": "1"}})
    response = enter(socket)
    assert b"\r\nX-Room: blue" in response and b"\r\nSet-Cookie: seen=1" in response

    connection["principal"] = {"name": "ann"}
    request, args = worker.next_call("open")
    assert args == [connection]
    socket.send_frame(TEXT, b"said before open is answered")
    worker.answer(request, "welcome")
    assert socket.receive_frame()[1] == b"welcome"
    assert worker.serve("message", None) == [connection, "said before open is answered"]
    details = worker.ask_gateway("get", connection["id"])
    assert details["principal"] == {"name": "ann"} and details["peer"] == told["peer"]
    assert details["messages"] == {"received": 1, "sent": 1, "dropped": 0}

    socket.send_frame(CLOSE, struct.pack("!H", 4001) + b"bye")
    assert worker.serve("disconnect") == [connection, {"code": 4001, "reason": "bye", "clean": True}]
    assert worker.ask_gateway("get", connection["id"]) == GONE


def test_a_connection_that_breaks_off(start, port):
    start(document(port, play=route(procedures=("message", "disconnect"))))
    worker = Worker(port, "message", "disconnect")
    client, connection = begin(port, worker)
    client.say("last words")
    request, _ = worker.next_call("message")
    client.say("and these")
    client.close()
    worker.answer(request, "nobody hears this")
    # What it said last is heard, and then that it is gone.
    assert worker.serve("message")[1] == "and these"
    args = worker.serve("disconnect")
    assert args[0]["id"] == connection and args[1]["code"] == 1006 and args[1]["clean"] is False


def test_refusals_are_the_workers_choice(start, port):
    node = start(document(port, play=route(procedures=("message", "connect", "disconnect"), timeout=1)))
    assert refusal(port)[0] == 503  # no worker yet
    node.wait_for("refused with status 503: wamp.error.no_such_procedure")
    worker = Worker(port, "connect", "message", "disconnect")

    def ask(reply):
        link = knock(port)
        request, _ = worker.next_call("connect")
        reply(request)
        response = http.client.HTTPResponse(link.socket)
        response.begin()
        return response.status, response.headers, response.read().decode()

    assert ask(lambda request: worker.answer(request, False))[0] == 403
    status, headers, body = ask(lambda request: worker.answer(
        request, {"status": 401, "body": "who are you?", "headers": {"WWW-Authenticate": "Basic"}}))
    assert (status, headers["WWW-Authenticate"], body) == (401, "Basic", "who are you?")
    assert ask(lambda request: worker.refuse(request))[0] == 500
    assert ask(lambda request: worker.refuse(request, status=429))[0] == 429
    assert ask(lambda request: worker.answer(request, {"headers": {"X": "a\r\nb"}}))[0] == 500
    node.wait_for("the worker's answer cannot be used")
    assert worker.serve("disconnect")[1]["code"] == 1006  # it may have meant yes
    # A worker that does not answer: the client is told in time, and the worker that there is no connection.
    assert ask(lambda request: None)[0] == 504
    assert worker.serve("disconnect")[1]["reason"] == "it was refused for want of an answer"


def test_a_client_that_leaves_while_the_worker_is_asked(start, port):
    start(document(port, play=route(procedures=("message", "connect", "disconnect"))))
    worker = Worker(port, "connect", "message", "disconnect")
    link = knock(port)
    request, (connection, _) = worker.next_call("connect")
    link.close()
    assert worker.nothing_comes()
    worker.answer(request, True)
    request, args = worker.next_call("disconnect")
    assert args[0] == connection
    worker.answer(request)


def test_what_is_no_handshake_is_refused_without_asking(start, port):
    start(document(port, play=route(procedures=("message", "connect"),
                                    options={"allowed_origins": ["http://good"]}, subprotocols=["chat"])))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=nodes.TIME)
    connection.request("GET", "/play")
    assert connection.getresponse().status == 426
    assert refusal(port, headers={"Origin": "http://bad"})[0] == 400
    assert refusal(port, headers={"Sec-WebSocket-Version": "7"})[0] == 426


def test_subprotocols_are_chosen_from_the_list(start, port):
    start(document(port, play=route(subprotocols=["chat", "game"])))
    client = WebSocket(port, "/play", "other, game, chat")
    assert b"Sec-WebSocket-Protocol: game" in client.response
    assert b"Sec-WebSocket-Protocol" not in WebSocket(port, "/play", "other").response


def test_messages_of_a_connection_reach_the_worker_one_after_the_other(start, port):
    start(document(port, play=route(), fast=route("fast", max_calls=3)))
    worker = Worker(port, "message")
    client = Plain(port)
    client.socket.sendall(b"".join(client.frame(TEXT, str(i).encode()) for i in range(2000)))
    for i in range(2000):
        request, args = worker.next_call("message")
        assert args[1] == str(i)
        if i == 0:
            assert worker.nothing_comes()  # the second one waits until the first one is answered
        worker.answer(request)

    client = Plain(port, "/fast")
    client.socket.sendall(b"".join(client.frame(TEXT, str(i).encode()) for i in range(6)))
    calls = [worker.next_call("message") for _ in range(3)]
    assert [args[1] for _, args in calls] == ["0", "1", "2"]
    assert worker.nothing_comes()
    for request, _ in calls:
        worker.answer(request)
    assert [worker.serve("message")[1] for _ in range(3)] == ["3", "4", "5"]


def test_a_connection_whose_messages_wait_is_not_read_from(start, port):
    start(document(port, play=route(options={"max_message_size": 65536})))
    worker = Worker(port, "message")
    client = Plain(port)
    client.socket.settimeout(0.2)
    message = client.frame(TEXT, b"x" * 60000)
    sent = 0
    try:
        while sent < 64 * 1024 * 1024:
            sent += client.socket.send(message[sent % len(message):])
    except TimeoutError:
        pass
    assert sent < 64 * 1024 * 1024  # it was the router that did not take more
    request, _ = worker.next_call("message")
    worker.answer(request)
    # Once the worker goes on, so does the connection.
    client.socket.settimeout(nodes.TIME)
    for _ in range(20):
        assert len(worker.serve("message")[1]) == 60000


def test_a_worker_that_never_answers(start, port):
    node = start(document(port, play=route(timeout=1)))
    worker = Worker(port, "message")
    client = Plain(port)
    client.say("one")
    client.say("two")
    worker.next_call("message")
    node.wait_for("message of connection .*: wamp.error.timeout no answer within 1 s")
    request, args = worker.next_call("message")  # the next one has its turn
    assert args[1] == "two"
    worker.answer(request, "answer to two")
    assert client.hear() == "answer to two"


def test_a_worker_that_is_restarted(start, port):
    node = start(document(port, play=route(procedures=("message", "disconnect"))))
    worker = Worker(port, "message", "disconnect")
    client, connection = begin(port, worker)
    client.say("lost with the worker")
    worker.next_call("message")
    worker.close()
    node.wait_for("message of connection .*: wamp.error.canceled")
    client.say("nobody is there")
    node_lines = len(node.lines)
    worker = Client(port)
    while worker.ask([48, {}, "crosspoint.gateway.list", ["play"]])[3] != [[connection]]:
        pass
    worker = Worker(port, "message", "disconnect")
    client.say("hello again")
    while True:  # the message before may find the new worker already
        request, args = worker.next_call("message")
        worker.answer(request, args[1])
        if args[1] == "hello again":
            break
    assert args[0]["id"] == connection
    while client.hear() != "hello again":
        pass
    assert not [line for line in node.lines[node_lines:] if "timeout" in line]
    assert worker.ask_gateway("list") == [connection]


def test_sending_to_connections(start, port):
    start(document(port, play=route(), other=route("other")))
    worker = Worker(port, "message")
    clients, ids = zip(*[begin(port, worker) for _ in range(4)])
    outsider, outsider_id = begin(port, worker, path="/other")
    assert len(set(ids)) == 4
    assert {id.rsplit("-", 1)[0][-1] for id in ids} == {"0", "1"}  # on both threads
    assert sorted(worker.ask_gateway("list", "play")) == sorted(ids)
    assert sorted(worker.ask_gateway("list")) == sorted([*ids, outsider_id])
    assert worker.ask_gateway("list", "none") == []

    for client, id in zip(clients, ids):
        for i in range(50):
            assert worker.ask_gateway("send", id, f"{id} {i}") is True
        for i in range(50):
            assert client.hear() == f"{id} {i}"
    assert worker.ask_gateway("send", ids[0], {"a": 1}) is True
    assert clients[0].hear() == '{"a":1}'

    unknown = "0000000000000000-0-1"
    assert worker.ask_gateway("send_many", [ids[0], unknown, ids[3], "nonsense"], "several") == [unknown, "nonsense"]
    assert clients[0].hear() == "several" and clients[3].hear() == "several"
    assert worker.ask_gateway("broadcast", "play", "all but one", exclude=[ids[1]]) == 3
    assert worker.ask_gateway("broadcast", "play", "x" * 100000) == 4
    assert [clients[i].hear() for i in (0, 2, 3)] == ["all but one"] * 3
    for client in clients:
        assert client.hear() == "x" * 100000
    assert worker.ask_gateway("broadcast", "none", "x") == 0
    assert worker.ask_gateway("send", outsider_id, "only this") is True
    assert outsider.hear() == "only this"


def test_topics_tell_who_comes_and_goes(start, port):
    start(document(port, play=route(procedures=("connect", "message")), other=route("other")))
    worker, listener = Worker(port, "connect", "message"), Client(port)
    names = {listener.subscribe(f"crosspoint.gateway.{name}"): name for name in ("on_open", "on_close")}

    def told(name):
        event = listener.receive()
        assert event[0] == 36 and names[event[1]] == name, event
        return event[4]

    socket = knock(port)
    request, (connection, _) = worker.next_call("connect")
    worker.answer(request, {"principal": "ann"})
    enter(socket)
    assert told("on_open") == [{**connection, "principal": "ann"}]
    client = Plain(port, "/other")
    [other] = told("on_open")
    assert other["route"] == "other" and other["id"] != connection["id"]
    client.leave(4001, b"bye")
    assert told("on_close") == [other, {"code": 4001, "reason": "bye", "clean": True}]
    knock(port).close()  # one that is never accepted is no news
    worker.refuse(worker.next_call("connect")[0])
    socket.close()
    assert told("on_close")[0] == {**connection, "principal": "ann"}


def test_sending_to_one_that_is_gone(start, port):
    start(document(port, play=route(procedures=("message", "disconnect"))))
    worker = Worker(port, "message", "disconnect")
    client, connection = begin(port, worker)
    client.leave()
    worker.serve("disconnect")
    for name, args in (("send", ["x"]), ("close", []), ("get", [])):
        assert worker.ask_gateway(name, connection, *args) == GONE
        assert worker.ask_gateway(name, "no id", *args) == GONE
        assert worker.ask_gateway(name, 5, *args) == "wamp.error.invalid_argument"
    assert worker.ask_gateway("send_many", [connection], "x") == [connection]
    for name, args, kwargs in (("send", [connection], {}), ("send", [], {}), ("send_many", [5, "x"], {}),
                               ("broadcast", [5, "x"], {}), ("broadcast", ["play", "x"], {"exclude": 1}),
                               ("close", [connection], {"code": 1005}), ("close", [connection], {"code": "x"}),
                               ("close", [connection], {"code": 66000}), ("close", [connection], {"reason": 1})):
        assert worker.ask_gateway(name, *args, **kwargs) == "wamp.error.invalid_argument"


def test_ids_are_unique_across_nodes_and_starts(tmp_path):
    """Ids of two nodes and of a later start differ, also where the connections are the first of their threads; and a node
    says of another's that there is no such connection, rather than take one of its own."""
    ports = [nodes.free_port(), nodes.free_port()]

    def run(number):
        return nodes.Node(nodes.write_config(tmp_path / f"node{number}", document(ports[number], play=route())))

    def enter_all(number):
        worker = Worker(ports[number], "message")
        links = dict(reversed(begin(ports[number], worker)) for _ in range(6))
        assert sorted(worker.ask_gateway("list")) == sorted(links)
        return worker, links

    def never_there(worker, others, own):
        """What each procedure answers about them."""
        for other in others:
            assert worker.ask_gateway("send", other, "x") == GONE
            assert worker.ask_gateway("get", other) == GONE
            assert worker.ask_gateway("close", other) == GONE
        assert worker.ask_gateway("send_many", [*others, *own], "to you") == list(others)
        assert [link.hear() for link in own.values()] == ["to you"] * len(own)

    running = [run(0), run(1)]
    try:
        (first, here), (second, there) = enter_all(0), enter_all(1)
        never_there(first, there, here)
        never_there(second, here, there)
        running[1].process.kill()
        running[1].wait()
        running[1] = run(1)
        second, later = enter_all(1)
        never_there(second, [*here, *there], later)
        assert len({*here, *there, *later}) == 18
        assert first.ask_gateway("send", next(iter(later)), "x") == GONE
        for link in [*here.values(), *later.values()]:
            link.leave()
        for worker in (first, second):
            worker.close()
        assert [node.stop() for node in running] == [0, 0]
    finally:
        for node in running:
            node.process.kill()
            node.wait()


def test_closing_a_connection(start, port):
    start(document(port, play=route(procedures=("message", "disconnect"))))
    worker = Worker(port, "message", "disconnect")
    client, connection = begin(port, worker)
    assert worker.ask_gateway("send", connection, "before") is True
    assert worker.ask_gateway("close", connection, code=4000, reason="enough") is True
    assert worker.ask_gateway("send", connection, "after") == GONE
    assert client.hear() == "before"
    with pytest.raises(Closed) as closed:
        client.hear()
    assert (closed.value.code, closed.value.reason) == (4000, "enough")
    client.send_frame(CLOSE, struct.pack("!H", 4000))
    assert worker.serve("disconnect")[1] == {"code": 4000, "reason": "enough", "clean": True}


def test_another_realm_does_not_reach_them(start, port):
    config = document(port, play=route())
    config["workers"][0]["realms"].append(nodes.realm("realm2"))
    start(config)
    worker = Worker(port, "message")
    _, connection = begin(port, worker)
    stranger = Client(port, realm="realm2")
    assert stranger.ask([48, {}, "crosspoint.gateway.send", [connection, "x"]])[4] == "wamp.error.no_such_procedure"


def test_permissions_decide_who_may_send(start, port):
    config = document(port, play=route())
    config["workers"][0]["realms"] = [copy.deepcopy(config["workers"][0]["realms"][0])]  # whose roles other tests share
    config["workers"][0]["realms"][0]["roles"][0]["permissions"] = [
        nodes.allow(), nodes.allow("crosspoint.gateway.close", call=False)]
    start(config)
    worker = Worker(port, "message")
    _, connection = begin(port, worker)
    assert worker.ask_gateway("close", connection) == "wamp.error.not_authorized"
    assert worker.ask_gateway("send", connection, "x") is True


def test_the_gateways_own_calls_need_permission(start, port):
    node = start(document(port, play={**route(), "procedures": {"message": "secret.message"}}))
    client = Plain(port)
    client.say("x")
    node.wait_for("message of connection .*: wamp.error.not_authorized")


def test_dispatch_by_an_attribute(start, port):
    start(document(port, play=route(dispatch={"attribute": "event", "prefix": "app.event"})))
    worker = Worker(port, "message", "event.move")
    client = Plain(port)
    client.say('{"event": "move", "x": 3}')
    assert worker.serve("event.move", "moved")[1] == {"event": "move", "x": 3}
    assert client.hear() == "moved"
    for other in ('{"event": "unknown"}', '{"event": "not a name"}', "hello", '{"x": 1}'):
        client.say(other)
        assert worker.serve("message")[1] == other
    client.send_frame(BINARY, b'{"event": "move"}')
    worker.serve("message")


def test_only_json(start, port):
    node = start(document(port, play=route(payload="json")))
    worker = Worker(port, "message")
    client = Plain(port)
    client.say('{"x": [1, "a"]}')
    assert worker.serve("message", {"y": 2})[1] == {"x": [1, "a"]}
    assert client.hear() == '{"y":2}'
    client.say("{nonsense")
    assert client.expect_end() == 1007
    node.wait_for("sent a message that is not JSON")
    client = Plain(port)
    client.send_frame(BINARY, b"1")
    assert client.expect_end() == 1003


def test_messages_that_are_too_long(start, port):
    start(document(port, play=route(options={"max_message_size": 1000}), large=route("large")))
    worker = Worker(port, "message")
    client = Plain(port)
    client.say("x" * 1000)
    assert len(worker.serve("message")[1]) == 1000
    client.say("x" * 1001)
    assert client.expect_end() == 1009
    client = Plain(port, "/large")
    client.say("x" * 1024 * 1024)
    assert len(worker.serve("message")[1]) == 1024 * 1024
    client.say("x" * (1024 * 1024 + 1))  # the limit without a setting
    assert client.expect_end() == 1009


def test_a_text_that_is_not_utf_8(start, port):
    start(document(port, play=route()))
    client = Plain(port)
    client.send_frame(TEXT, b"\xff")
    assert client.expect_end() == 1007


@pytest.mark.parametrize("policy", ["drop", "disconnect"])
def test_a_connection_that_does_not_read(start, port, policy):
    options = {"max_queued_bytes": 65536, "slow_receiver": policy}
    node = start(document(port, play=route(procedures=("message", "disconnect"), options=options)))
    worker = Worker(port, "message", "disconnect")
    client, connection = begin(port, worker, receive_buffer=4096)
    sent = [True]
    while sent[-1] is True:
        sent.append(worker.ask_gateway("send", connection, "x" * 60000))
    assert sent[-1] in {"crosspoint.error.slow_receiver", GONE}
    node.wait_for(f"connection {connection} reads too slowly")
    if policy == "disconnect":
        assert worker.serve("disconnect")[1]["reason"] == "the connection reads too slowly"
    else:
        assert worker.ask_gateway("get", connection)["messages"]["dropped"] >= 1
        counted = worker.ask_gateway("statistics", "play")["play"]
        assert counted["dropped"] == 1 and counted["sent"] == sent[1:].count(True) and counted["queued_bytes"] > 0
        assert client.hear() == "x" * 60000


def test_what_a_route_has_seen_is_counted(start, port):
    start(document(port, play=route(procedures=("connect", "message", "disconnect")), quiet=route("quiet")))
    worker = Worker(port, "connect", "message", "disconnect")
    nothing = dict.fromkeys(("connections", "queued_bytes", "opened", "refused", "received", "sent", "dropped", "failed"), 0)
    assert worker.ask_gateway("statistics") == {"play": nothing, "quiet": nothing}
    links = [knock(port) for _ in range(5)]  # on both threads
    for verdict in (True, True, True, True, False):
        worker.serve("connect", verdict)
    links = [link for link in links if head_of(link).startswith(b"HTTP/1.1 101")]
    assert len(links) == 4
    for link in links:
        link.send_frame(TEXT, b"one")
        request, _ = worker.next_call("message")
        worker.answer(request, "answer")
        assert link.receive_frame()[1] == b"answer"
    assert worker.ask_gateway("broadcast", "play", "for all") == 4
    links[0].send_frame(TEXT, b"two")
    worker.refuse(worker.next_call("message")[0])
    links[0].send_frame(CLOSE, struct.pack("!H", 1000))
    worker.serve("disconnect")
    counted = worker.ask_gateway("statistics")
    assert counted == {"quiet": nothing, "play": {**nothing, "connections": 3, "opened": 4, "refused": 1, "received": 5,
                                                   "sent": 8, "failed": 1}}
    assert worker.ask_gateway("statistics", "quiet") == {"quiet": nothing}
    assert worker.ask_gateway("statistics", "nowhere") == {}
    assert worker.ask_gateway("statistics", 5) == "wamp.error.invalid_argument"


def test_the_worker_is_told_before_the_router_closes_connections(start, port):
    node = start(document(port, play=route(procedures=ALL), quiet=route("quiet")))
    worker = Worker(port, *ALL)
    plain = Plain(port, "/quiet")
    plain.say("x")
    worker.serve("message")
    link = knock(port)
    worker.serve("connect", True)
    connection = worker.serve("open")[0]
    node.process.send_signal(2)
    assert worker.serve("shutdown", "so long") == [connection]
    enter(link)
    assert link.receive_frame()[1] == b"so long"
    assert link.receive_close() == 1001
    link.send_frame(CLOSE, struct.pack("!H", 1001))
    link.close()
    assert worker.serve("disconnect")[0] == connection
    assert plain.expect_end() == 1001
    plain.close()
    assert worker.receive()[0] == 6  # only now GOODBYE
    worker.send([6, {}, "wamp.close.goodbye_and_out"])
    assert node.wait() == 0


def test_a_shutdown_that_no_worker_minds(start, port):
    node = start(document(port, play=route(procedures=ALL, timeout=30)))
    worker = Worker(port, *ALL)
    link = knock(port)
    worker.serve("connect", True)
    worker.next_call("open")
    node.process.send_signal(2)
    while worker.receive()[0] != 6:
        pass
    worker.send([6, {}, "wamp.close.goodbye_and_out"])
    assert node.wait() == 0


def test_compressed_connections(start, port):
    start(document(port, play=route(options={"compression": {"deflate": {}}})))
    worker = Worker(port, "message")
    client = Plain(port, headers={"Sec-WebSocket-Extensions": "permessage-deflate"})
    assert b"Sec-WebSocket-Extensions: permessage-deflate" in client.response
    client.say("plain text is allowed")
    connection = worker.serve("message")[0]["id"]
    assert worker.ask_gateway("broadcast", "play", "x" * 1000) == 1
    opcode, payload, rsv1 = client.receive_frame()
    assert opcode == TEXT and rsv1 and len(payload) < 100
    assert worker.ask_gateway("send", connection, "y" * 1000) is True
    assert client.receive_frame()[2]


def test_the_node_page_counts_them(start, port):
    start(nodes.config(port, realms=[nodes.realm(roles=ROLES)], paths={"play": route(), "info": {"type": "nodeinfo"}}))
    worker = Worker(port, "message")
    _client, _ = begin(port, worker)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=nodes.TIME)
    connection.request("GET", "/info")
    text = connection.getresponse().read().decode()
    assert ">1<" in text.split("Gateway connections")[1][:20]


def test_requests_without_an_upgrade(start, port):
    procedures = {"request": "app.request"}
    node = start(document(port, asked={**route(), "route": "asked", "procedures": procedures},
                          both={**route(), "procedures": {"message": "app.message", **procedures}}))

    def ask(method="GET", target="/asked/a?b=c", body=None, reply=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=nodes.TIME)
        connection.request(method, target, body)
        if reply is not None:
            request, [told] = worker.next_call("request")
            reply(request, told)
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read()

    assert ask()[0] == 503
    node.wait_for('route "asked": a request failed: wamp.error.no_such_procedure')
    worker = Worker(port, "request", "message")
    seen = []

    def value(request, told):
        seen.append(told)
        worker.answer(request, {"body": [{"a": 1}], "headers": {"X-Y": "z"}})

    assert ask(reply=value) == (200, "application/json; charset=utf-8", b'[{"a":1}]')
    assert ask("POST", "/both", "some text", value)[2] == b'[{"a":1}]'
    assert [(t["method"], t["path"], t["query"], t["body"]) for t in seen] == [
        ("GET", "/asked/a", {"b": "c"}, ""), ("POST", "/both", {}, "some text")]
    assert ask(reply=lambda request, _: worker.answer(request, {"status": 404, "body": "gone"}))[0] == 404
    assert ask(reply=lambda request, _: worker.answer(request, "no dictionary"))[0] == 500
    assert ask(reply=lambda request, _: worker.refuse(request, status=409))[0] == 409
    client = Plain(port, "/both")
    client.say("and WebSocket beside it")
    worker.serve("message", "yes")
    assert client.hear() == "yes"
