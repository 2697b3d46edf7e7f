"""Mailboxes of identities: what is sent to somebody who is away, in memory, in SQLite and in Redis."""

import json
import signal
import threading

import pytest

from support import node as nodes
from support.apps import Redis, until
from support.certificates import Authority
from support.cluster import TlsRedis
from support.wamp import Client
from test_gateway import GONE, ROLES, Plain, Worker, begin, route

FULL = "crosspoint.error.mailbox_full"
INVALID = "wamp.error.invalid_argument"
UNAVAILABLE = "wamp.error.unavailable"


def launch(directory, listen, options=None, **mailboxes):
    realm = nodes.realm(roles=ROLES, mailboxes={"type": "memory", **mailboxes})
    return nodes.Node(nodes.write_config(directory, nodes.config(listen, [realm], paths={"play": route(**(options or {}))})))


@pytest.fixture
def redis(tmp_path):
    directory = tmp_path / "redis"
    directory.mkdir()
    server = Redis(directory)
    server.start("--appendfsync", "always")
    yield server
    if server.process.poll() is None:
        server.stop()


@pytest.fixture(params=["sqlite", "redis"])
def durable(request):
    """Settings of a store that survives."""
    if request.param == "sqlite":
        return {"type": "sqlite", "path": "mailboxes.db"}
    return {"type": "redis", "port": request.getfixturevalue("redis").port}


def away(worker, identity):
    """Waits until the router knows that nobody is there."""
    until(lambda: worker.ask_gateway("identity", identity)["connections"] == 0)


def enter(port, worker, identity, **more):
    """A connection that has registered."""
    connection, number = begin(port, worker)
    answer = worker.ask_gateway("register_as", identity, connection=number, **more)
    assert set(answer) == {"connections", "messages"}, answer
    return connection


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_an_identity_is_notified_now_or_when_it_comes(tmp_path, serializer):
    port = nodes.free_port()
    node = launch(tmp_path, port)
    worker = Worker(port, "message", serializer=serializer)
    assert worker.ask_gateway("notify", "ann", "x") == {"exists": False}
    assert worker.ask_gateway("identity", "ann") is None
    ann = enter(port, worker, "ann", lifetime=600)
    answer = worker.ask_gateway("notify", "ann", "héllo")
    assert answer == {"exists": True, "id": answer["id"], "connections": 1}
    assert ann.hear() == "héllo"
    worker.ask_gateway("notify", "ann", {"a": [1, None]})
    assert json.loads(ann.hear()) == {"a": [1, None]}
    ann.leave()
    away(worker, "ann")
    waiting = [worker.ask_gateway("notify", "ann", f"waiting {number}") for number in range(20)]
    assert [answer["connections"] for answer in waiting] == [0] * 20
    assert sorted({answer["id"] for answer in waiting}) == [answer["id"] for answer in waiting]
    known = worker.ask_gateway("identity", "ann")
    assert known["messages"] == 20 and known["lifetime"] == 600 and known["max_connections"] == 1
    ann = enter(port, worker, "ann")
    assert [ann.hear() for _ in range(20)] == [f"waiting {number}" for number in range(20)]
    until(lambda: worker.ask_gateway("identity", "ann")["messages"] == 0)
    ann.leave()
    worker.close()
    assert node.stop() == 0


