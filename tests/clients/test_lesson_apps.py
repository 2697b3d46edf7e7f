"""The apps of lessons 4 to 6, the ZeroMQ service, the page of Redis keys and the guests, each with nothing but what it needs."""

import concurrent.futures
import json
import os
import stat
import subprocess
import threading

import pytest
import zmq

from support import node as nodes
from support.apps import App, Http, documents, endpoint, until
from support.wamp import Client


# Lesson 4: users.

def test_the_app_of_lesson_4_greets(app4):
    assert app4.open("GET", "/lesson-4/whatever")[:2] == (200, "Hello, whatever\n")


def test_a_user_is_added_once_and_logs_in(app4, db):
    status, user, _ = app4.open("POST", "/user", {"name": " my user "})
    assert status == 201 and user["name"] == "my user"
    assert app4.open("POST", "/user", {"name": "my user"})[0] == 409
    assert app4.open("POST", "/login", {"name": "my user", "password": user["password"]})[:2] == (200, {"token": user["token"]})
    assert app4.open("POST", "/login", {"name": "my user", "password": "wrong"})[0] == 401
    assert app4.open("POST", "/login", {"name": "nobody", "password": "wrong"})[0] == 401
    [document] = documents(db, "users")
    assert document["token"] == user["token"] and user["password"] not in json.dumps(document)
    [path] = (db / "users" / "data").iterdir()
    assert path.name == "my%20user.json" and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert user["token"] not in app4.program.output() and user["password"] not in app4.program.output()


@pytest.mark.parametrize("body, status", [
    ({}, 400), ({"name": ""}, 400), ({"name": 1}, 400), ({"name": "  "}, 400), ({"name": "a\nb"}, 400),
    ({"name": "x" * 65}, 400), ([], 400), ({"name": "../../../../tmp/x"}, 201), ({"name": "x" * 64}, 201),
    ({"name": "a" * 70000}, 413)])
def test_names(app4, db, body, status):
    assert app4.open("POST", "/user", body)[0] == status
    assert len(documents(db, "users")) == (status == 201)


def test_only_json_is_taken(app4):
    assert app4.open("POST", "/user", raw='{"name": "x"}', headers={"Content-Type": "text/plain"})[0] == 415
    assert app4.open("POST", "/user", raw='{"name": ', headers={"Content-Type": "application/json"})[0] == 400


