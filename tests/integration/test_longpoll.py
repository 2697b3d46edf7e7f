"""WAMP over HTTP long-polling: the requests one by one, and sessions that behave like any other."""

import http.client
import json
import socket
import threading

import pytest

from support import node as nodes
from support.http import post, request
from support.wamp import SERIALIZERS, Client, Wamp, decode, encode

LIMITS = {"request_timeout": 1, "session_timeout": 2}
AUTH = {"ticket": {"type": "static", "principals": {"joe": {"ticket": "secret", "role": "anonymous"}}}}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    port = nodes.free_port()
    paths = {
        "lp": {"type": "longpoll"},
        "quick": {"type": "longpoll", "options": LIMITS},
        "small": {"type": "longpoll", "options": {"queue_limit_messages": 10, "transport_limit": 2}},
        "bytes": {"type": "longpoll", "options": {"queue_limit_bytes": 10_000}},
        "fixed": {"type": "longpoll", "options": {"debug_transport_id": "me"}},
        "auth": {"type": "longpoll", "auth": AUTH},
    }
    directory = nodes.write_config(tmp_path_factory.mktemp("longpoll") / ".crossbar", nodes.config(port, paths=paths))
    node = nodes.Node(directory)
    yield port, node
    assert node.stop() == 0


class Poller(Wamp):
    """A WAMP client over long-polling. It sends and receives over one connection each."""

    def __init__(self, port, serializer="json", path="/lp", join=True, realm="realm1", details=None):
        self.port = port
        self.senders = [http.client.HTTPConnection("127.0.0.1", port, timeout=nodes.TIME) for _ in range(2)]
        self.receiver = http.client.HTTPConnection("127.0.0.1", port, timeout=nodes.TIME)
        status, answer = post(port, path + "/open", {"protocols": ["wamp.2.other", 5, f"wamp.2.{serializer}"]})
        assert status == 200 and answer["protocol"] == f"wamp.2.{serializer}"
        self.base = f"{path}/{answer['transport']}"
        self.begin(serializer, realm, join, details)

    def send(self, message):
        self.senders.append(self.senders.pop(0))  # connections may be served by different I/O threads
        response, body = request(self.port, "POST", self.base + "/send", encode(self.serializer, message),
                                 connection=self.senders[0])
        assert response.status == 204 and body == b"", (response.status, body)

    def poll(self):
        return request(self.port, "POST", self.base + "/receive", connection=self.receiver)

    def receive(self):
        while True:
            response, body = self.poll()
            assert response.status in (200, 204), response.status
            if response.status == 200:
                return decode(self.serializer, body)

    def close(self):
        response, _ = request(self.port, "POST", self.base + "/close", connection=self.receiver)
        for connection in (*self.senders, self.receiver):
            connection.close()
        return response.status


@pytest.mark.parametrize("serializer,media_type", [
    ("json", "application/json; charset=utf-8"), ("msgpack", "application/x-msgpack"), ("cbor", "application/cbor"),
    ("ubjson", "application/ubjson")])
def test_messages_have_the_media_type_of_their_serializer(site, serializer, media_type):
    client = Poller(site[0], serializer, join=False)
    client.send([1, "realm1", {"roles": {"caller": {}}}])
    response, body = client.poll()
    assert response.headers["Content-Type"] == media_type and decode(serializer, body)[0] == 2


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_a_session_behaves_like_any_other(site, serializer):
    port, _ = site
    client, other = Poller(port, serializer), Client(port)
    # Publish and subscribe, both ways.
    subscription = client.subscribe("com.lp.topic")
    other.subscribe("com.lp.topic")
    for i in range(5):
        other.publish("com.lp.topic", [i, "ü"], {"k": i})
    events = [client.receive() for _ in range(5)]
    assert [event[4:] for event in events] == [[[i, "ü"], {"k": i}] for i in range(5)]
    assert all(event[:2] == [36, subscription] for event in events)
    client.publish("com.lp.topic", ["x" * 100_000], acknowledge=True)
    assert other.receive()[4] == ["x" * 100_000]
    # Calls, both ways.
    client.register("com.lp.echo")
    other.register("com.other.echo")
    call = other.call("com.lp.echo", ["y" * 300_000])
    invocation = client.receive()
    client.send([70, invocation[1], {}, invocation[4]])
    result = other.receive()
    assert result[:2] == [50, call] and result[3] == ["y" * 300_000]
    call = client.call("com.other.echo", [1])
    invocation = other.receive()
    other.send([70, invocation[1], {}, [2]])
    result = client.receive()
    assert result[:2] == [50, call] and result[3] == [2]
    # Its session is told of, and its end as well.
    other.subscribe("wamp.session.on_leave")
    assert client.nothing_comes()
    assert client.close() == 204
    left = other.receive()
    assert left[0] == 36 and left[4][0] == client.session
    other.close()