def test_a_wamp_session_is_notified_by_its_procedure(tmp_path):
    port = nodes.free_port()
    node = launch(tmp_path, port, timeout=1)
    worker = Worker(port, "message")
    first, second = Worker(port, "first"), Worker(port, "second")
    worker.ask_gateway("register_as", "bob", procedure="app.first")
    ids = [worker.ask_gateway("notify", "bob", value)["id"] for value in ("text", {"deep": [1.5]})]
    assert first.serve("first") == ["bob", ids[0], "text"]
    assert first.serve("first") == ["bob", ids[1], {"deep": [1.5]}]
    until(lambda: worker.ask_gateway("identity", "bob")["messages"] == 0)
    # One that fails does not have it, and gets no more.
    kept = worker.ask_gateway("notify", "bob", "kept")["id"]
    request, _ = first.next_call("first")
    first.refuse(request)
    away(worker, "bob")
    worker.ask_gateway("register_as", "bob", procedure="app.second")
    assert second.serve("second") == ["bob", kept, "kept"]
    until(lambda: worker.ask_gateway("identity", "bob")["messages"] == 0)
    # One that has left, too.
    second.close()
    until(lambda: worker.ask_gateway("notify", "bob", "later")["connections"] == 0)
    worker.ask_gateway("register_as", "bob", procedure="app.first")
    assert first.serve("first")[2] == "later"
    for client in (first, worker):
        client.close()
    assert node.stop() == 0


def test_a_procedure_gets_what_is_for_a_connection(tmp_path):
    """register_as with both: the connection is the receiver, and its worker decides what a message means to it."""
    port = nodes.free_port()
    node = launch(tmp_path, port)
    worker = Worker(port, "message")
    handler = Worker(port, "notified")
    (first, one), (second, two) = begin(port, worker), begin(port, worker)
    for connection in (one, two):
        worker.ask_gateway("register_as", "ann", connection=connection, procedure="app.notified", max_connections=2)
    number = worker.ask_gateway("notify", "ann", {"event": "note"})["id"]
    calls = [handler.serve("notified") for _ in range(2)]
    assert sorted(calls) == sorted(["ann", number, {"event": "note"}, connection] for connection in (one, two))
    # The message itself is not sent: the first thing that the connections hear is what comes now.
    worker.ask_gateway("broadcast", "play", "hello")
    assert [first.hear(), second.hear()] == ["hello", "hello"]
    # A connection that is gone is no receiver any more.
    first.leave()
    until(lambda: worker.ask_gateway("identity", "ann")["connections"] == 1)
    # Nor is one whose procedure does not answer: the message waits until it registers again.
    handler.close()
    number = worker.ask_gateway("notify", "ann", "later")["id"]
    away(worker, "ann")
    handler = Worker(port, "notified")
    assert worker.ask_gateway("register_as", "ann", connection=two, procedure="app.notified")["messages"] == 1
    assert handler.serve("notified") == ["ann", number, "later", two]
    until(lambda: worker.ask_gateway("identity", "ann")["messages"] == 0)
    # Again without: it is the connection that gets them.
    worker.ask_gateway("register_as", "ann", connection=two)
    worker.ask_gateway("notify", "ann", "directly")
    assert second.hear() == "directly"
    second.leave()
    for client in (handler, worker):
        client.close()
    assert node.stop() == 0


def test_requests_are_answered_in_their_order(tmp_path, redis):
    """What is asked behind register_as finds what that has done, however long it takes to find the connection and to
    store."""
    port = nodes.free_port()
    node = launch(tmp_path, port, type="redis", port=redis.port)
    worker = Worker(port, "message")
    links = [begin(port, worker) for _ in range(8)]  # on both threads
    nodes.freeze(redis.process.pid)
    try:
        requests = []
        for number, (_, connection) in enumerate(links):
            requests.append((worker.call("crosspoint.gateway.register_as", [f"i{number}"], {"connection": connection}),
                             {"connections": 1, "messages": 0}))
            requests.append((worker.call("crosspoint.gateway.notify", [f"i{number}", "at once"]), True))
            requests.append((worker.call("crosspoint.gateway.register_as", [f"i{number}"], {"connection": "0-0-0"}), GONE))
            requests.append((worker.call("crosspoint.gateway.notify", [f"i{number}", "again"]), True))
        # It is answered from memory: the router has all of the above when this is here.
        asked = worker.call("crosspoint.gateway.notify", ["nobody", "x"])
        replies = {}
        while asked not in replies:
            message = worker.receive()
            replies[message[1] if message[0] == 50 else message[2]] = message
    finally:
        redis.process.send_signal(signal.SIGCONT)
    assert replies[asked][3] == [{"exists": False}]
    assert list(replies) == [asked], "answered before it was stored"
    while len(replies) <= len(requests):
        message = worker.receive()
        replies[message[1] if message[0] == 50 else message[2]] = message
    for request, expected in requests:
        reply = replies[request]
        if reply[0] == 50:
            result = reply[3][0]
            assert result == expected or (expected is True and result["exists"] and result["connections"] == 1), reply
        else:
            assert reply[4] == expected
    for link, _ in links:
        assert [link.hear(), link.hear()] == ["at once", "again"]
        link.leave()
    worker.close()
    assert node.stop() == 0