def test_the_token_is_for_our_own_programs_only(app4):
    token = app4.open("POST", "/user", {"name": "my user"})[1]["token"]
    assert app4.internal("GET", "/auth?name=my%20user")[:2] == (200, token + "\n")
    assert app4.internal("GET", "/auth?name=nobody")[0] == 404
    internal = f"127.0.0.1:{app4.internal.port}"
    for headers in ({}, {"Host": internal}, {"Host": "app_4"}, {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": internal}):
        assert app4.open("GET", "/auth?name=my%20user", headers=headers)[0] == 404
    assert app4.internal("POST", "/login", {"name": "my user", "password": "x"})[0] == 404


def test_only_the_login_is_for_scripts_of_other_pages(app4):
    asked = {"Origin": "http://localhost:8081", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "content-type"}
    status, _, headers = app4.open("OPTIONS", "/login", headers=asked)
    assert status == 204 and headers["Access-Control-Allow-Origin"] == "*"
    assert "content-type" in headers["Access-Control-Allow-Headers"].lower()
    assert app4.open("POST", "/login", {"name": "a", "password": "b"})[2]["Access-Control-Allow-Origin"] == "*"
    status, _, headers = app4.open("OPTIONS", "/user", headers=asked)
    assert status == 404 and "Access-Control-Allow-Origin" not in headers


def test_of_many_at_a_time_one_gets_the_name_and_files_are_never_half_written(app4, db):
    stop = threading.Event()
    broken = []

    def look():
        while not stop.is_set():
            try:
                documents(db, "users")
            except ValueError as error:
                broken.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        same = list(pool.map(lambda _: app4.open("POST", "/user", {"name": "one"})[0], range(16)))
        others = list(pool.map(lambda i: app4.open("POST", "/user", {"name": f"user {i}"})[0], range(30)))
    stop.set()
    reader.join()
    assert sorted(same) == [201] + [409] * 15 and others == [201] * 30 and not broken
    assert len(documents(db, "users")) == 31
    assert [path.name for path in (db / "users").iterdir()] == ["data"], "no temporary file is left"


def test_a_port_in_use_is_told(run, app4, db):
    again = run("lesson_4_app", {"APP_4_ADDRESS": f"127.0.0.1:{app4.open.port}", "WORKSHOP_DB": str(db)})
    assert again.wait() == 1
    assert "Cannot listen on 127.0.0.1:" in again.output()


# Lesson 5: threads and messages.

def test_threads_and_who_may_use_them(app5, db):
    status, thread, _ = app5.open("POST", "/thread", {"name": "my user", "title": "Some thread"})
    assert (status, thread["thread"]) == (201, "some-thread")
    assert app5.open("POST", "/thread", {"name": "my user", "title": "Some thread"})[0] == 200
    assert len(documents(db, "threads")) == 1
    assert app5.internal("GET", "/access?thread=some-thread&user=my%20user")[0] == 204
    assert app5.internal("GET", "/access?thread=some-thread&user=other")[0] == 403
    assert app5.internal("GET", "/access?thread=other&user=my%20user")[0] == 403
    assert app5.internal("GET", "/access")[0] == 403
    assert app5.open("POST", "/thread", {"name": "my user", "title": "?!"})[0] == 400
    long = {"name": "ä" * 32, "title": "ö" * 32}
    assert app5.open("POST", "/thread", long)[0] == 201, "longer than a file's name can be"


def test_messages_are_stored_by_our_own_programs_only(app5, db):
    app5.open("POST", "/thread", {"name": "my user", "title": "some thread"})
    message = {"user": "my user", "thread": "some-thread", "message": "Hello\n\x01 \"you\" ☺"}
    assert app5.internal("POST", "/message", message)[0] == 201
    assert app5.internal("POST", "/message", {**message, "user": "other"})[0] == 403
    assert app5.internal("POST", "/message", {**message, "message": ""})[0] == 400
    assert app5.open("POST", "/message", message)[0] == 404
    assert app5.open("GET", "/access?thread=some-thread&user=my%20user")[0] == 404
    [stored] = documents(db, "messages")
    assert {key: stored[key] for key in message} == message


def test_a_message_that_comes_twice_is_stored_once(app5, db):
    app5.open("POST", "/thread", {"name": "my user", "title": "some thread"})
    message = {"id": "../1", "user": "my user", "thread": "some-thread", "message": "Hello"}
    first = app5.internal("POST", "/message", message)
    assert first[:2] == (201, {"id": "%2e%2e%2f1"}) and app5.internal("POST", "/message", message)[:2] == first[:2]
    assert [path.name for path in (db / "messages" / "data").iterdir()] == ["%2e%2e%2f1.json"]
    for wrong in ("", 1, None):
        assert app5.internal("POST", "/message", {**message, "id": wrong})[0] == 400
    assert app5.internal("POST", "/message", {**message, "id": "2"})[:2] == (201, {"id": "2"})
    assert len(documents(db, "messages")) == 2


def test_an_app_whose_disk_does_not_take_a_message_says_so(app5, db):
    app5.open("POST", "/thread", {"name": "my user", "title": "some thread"})
    (db / "messages").write_text("in the way")
    message = {"user": "my user", "thread": "some-thread", "message": "Hello"}
    assert app5.internal("POST", "/message", message)[0] == 503
    app5.program.wait_for("Error at POST /message: creating .* failed: Not a directory")


# Lesson 6: ZeroMQ.

def zmq_service(run, db, address):
    return run("lesson_6_zmq_finished", {"ZMQ_MESSAGES": address, "WORKSHOP_DB": str(db)})


def test_the_zmq_service_stores_what_arrives(run, app5, db, pipes):
    app5.open("POST", "/thread", {"name": "my user", "title": "some thread"})
    address = endpoint()
    sender = pipes(zmq.DEALER, "connect", address)
    message = {"user": "my user", "thread": "some-thread", "message": "before it was there"}

    def send(number, text):
        sender.send_multipart([str(number).encode(), text if isinstance(text, bytes) else json.dumps(text).encode()])

    send(1, message)
    service = zmq_service(run, db, address)
    service.wait_for("Saved the message")
    send(2, b"\xff no JSON")
    sender.send(b"no id")
    send("3" * 101, {**message, "message": "an id that is too long"})
    send(4, {**message, "user": "other"})
    send(5, {**message, "message": "and after all that"})
    # What is not worth anything is done with as well; what has no id is nothing that could be answered.
    assert [sender.recv() for _ in range(4)] == [b"1", b"2", b"4", b"5"]
    service.wait_for('Error: .*"other" may not write to "some-thread"')
    service.wait_for("dropped something that is not an id and a text")
    assert [d["message"] for d in documents(db, "messages")] == ["before it was there", "and after all that"]


def test_the_zmq_service_stores_once_what_comes_twice(run, app5, db, pipes):
    """Its answer got lost: it is asked again, also after it was started again."""
    app5.open("POST", "/thread", {"name": "my user", "title": "some thread"})
    address = endpoint()
    sender = pipes(zmq.DEALER, "connect", address)
    message = {"id": "17", "user": "my user", "thread": "some-thread", "message": "Hello"}

    def asks():
        sender.send_multipart([b"1", json.dumps(message).encode()])
        return sender.recv()

    service = zmq_service(run, db, address)
    assert asks() == b"1" and asks() == b"1"
    assert sum("Got" in line for line in service.lines) == 1
    service.process.kill()
    service.wait()
    service = zmq_service(run, db, address)
    service.wait_for("Listening for ZeroMQ")
    assert asks() == b"1"
    service.wait_for("Got")
    assert [d["message"] for d in documents(db, "messages")] == ["Hello"]


def test_what_the_zmq_service_cannot_store_is_not_answered(run, app5, db, pipes):
    """Its disk does not take it: then the message has to come again."""
    app5.open("POST", "/thread", {"name": "my user", "title": "some thread"})
    (db / "messages").write_text("in the way")
    address = endpoint()
    sender = pipes(zmq.DEALER, "connect", address)
    parts = [b"1", json.dumps({"user": "my user", "thread": "some-thread", "message": "Hello"}).encode()]
    service = zmq_service(run, db, address)
    sender.send_multipart(parts)
    service.wait_for("Error: creating .* failed: Not a directory, trying again")
    (db / "messages").unlink()
    sender.send_multipart(parts)
    assert sender.recv() == b"1"
    service.wait_for("It works again")
    assert len(documents(db, "messages")) == 1
    with pytest.raises(zmq.Again):
        sender.recv(zmq.NOBLOCK)


def test_the_zmq_service_waits_for_its_port(run, db, pipes):
    address = endpoint()
    other = pipes(zmq.PULL, "bind", address)
    service = zmq_service(run, db, address)
    service.wait_for("Address already in use, trying again")
    other.close()
    service.wait_for("Listening for ZeroMQ messages")


def broadcast_app(run, db, address, **environment):
    return App(run, 6, db, "lesson_6_app_finished", ZMQ_BROADCAST=address, **environment)


def test_a_broadcast_goes_to_the_broadcaster_also_when_that_is_late(run, db, pipes):
    address = endpoint()
    app = broadcast_app(run, db, address, BROADCAST_PASSWORD="abc123")
    assert app.open("POST", "/broadcast", {"password": "abc123", "message": "Test broadcast"})[:2] == (204, "")
    assert app.open("POST", "/broadcast", {"password": "abc124", "message": "Test broadcast"})[0] == 403
    assert app.open("POST", "/broadcast", {"message": "Test broadcast"})[0] == 400
    broadcaster = pipes(zmq.ROUTER, "bind", address)
    sender, number, text = broadcaster.recv_multipart()
    assert text == b"Test broadcast"
    app.program.wait_for("ZeroMQ at .*: nobody answers, trying again")
    assert broadcaster.recv_multipart() == [sender, number, text]
    assert len(documents(db, "outbox-broadcasts")) == 1
    broadcaster.send_multipart([sender, number])
    app.program.wait_for("messages are taken again")
    until(lambda: not documents(db, "outbox-broadcasts"))
    assert "abc123" not in app.program.output()


def test_what_is_in_the_outbox_waits_for_the_next_start_or_is_wiped(run, db, pipes):
    address = endpoint()
    app = broadcast_app(run, db, address, BROADCAST_PASSWORD="a")
    for text in ("one", "two", "three"):
        assert app.open("POST", "/broadcast", {"password": "a", "message": text})[0] == 204
    app.stop()
    app.program.wait_for("Ending; left in the outbox for the next start: 3")
    app.start()
    app.program.wait_for("In the outbox from before: 3")
    app.program.wait_for("nobody answers")
    wiped = subprocess.run([nodes.ROOT / "bin/clear-db"], env={**os.environ, "WORKSHOP_DB": str(db)}, capture_output=True,
                           text=True, check=True)
    assert wiped.stdout == "clear-db: 3 documents wiped\n" and not documents(db, "outbox-broadcasts")
    app.program.wait_for("messages are taken again")
    assert app.open("POST", "/broadcast", {"password": "a", "message": "four"})[0] == 204
    assert pipes(zmq.ROUTER, "bind", address).recv_multipart()[2] == b"four"


def test_without_a_password_in_the_environment_nobody_broadcasts(run, db):
    app = broadcast_app(run, db, endpoint(), BROADCAST_PASSWORD="")
    assert app.open("POST", "/broadcast", {"password": "abc123", "message": "x"})[0] == 503


def test_what_no_broadcaster_takes_is_refused_in_the_end(run, db):
    outbox = db / "outbox-broadcasts" / "data"
    outbox.mkdir(parents=True)
    for i in range(999):
        (outbox / f"{i:03}.json").write_text(json.dumps({"message": str(i)}))
    app = broadcast_app(run, db, endpoint(), BROADCAST_PASSWORD="a")
    app.program.wait_for("In the outbox from before: 999")
    replies = [app.open("POST", "/broadcast", {"password": "a", "message": "x"}) for _ in range(3)]
    assert [reply[0] for reply in replies] == [204, 503, 503]
    assert replies[1][1] == {"error": "too many broadcasts wait for the broadcaster already"}
    assert sum("is full: messages are refused" in line for line in app.program.lines) == 1
    assert len(documents(db, "outbox-broadcasts")) == 1000


# The page of Redis keys.

def test_the_page_shows_keys_and_outlives_the_server(run, redis):
    port = nodes.free_port()
    run("redis_page", {"REDIS_URL": redis.url, "REDIS_PAGE_ADDRESS": f"127.0.0.1:{port}"}, says="Listening on")
    page = Http(port)
    redis.cli("SET", "session-1", "<b>my user</b>", "EX", "100")
    redis.cli("LPUSH", "list", "x")
    status, text, _ = page("GET", "/redis:6379/0/keys/")
    assert status == 200 and "&lt;b&gt;my user&lt;/b&gt;" in text and "(not a text)" in text
    assert page("POST", "/", {})[0] == 404
    redis.stop()
    assert page("GET", "/")[0] == 503
    redis.start()
    until(lambda: page("GET", "/")[0] == 200)


# The guests, with a router that knows nothing of dynamic authentication: the test asks what the router would ask.

SECRET = "authenticator-kZ%3g@JR1oXb"


@pytest.fixture
def router(tmp_path):
    """A router with the guests' door and an open one; its port."""
    port = nodes.free_port()
    users = {name: {"secret": SECRET, "role": "anonymous"} for name in ("authenticator", "broadcaster")}
    auth = {"anonymous": {"type": "static", "role": "anonymous"}, "wampcra": {"type": "static", "users": users}}
    directory = nodes.write_config(tmp_path / "node", nodes.config(port, [nodes.realm("ws-workshop")], {"auth": auth}))
    router = nodes.Node(directory)
    yield port
    router.stop()


def guest(run, name, port, **environment):
    return run(name, environment, f"ws://127.0.0.1:{port}/ws", "ws-workshop", name.split("_")[2], SECRET)


def asks(client, procedure, *args):
    reply = client.ask([48, {}, procedure, list(args)])
    return reply[3][0] if reply[0] == 50 else reply[4]


def test_the_authenticator_of_lesson_4(run, router, app4):
    token = app4.open("POST", "/user", {"name": "my user"})[1]["token"]
    program = guest(run, "lesson_4_authenticator_finished", router, APP_4_URL=app4.url)
    program.wait_for("I registered the procedure \"workshop.auth\"")
    program.wait_for("I registered the procedure \"workshop.permissions\"")
    client = Client(router, realm="ws-workshop")

    def sign_in(name):
        return asks(client, "workshop.auth", "ws-workshop", name, {"session": 123})

    assert sign_in("alice") == {"role": "basic-user", "secret": "changeme"}
    assert sign_in("bob") == {"role": "permissions-user", "secret": "password123"}
    assert sign_in("my user") == {"role": "app-user", "secret": token}
    nobody = sign_in("nobody")
    assert nobody["role"] == "blocked" and len(nobody["secret"]) == 32 and sign_in("nobody") != nobody
    assert sign_in(None)["role"] == "blocked"
    assert asks(client, "workshop.auth") == "wamp.error.runtime_error"

    def may(action, uri):
        return asks(client, "workshop.permissions", {"authid": "bob", "session": 123}, uri, action, {})

    assert may("subscribe", "workshop.chat") == {"allow": True, "cache": True}
    assert may("publish", "workshop.chat.x") == {"allow": True, "cache": True, "disclose": True}
    assert may("subscribe", "test") is False and may("register", "workshop.chat") is False
    app4.program.stop()
    assert sign_in("my user")["role"] == "blocked" and sign_in("alice")["role"] == "basic-user"
    assert "changeme" not in program.output() and token not in program.output()


def test_the_authenticator_of_lesson_5_keeps_on_while_redis_and_app_are_away(run, router, app4, app5, redis):
    app4.open("POST", "/user", {"name": "my user"})
    app5.open("POST", "/thread", {"name": "my user", "title": "some thread"})
    program = guest(run, "lesson_5_authenticator_finished", router, APP_4_URL=app4.url, APP_5_URL=app5.url, REDIS_URL=redis.url)
    program.wait_for("I registered the procedure \"workshop.subscribers\"")
    client = Client(router, realm="ws-workshop")

    def may(action, uri, **options):
        return asks(client, "workshop.permissions", {"authid": "my user", "session": 1}, uri, action, options)

    assert asks(client, "workshop.auth", "ws-workshop", "my user", {"session": 1})["role"] == "app-user"
    until(lambda: redis.cli("GET", "session-1") == "my user")
    assert 0 < int(redis.cli("TTL", "session-1")) <= 7 * 24 * 3600
    assert may("publish", "workshop.chat.some-thread") == {"allow": True, "disclose": True, "cache": True}
    assert may("subscribe", "workshop.chat.other") is False
    assert may("subscribe", "workshop.chat.some-thread", match="prefix") is False
    assert may("call", "workshop.subscribers") is True and may("register", "workshop.subscribers") is False
    redis.cli("SET", "workshop.chat.some-thread", '["my user"]')
    assert json.loads(asks(client, "workshop.subscribers", "some-thread")) == ["my user"]
    assert asks(client, "workshop.subscribers", "workshop.chat.empty") == "[]"

    redis.stop()
    assert asks(client, "workshop.auth", "ws-workshop", "my user", {"session": 2})["role"] == "app-user"
    assert asks(client, "workshop.subscribers", "some-thread") == "wamp.error.runtime_error"
    redis.start()
    until(lambda: redis.cli("GET", "session-2") == "my user")
    app5.program.stop()
    assert may("publish", "workshop.chat.some-thread") is False


def test_the_broadcaster_publishes_and_serves_on(run, router, db):
    address = endpoint()
    app = broadcast_app(run, db, address, BROADCAST_PASSWORD="a")
    program = guest(run, "lesson_6_broadcaster_finished", router, ZMQ_BROADCAST=address)
    program.wait_for("Listening for ZeroMQ messages")
    client = Client(router, realm="ws-workshop")
    client.subscribe("workshop.broadcast")
    for text in ("one", "two"):
        assert app.open("POST", "/broadcast", {"password": "a", "message": text})[0] == 204
        assert client.receive()[4] == [text]


def test_a_broadcast_that_the_router_refuses_stays_with_the_app(run, tmp_path, db):
    port = nodes.free_port()
    users = {"broadcaster": {"secret": SECRET, "role": "anonymous"}}
    realm = nodes.realm("ws-workshop", [{"name": "anonymous", "permissions": [nodes.allow(publish=False)]}])
    directory = nodes.write_config(tmp_path / "node", nodes.config(port, [realm], {"auth": {"wampcra": {"type": "static", "users": users}}}))
    router = nodes.Node(directory)
    address = endpoint()
    app = broadcast_app(run, db, address, BROADCAST_PASSWORD="a")
    assert app.open("POST", "/broadcast", {"password": "a", "message": "one"})[0] == 204
    program = guest(run, "lesson_6_broadcaster_finished", port, ZMQ_BROADCAST=address)
    program.wait_for('Error: publishing to "workshop.broadcast" failed: wamp.error.not_authorized, trying again')
    assert len(documents(db, "outbox-broadcasts")) == 1
    program.stop()
    router.stop()


@pytest.mark.parametrize("name", ["lesson_4_authenticator_finished", "lesson_6_broadcaster_finished"])
def test_a_guest_without_a_router_ends_with_exit_code_1(run, name):
    program = guest(run, name, nodes.free_port())
    assert program.wait() == 1
    assert "No connection to ws://127.0.0.1:" in program.output()


def test_a_guest_takes_over_when_the_one_before_is_gone(run, router):
    first = guest(run, "lesson_4_authenticator_finished", router)
    first.wait_for("I registered the procedure \"workshop.permissions\"")
    second = guest(run, "lesson_4_authenticator_finished", router)
    second.wait_for('Somebody else has the procedure "workshop.auth", trying again')
    first.process.kill()
    first.process.wait(nodes.TIME)
    second.wait_for('I registered the procedure "workshop.auth"')