def test_goodbye(site):
    client = Poller(site[0])
    client.send([6, {}, "wamp.close.close_realm"])
    assert client.receive()[0] == 6
    assert client.join()[0] == 2  # another session on the same transport
    assert client.close() == 204


def test_polls_wait_and_are_answered_empty_in_time(site):
    port, _ = site
    client = Poller(port, path="/quick")
    response, body = client.poll()
    assert response.status == 204 and body == b""
    # A poll that waits is answered as soon as there is something.
    answers = []
    thread = threading.Thread(target=lambda: answers.append(client.receive()))
    thread.start()
    client.request += 1
    client.send([48, client.request, {}, "com.certainly.nothing"])
    thread.join(nodes.TIME)
    assert answers[0][:3] == [8, 48, client.request]
    # A second poll takes the place of the first.
    first = socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME)
    first.sendall(f"POST {client.base}/receive HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
    client.poll()
    assert first.recv(65536).startswith(b"HTTP/1.1 204 ")
    # One whose client has gone gets no message.
    first.sendall(f"POST {client.base}/receive HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
    first.close()
    client.poll()
    assert client.nothing_comes()
    client.close()


def test_a_client_that_does_not_poll_is_gone_in_time(site):
    port, node = site
    seen = len(node.lines)
    client = Poller(port, path="/quick")
    for _ in range(3):  # polls keep it alive for longer than session_timeout
        assert client.poll()[0].status == 204
    node.wait_for(f"session {client.session} left .*: nobody polled in time", after=seen)
    response, _ = client.poll()
    assert response.status == 404


def test_responses(site):
    port, _ = site
    headers = {"Origin": "http://example.com"}
    response, body = request(port, "POST", "/lp/open", json.dumps({"protocols": ["wamp.2.json"]}), headers)
    base = "/lp/" + json.loads(body)["transport"]
    assert response.getheader("Access-Control-Allow-Origin") == "http://example.com"
    assert response.getheader("Access-Control-Allow-Credentials") == "true"
    assert response.getheader("Content-Type") == "application/json; charset=utf-8"
    assert "no-store" in response.getheader("Cache-Control")
    response, body = request(port, "OPTIONS", base + "/send", headers={**headers, "Access-Control-Request-Headers": "content-type"})
    assert response.status == 200 and response.getheader("Access-Control-Allow-Methods") == "POST,GET,OPTIONS"
    assert response.getheader("Access-Control-Allow-Headers") == "content-type"
    response, body = request(port, "GET", base)
    assert json.loads(body) == {"transport": base[4:], "session": None}
    request(port, "POST", base + "/send", json.dumps([1, "realm1", {"roles": {"caller": {}}}]))
    response, body = request(port, "POST", base + "/receive?x=17", headers=headers)
    welcome = json.loads(body)
    assert response.getheader("Content-Type").startswith("application/json") and welcome[0] == 2
    assert json.loads(request(port, "GET", base)[1])["session"] == welcome[1]
    response, _ = request(port, "GET", "/lp")
    assert response.status == 200 and response.getheader("Content-Type").startswith("text/html")
    assert request(port, "POST", base + "/close")[0].status == 204
    for path in (base + "/close", base + "/send", base + "/receive", "/lp/nothing/receive"):
        assert request(port, "POST", path)[0].status == 404


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"protocols": "wamp.2.json"}', '{"protocols": []}',
                                  '{"protocols": ["wamp.2.flatbuffers", "wamp.2.json.batched"]}', "[" * 100_000])
def test_what_opens_no_transport(site, body):
    response, text = request(site[0], "POST", "/lp/open", body)
    assert response.status == 400 and text and response.getheader("Content-Type").startswith("text/plain")


def test_methods(site):
    port, _ = site
    client = Poller(port)
    for method, path in (("GET", "/lp/open"), ("GET", client.base + "/receive"), ("PUT", client.base + "/send"),
                         ("POST", client.base), ("DELETE", client.base), ("POST", "/lp")):
        assert request(port, method, path)[0].status in (404, 405), (method, path)
    assert request(port, "PUT", client.base + "/send")[0].getheader("Allow") == "POST"
    assert request(port, "POST", client.base + "/other")[0].status == 404
    client.close()


@pytest.mark.parametrize("message", [b"rubbish", b"[]", b"[1, 2, 3]", b'[48, 1, {}, "\xff"]', b""])
def test_a_broken_message_ends_the_transport(site, message):
    client = Poller(site[0])
    response, _ = request(site[0], "POST", client.base + "/send", message)
    assert response.status == 400
    if b"\xff" not in message:
        assert client.receive()[::2] == [3, "wamp.error.protocol_violation"]
    assert client.poll()[0].status in (204, 404)
    assert client.poll()[0].status == 404


def test_signing_in(site):
    client = Poller(site[0], path="/auth", join=False)
    assert client.join(details={"authmethods": ["ticket"], "authid": "joe"})[:2] == [4, "ticket"]
    client.send([5, "secret", {}])
    welcome = client.receive()
    assert welcome[0] == 2 and welcome[2]["authid"] == "joe"
    client.close()
    assert Poller(site[0], path="/auth", join=False).join()[0] == 3