def test_several_connections_of_an_identity_and_its_limit(tmp_path):
    port = nodes.free_port()
    node = launch(tmp_path, port)
    worker = Worker(port, "message")
    tabs = [enter(port, worker, "ann", max_connections=2) for _ in range(3)]
    worker.ask_gateway("notify", "ann", "to the last two")
    assert [tab.hear() for tab in tabs[1:]] == ["to the last two"] * 2
    tabs[0].say("still there")
    worker.serve("message", "but not ann")
    assert tabs[0].hear() == "but not ann"
    for tab in tabs:
        tab.leave()
    worker.close()
    assert node.stop() == 0


def test_confirmed_messages_are_sent_until_they_are(tmp_path):
    port = nodes.free_port()
    node = launch(tmp_path, port)
    worker = Worker(port, "message")
    ann = enter(port, worker, "ann", confirm=True)
    ids = [worker.ask_gateway("notify", "ann", text)["id"] for text in "abc"]
    assert [json.loads(ann.hear()) for _ in range(3)] == [
        {"identity": "ann", "id": number, "message": text} for number, text in zip(ids, "abc")]
    assert worker.ask_gateway("confirm", "ann", ids[1]) is True
    ann.leave()
    away(worker, "ann")
    ann = enter(port, worker, "ann", confirm=True)
    assert json.loads(ann.hear()) == {"identity": "ann", "id": ids[2], "message": "c"}
    assert worker.ask_gateway("confirm", "ann", ids[2]) is True
    assert worker.ask_gateway("identity", "ann")["messages"] == 0
    assert worker.ask_gateway("confirm", "bob", 1) == "crosspoint.error.no_such_identity"
    ann.leave()
    worker.close()
    assert node.stop() == 0


def test_more_may_wait_than_a_connection_takes_at_once(tmp_path):
    port = nodes.free_port()
    node = launch(tmp_path, port, options={"options": {"max_queued_bytes": 65536, "slow_receiver": "disconnect"}})
    worker = Worker(port, "message")
    ann = enter(port, worker, "ann")
    ann.leave()
    away(worker, "ann")
    texts = [chr(97 + number) * 40000 for number in range(20)]
    for text in texts:
        assert worker.ask_gateway("notify", "ann", text)["exists"]
    ann = enter(port, worker, "ann")
    assert [ann.hear() for _ in texts] == texts
    ann.leave()
    worker.close()
    assert node.stop() == 0


def test_what_is_wrong_is_said(tmp_path):
    port = nodes.free_port()
    node = launch(tmp_path, port, max_messages=3, max_mailbox_bytes=2000, max_identities=2)
    worker = Worker(port, "message")
    ask = worker.ask_gateway
    for arguments in ([], [1], [""], ["x" * 257], ["ann"], ["ann", "x", "y"]):
        assert ask("notify", *arguments) == INVALID
    link, connection = begin(port, worker)
    for keywords in ({}, {"connection": 1}, {"connection": connection, "procedure": 1},
                     {"connection": 1, "procedure": "a.b"},
                     {"connection": connection, "lifetime": 0}, {"connection": connection, "lifetime": "1"},
                     {"connection": connection, "max_connections": 1001}, {"connection": connection, "confirm": 1}):
        assert ask("register_as", "ann", **keywords) == INVALID, keywords
    assert ask("register_as", "ann", connection="0-0-0") == GONE
    assert ask("register_as", "ann", connection="nonsense") == GONE
    assert ask("identity", "ann") is None
    assert ask("register_as", "ann", connection=connection) == {"connections": 1, "messages": 0}
    assert ask("unregister", "ann", connection=connection) is True
    assert ask("unregister", "ann", connection=connection) is False
    assert ask("register_as", "bob", connection=connection) == {"connections": 1, "messages": 0}
    assert ask("register_as", "cid", connection=connection) == UNAVAILABLE
    assert ask("notify", "ann", "x" * 2000) == FULL
    for _ in range(3):
        assert ask("notify", "ann", "x")["exists"]
    assert ask("notify", "ann", "x") == FULL
    assert ask("confirm", "ann", "x") == INVALID
    link.leave()
    worker.close()
    assert node.stop() == 0


def test_a_mailbox_ends_with_its_lifetime(tmp_path):
    port = nodes.free_port()
    node = launch(tmp_path, port)
    worker = Worker(port, "message")
    ann = enter(port, worker, "ann", lifetime=1)
    ann.leave()
    until(lambda: worker.ask_gateway("notify", "ann", "x") == {"exists": False})
    worker.close()
    assert node.stop() == 0


def test_what_was_acknowledged_survives_kill_9(tmp_path, durable):
    port = nodes.free_port()
    node = launch(tmp_path, port, **durable)
    worker = Worker(port, "message")
    worker.ask_gateway("register_as", "bob", procedure="app.nobody", lifetime=3600)
    ann = enter(port, worker, "ann")
    worker.ask_gateway("notify", "ann", "now")
    assert ann.hear() == "now"
    ann.leave()
    away(worker, "ann")
    ids = [worker.ask_gateway("notify", "ann", {"number": number})["id"] for number in range(30)]
    worker.send([48, 1000, {}, "crosspoint.gateway.notify", ["ann", "last"]])
    reply = worker.receive()
    node.process.kill()  # at once behind the answer
    node.wait()
    assert reply[:2] == [50, 1000] and reply[3][0]["exists"]
    node = launch(tmp_path, port, **durable)
    worker = Worker(port, "message")
    assert worker.ask_gateway("identity", "bob")["lifetime"] == 3600
    ann = enter(port, worker, "ann")
    heard = [ann.hear() for _ in range(31)]
    if heard[0] == "now":  # delivered before, which the store had not heard of yet
        heard = [*heard[1:], ann.hear()]
    assert [json.loads(text)["number"] for text in heard[:-1]] == list(range(30)) and heard[-1] == "last"
    assert worker.ask_gateway("notify", "ann", "new")["id"] > max([*ids, reply[3][0]["id"]])
    assert ann.hear() == "new"
    ann.leave()
    worker.close()
    assert node.stop() == 0


def test_killed_in_the_middle_of_notifying(tmp_path, durable):
    """Whatever was acknowledged when the router was killed comes, in order; what was not may come."""
    port = nodes.free_port()
    node = launch(tmp_path, port, **durable)
    worker = Worker(port, "message")
    ann = enter(port, worker, "ann", lifetime=600)
    ann.leave()
    away(worker, "ann")
    sender = Client(port)
    acknowledged = []

    def read():
        try:
            while True:
                message = sender.receive()
                acknowledged.append(message[1])
                if len(acknowledged) == 50:
                    node.process.kill()
        except Exception:  # the router is gone
            pass

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, 900):
            sender.send([48, number, {}, "crosspoint.gateway.notify", ["ann", str(number)]])
    except OSError:
        pass
    reader.join(nodes.TIME)
    node.wait()
    assert len(acknowledged) >= 50
    node = launch(tmp_path, port, **durable)
    worker = Worker(port, "message")
    waiting = worker.ask_gateway("identity", "ann")["messages"]
    assert waiting >= len(acknowledged)
    ann = enter(port, worker, "ann")
    assert [ann.hear() for _ in range(waiting)] == [str(number) for number in range(1, waiting + 1)]
    ann.leave()
    worker.close()
    assert node.stop() == 0