def test_too_many_messages_end_the_session(site):
    port, node = site
    client, other = Poller(port, path="/small"), Client(port)
    client.subscribe("com.lp.many")
    seen = len(node.lines)
    for i in range(12):
        other.publish("com.lp.many", [i])
    node.wait_for(f"session {client.session} left .*: too many messages", after=seen)
    other.close()


def test_too_many_bytes_end_the_session(site):
    port, node = site
    client, other = Poller(port, path="/bytes"), Client(port)
    client.subscribe("com.lp.bytes")
    other.publish("com.lp.bytes", ["x" * 200_000])  # a single one may be as long as it likes
    assert client.receive()[4] == ["x" * 200_000]
    seen = len(node.lines)
    for _ in range(4):
        other.publish("com.lp.bytes", ["x" * 6000])
    node.wait_for(f"session {client.session} left .*: the session reads too slowly", after=seen)
    other.close()


def test_transports_are_counted(site):
    port, node = site
    open_one = {"protocols": ["wamp.2.json"]}
    opened = [request(port, "POST", "/small/open", json.dumps(open_one)) for _ in range(3)]
    codes = [response.status for response, _ in opened]
    assert codes == [200, 200, 503]
    for response, body in opened[:2]:
        assert request(port, "POST", f"/small/{json.loads(body)['transport']}/close")[0].status == 204
    assert request(port, "POST", "/small/open", json.dumps(open_one))[0].status == 200


def test_ids_are_long_and_random_unless_fixed(site):
    port, _ = site
    ids = {post(port, "/lp/open", {"protocols": ["wamp.2.json"]})[1]["transport"] for _ in range(20)}
    assert len(ids) == 20 and all(len(one) == 32 for one in ids)
    for _ in range(2):
        assert post(port, "/fixed/open", {"protocols": ["wamp.2.cbor"]})[1] == {"transport": "me", "protocol": "wamp.2.cbor"}
        response, _ = request(port, "POST", "/fixed/open", '{"protocols": ["wamp.2.cbor"]}')
        assert response.status == 503  # there can be only one
        assert request(port, "POST", "/fixed/me/close")[0].status == 204


def test_the_router_says_goodbye(start, port):
    node = start(nodes.config(port, paths={"lp": {"type": "longpoll"}}))
    client = Poller(port)
    assert client.nothing_comes()  # both of its connections for sending are there
    stopping = threading.Thread(target=node.stop)
    stopping.start()
    goodbye = client.receive()
    assert goodbye[0] == 6 and goodbye[2] == "wamp.close.system_shutdown"
    client.send([6, {}, "wamp.close.goodbye_and_out"])
    stopping.join(nodes.TIME)
    assert node.process.returncode == 0


def test_many_sessions_on_all_threads(site):
    port, _ = site
    clients = [Poller(port) for _ in range(12)]
    for client in clients:
        client.subscribe("com.lp.all")
    sender = Client(port)
    for i in range(10):
        sender.publish("com.lp.all", [i])
    for client in clients:
        assert [client.receive()[4] for _ in range(10)] == [[i] for i in range(10)]
        assert client.close() == 204
    sender.close()


def in_background(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_ten_thousand_progressive_results(site):
    """A hundred times as many as may wait for the client: the callee is held back."""
    port, _ = site
    caller, callee = Poller(port), Client(port)
    callee.register("com.lp.stream")
    caller.send([48, 1, {"receive_progress": True}, "com.lp.stream"])
    invocation = callee.receive()[1]

    def stream():
        for start in range(0, 10_000, 500):
            callee.send_many([[70, invocation, {"progress": True}, [n]] for n in range(start, start + 500)])
        callee.send([70, invocation, {}, ["end"]])

    sending = in_background(stream)
    for n in range(10_000):
        result = caller.receive()
        assert result[:2] == [50, 1] and result[2]["progress"] is True and result[3] == [n], result
    assert caller.receive()[3] == ["end"]
    sending.join(nodes.TIME)
    assert caller.close() == 204


def test_a_call_in_a_thousand_pieces(site):
    port, _ = site
    callee, caller = Poller(port), Client(port)
    callee.register("com.lp.upload")
    pieces = [[48, 7, {"progress": True}, "com.lp.upload", [n]] for n in range(1000)]
    sending = in_background(lambda: caller.send_many([*pieces, [48, 7, {}, "com.lp.upload", ["end"]]]))
    for n in range(1000):
        invocation = callee.receive()
        assert invocation[0] == 68 and invocation[3]["progress"] is True and invocation[4] == [n], invocation
    invocation = callee.receive()
    assert invocation[4] == ["end"]
    callee.send([70, invocation[1], {}, ["stored"]])
    assert caller.receive()[3] == ["stored"]
    sending.join(nodes.TIME)
    assert callee.close() == 204