def test_redis_may_be_killed_too(tmp_path, redis):
    port = nodes.free_port()
    node = launch(tmp_path, port, type="redis", port=redis.port, prefix="test:")
    worker = Worker(port, "message")
    ann = enter(port, worker, "ann", lifetime=600)
    ann.leave()
    away(worker, "ann")
    assert worker.ask_gateway("notify", "ann", "k\0ept")["exists"]
    redis.process.kill()
    redis.process.wait(nodes.TIME)
    # Nothing is acknowledged that is not stored, and the router goes on.
    assert worker.ask_gateway("notify", "ann", "refused") == UNAVAILABLE
    assert worker.ask_gateway("register_as", "cid", procedure="app.cid") == UNAVAILABLE
    assert worker.ask_gateway("identity", "cid") is None
    node.process.kill()
    node.wait()
    redis.start("--appendfsync", "always")
    node = launch(tmp_path, port, type="redis", port=redis.port, prefix="test:")
    worker = Worker(port, "message")
    ann = enter(port, worker, "ann")
    assert ann.hear() == "k\0ept"
    assert worker.ask_gateway("notify", "ann", "new")["exists"]
    assert ann.hear() == "new"
    until(lambda: redis.cli("--raw", "KEYS", "*") == "test:mailboxes")
    redis.process.kill()
    redis.process.wait(nodes.TIME)
    redis.start("--appendfsync", "always")
    # The connection to it is lost, which costs one answer; then there is another.
    until(lambda: worker.ask_gateway("notify", "ann", "again") != UNAVAILABLE)
    assert ann.hear() == "again"
    ann.leave()
    worker.close()
    assert node.stop() == 0


def test_what_was_delivered_while_redis_was_away_does_not_come_again(tmp_path, redis):
    settings = {"type": "redis", "port": redis.port}
    port = nodes.free_port()
    node = launch(tmp_path, port, **settings)
    worker, handler = Worker(port, "message"), Worker(port, "handler")
    worker.ask_gateway("register_as", "ann", procedure="app.handler", lifetime=600)
    for text in ("one", "two"):
        assert worker.ask_gateway("notify", "ann", text)["exists"]
    request, args = handler.next_call("handler")
    assert args[2] == "one"
    redis.process.kill()
    redis.process.wait(nodes.TIME)
    handler.answer(request)
    assert handler.serve("handler")[2] == "two"
    node.wait_for("changes could not be written")
    until(lambda: worker.ask_gateway("identity", "ann")["messages"] == 0)
    redis.start("--appendfsync", "always")
    node.wait_for("what could not be written before is, for 1 identities")
    until(lambda: redis.cli("ZCARD", "crosspoint:realm1:mailbox:ann") == "0")
    node.process.kill()
    node.wait()
    node = launch(tmp_path, port, **settings)
    worker, handler = Worker(port), Worker(port, "handler")
    assert worker.ask_gateway("register_as", "ann", procedure="app.handler") == {"connections": 1, "messages": 0}
    assert worker.ask_gateway("notify", "ann", "three")["exists"]
    assert handler.serve("handler")[2] == "three"
    for client in (handler, worker):
        client.close()
    assert node.stop() == 0


def test_a_store_that_cannot_be_used_stops_the_start(tmp_path, redis):
    port = nodes.free_port()
    realm = nodes.realm(mailboxes={"type": "redis", "port": nodes.free_port()})
    node = nodes.Node(nodes.write_config(tmp_path, nodes.config(port, [realm])), wait=False)
    assert node.wait() == 1
    assert 'realm "realm1": mailboxes: Redis at 127.0.0.1' in node.output()
    redis.cli("CONFIG", "SET", "appendfsync", "everysec")
    node = launch(tmp_path, port, type="redis", port=redis.port)
    node.wait_for('appendonly "yes" and appendfsync "everysec"')
    assert node.stop() == 0


@pytest.mark.parametrize("record", ['{"lifetime": "5"}', '{"lifetime": -1}', '{"lifetime": 4294967296}',
                                    '{"max_connections": 1.5}', '{"confirm": 1}', '{"expires": "never"}', "[]", "{"])
def test_a_record_in_redis_that_cannot_be_read_stops_the_start(tmp_path, redis, record):
    redis.cli("HSET", "crosspoint:realm1:mailboxes", "joe", record)
    realm = nodes.realm(mailboxes={"type": "redis", "port": redis.port})
    node = nodes.Node(nodes.write_config(tmp_path, nodes.config(nodes.free_port(), [realm])), wait=False)
    assert node.wait() == 1
    problem = f'mailboxes: Redis at 127.0.0.1:{redis.port}: the record of mailbox "joe" cannot be read'
    assert sum(problem in line for line in node.output().splitlines()) == 1


def test_mailboxes_in_redis_with_user_password_database_and_tls(tmp_path):
    authority = Authority(tmp_path / "ca")
    trusted = Authority(tmp_path / "clients", "Client CA")
    (tmp_path / "redis").mkdir()
    server = TlsRedis(tmp_path / "redis", authority, trusted=trusted)
    options = ["--appendfsync", "always", "--user", "joe", "on", ">s3cr:t", "~*", "+@all"]
    server.start(*options)
    key, certificate = trusted.issue("node")
    settings = {"type": "redis", "redis": f"rediss://joe:s3cr%3At@localhost:{server.port}/5",
                "tls": {"ca_certificates": [authority.file], "key": key, "certificate": certificate}}
    port = nodes.free_port()
    node = launch(tmp_path, port, **settings)
    worker = Worker(port, "message")
    enter(port, worker, "ann", lifetime=600).leave()
    away(worker, "ann")
    assert worker.ask_gateway("notify", "ann", "first")["exists"]
    assert server.cli("-n", "5", "ZCARD", "crosspoint:realm1:mailbox:ann") == "1"
    server.process.kill()
    server.process.wait(nodes.TIME)
    assert worker.ask_gateway("notify", "ann", "refused") == UNAVAILABLE
    server.start(*options)
    until(lambda: worker.ask_gateway("notify", "ann", "again") != UNAVAILABLE)
    ann = enter(port, worker, "ann")
    assert [ann.hear(), ann.hear()] == ["first", "again"]
    ann.leave()
    worker.close()
    assert node.stop() == 0
    output = node.output()
    node = nodes.Node(nodes.write_config(tmp_path, nodes.config(nodes.free_port(), [nodes.realm(mailboxes={
        **settings, "redis": settings["redis"].replace("s3cr", "wrong")})])), wait=False)
    assert node.wait() == 1
    assert f'realm "realm1": mailboxes: Redis at localhost:{server.port}: AUTH: WRONGPASS' in node.output()
    assert "s3cr" not in output and "wrong" not in node.output()
    server.stop()


def test_a_store_that_hangs_holds_up_nobody_else(tmp_path, redis):
    port = nodes.free_port()
    node = launch(tmp_path, port, type="redis", port=redis.port)
    worker, other = Worker(port, "message"), Worker(port)
    ann = enter(port, worker, "ann")
    nodes.freeze(redis.process.pid)
    try:
        request = worker.call("crosspoint.gateway.notify", ["ann", "later"])
        assert other.ask_gateway("list") == other.ask_gateway("list", "play") != []
        assert other.ask_gateway("identity", "ann")["connections"] == 1
        other.ask_gateway("broadcast", "play", "at once")
        assert ann.hear() == "at once"
    finally:
        redis.process.send_signal(signal.SIGCONT)
    reply = worker.receive_but_calls()
    assert reply[:2] == [50, request] and reply[3][0]["exists"], reply
    assert ann.hear() == "later"
    ann.leave()
    for client in (worker, other):
        client.close()
    assert node.stop() == 0
