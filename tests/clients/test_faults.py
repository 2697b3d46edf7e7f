"""Lessons 4 to 6 as they are when finished, with the router that starts their guests: what ends in the middle, what is away
for a while, and a thousand users at once."""

import concurrent.futures
import itertools
import json
import os
import re
import resource
import signal
import time

import pytest

from support import node as nodes
from support.apps import BIN, App, documents, endpoint, until
from support.wamp import Client, sign

WELCOME, ABORT, CHALLENGE, ERROR, PUBLISHED, SUBSCRIBED, RESULT = 2, 3, 4, 8, 17, 33, 50
TOPIC = "workshop.chat.some-thread"


@pytest.fixture(scope="module", autouse=True)
def descriptors():
    """Enough of them for a thousand connections, here and in the programs started from here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard < 8192 and hard > 0 else max(soft, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class User(Client):
    """A client of the browsers' door: hello() and answer() in one go, or one after the other."""

    def __init__(self, port, name, secret):
        super().__init__(port, join=False)
        self.name, self.secret = name, secret

    def hello(self):
        self.send([1, "ws-workshop", {"roles": {"publisher": {}, "subscriber": {}, "caller": {}}, "authmethods": ["wampcra"],
                                      "authid": self.name}])

    def answer(self):
        """Reads CHALLENGE and signs it. False if that was ABORT."""
        self.reply = self.receive()
        if self.reply[0] == CHALLENGE:
            self.send([5, sign(self.secret, self.reply[2]), {}])
        return self.reply[0] == CHALLENGE

    def sign_in(self):
        self.hello()
        if self.answer():
            self.reply = self.receive()
        return self

    def say(self, text, **options):
        """Publishes with acknowledgement; the answer, which comes before all events, since one's own are excluded."""
        return self.ask([16, {"acknowledge": True, **options}, TOPIC, [text]])

    def who_is_there(self):
        reply = self.ask([48, {}, "workshop.subscribers", ["some-thread"]])
        return json.loads(reply[3][0]) if reply[0] == RESULT else reply[4]


class Lesson:
    """The router of a lesson with its guests, and users of the app."""

    def __init__(self, run, directory, lesson, app4, environment):
        self.port, door = nodes.free_port(), nodes.free_port()
        text = (nodes.ROOT / f"lessons/{lesson}/finished/.crossbar/config.json").read_text()
        ports = {str(8000 + lesson): str(self.port), str(9000 + lesson): str(door)}
        text = re.sub(rf"\b({'|'.join(ports)})\b", lambda match: ports[match[0]], text)
        text = re.sub(r"(\.\./)+build/bin", str(BIN), text)
        nodes.write_config(directory, text)
        self.app4 = app4
        self.router = run("crosspoint", {"APP_4_URL": app4.url, **environment}, "start", "--cbdir", str(directory))
        self.ready()

    def ready(self, after=0):
        """Waits until the authenticator has said the last of what it says when it starts."""
        for procedure in ("auth", "permissions"):
            self.router.wait_for(f'registered the procedure "workshop.{procedure}"', after=after)
        if any("on_create" in line for line in self.router.lines):
            self.router.wait_for('subscribed to "wamp.subscription.on_unsubscribe"', after=after)

    def add(self, name):
        user = self.app4.open("POST", "/user", {"name": name})[1]
        return user["name"], user["token"]

    def user(self, name, secret):
        user = User(self.port, name, secret).sign_in()
        assert user.reply[0] == WELCOME, user.reply
        return user

    def guest(self, name="authenticator"):
        """The process id."""
        line = [line for line in self.router.lines if f'Guest worker "{name}" started' in line][-1]
        return int(re.search(r"PID (\d+)", line)[1])

    def mark(self):
        return len(self.router.lines)

    def kill(self, name="authenticator"):
        """kill -9, and what the supervisor does then."""
        mark, pid = self.mark(), self.guest(name)
        os.kill(pid, signal.SIGKILL)
        self.router.wait_for(rf'Guest "{name}" \(PID {pid}\) was ended by signal 9', after=mark)
        self.router.wait_for(f'"{name}".*started again in', after=mark)
        return mark


@pytest.fixture
def start(run, tmp_path, app4):
    return lambda lesson, **environment: Lesson(run, tmp_path / "node" / ".crossbar", lesson, app4, environment)


@pytest.fixture
def chat(start, app4, app5, redis, db):
    """start(lesson, ...) with all that it needs, and two users of the thread."""
    def with_users(lesson, **environment):
        made = start(lesson, APP_5_URL=app5.url, REDIS_URL=redis.url, WORKSHOP_DB=str(db), **environment)
        made.users = [made.add(f"user {i}") for i in range(2)]
        for name, _ in made.users:
            app5.open("POST", "/thread", {"name": name, "title": "some thread"})
        return made
    return with_users


def said(db):
    return [(message["user"], message["message"]) for message in documents(db, "messages")]


# The authenticator


def test_the_authenticator_is_killed_while_200_sign_in(start):
    lesson = start(4)
    name, token = lesson.add("my user")
    clients = [User(lesson.port, name, token) for _ in range(200)]
    for client in clients[:100]:
        client.hello()
    # It has answered some of them, and is busy with others.
    lesson.router.wait_for(r"asks to join")
    assert clients[0].answer()
    pid = lesson.guest()
    nodes.freeze(pid)  # from here on nobody is answered
    for client in clients[100:150]:
        client.hello()
    mark = lesson.kill()
    for client in clients[150:]:
        client.hello()

    challenged = [client for client in clients[1:] if client.answer()] + clients[:1]
    refused = [client for client in clients if client not in challenged]
    for client in challenged:
        client.reply = client.receive()
        assert client.reply[0] == WELCOME, client.reply
    reasons = {client.reply[2] for client in refused if client.reply[0] == ABORT}
    assert all(client.reply[0] == ABORT for client in refused)
    assert reasons <= {"wamp.error.canceled", "wamp.error.no_such_procedure"}, reasons
    assert "wamp.error.canceled" in reasons and not set(clients[100:150]) & set(challenged)

    lesson.ready(after=mark)
    assert lesson.guest() != pid
    lesson.user(name, token)
    lesson.user("alice", "changeme")


def test_1000_sign_in_at_once(chat, record_property):
    lesson = chat(5)
    clients = [User(lesson.port, *lesson.users[i % 2]) for i in range(1000)]
    began = time.monotonic()
    for client in clients:
        client.hello()
    assert all([client.answer() for client in clients])
    replies = [client.receive() for client in clients]
    seconds = time.monotonic() - began
    assert [reply[0] for reply in replies] == [WELCOME] * 1000
    assert len({reply[1] for reply in replies}) == 1000
    record_property("sign_ins_per_second", round(1000 / seconds))
    print(f"1000 sign-ins in {seconds:.2f} s, {1000 / seconds:.0f} per second")
    for client in clients:
        client.close()


def test_after_the_authenticator_was_killed_all_goes_on(chat, db):
    """Those who are there stay, what they say is kept, and who is there is known again."""
    lesson = chat(5)
    one, two = [lesson.user(*user) for user in lesson.users]
    for user in (one, two):
        user.subscribe(TOPIC)
    assert one.say("before")[0] == PUBLISHED
    until(lambda: said(db) == [("user 0", "before")])
    mark = lesson.kill()
    two.close()  # nobody sees it
    lesson.ready(after=mark)
    until(lambda: one.who_is_there() == ["user 0"])
    assert one.say("after")[0] == PUBLISHED
    until(lambda: said(db)[1:] == [("user 0", "after")])


def test_what_is_said_as_soon_as_there_is_a_topic_is_kept(chat, db):
    lesson = chat(5)
    one, two = [lesson.user(*user) for user in lesson.users]
    assert one.say("0")[0] == PUBLISHED  # from here on nobody has to be asked
    for i in range(10):
        two.subscribe(TOPIC)
        assert one.say(f"{i}, at once")[0] == PUBLISHED
        until(lambda: two.who_is_there() == ["user 1"])
        two.close()
        until(lambda: one.who_is_there() == [])
        two = lesson.user(*lesson.users[1])
    until(lambda: len(said(db)) == 11)
    assert said(db)[1:] == [("user 0", f"{i}, at once") for i in range(10)]


# Redis


def test_redis_is_stopped_and_started(chat, redis, db):
    lesson = chat(5)
    one, two = [lesson.user(*user) for user in lesson.users]
    one.subscribe(TOPIC)
    until(lambda: one.who_is_there() == ["user 0"])
    redis.stop()
    mark = lesson.mark()
    two.subscribe(TOPIC)
    three = lesson.user(*lesson.users[0])
    assert three.say("without Redis")[0] == PUBLISHED
    assert three.who_is_there() == "wamp.error.runtime_error"
    until(lambda: said(db) == [("user 0", "without Redis")])
    one.close()
    lesson.router.wait_for(r"Redis at 127\.0\.0\.1:\d+ is away", after=mark)
    lesson.router.wait_for("trying again every second", after=mark)
    redis.start()
    lesson.router.wait_for(r"Redis at 127\.0\.0\.1:\d+ is back", after=mark)
    until(lambda: three.who_is_there() == ["user 1"])


def test_redis_hangs(chat, redis, db):
    """It takes connections and does not answer."""
    lesson = chat(5)
    one, two = [lesson.user(*user) for user in lesson.users]
    one.subscribe(TOPIC)
    until(lambda: one.who_is_there() == ["user 0"])
    nodes.freeze(redis.process.pid)
    try:
        mark = lesson.mark()
        two.subscribe(TOPIC)
        assert one.who_is_there() == "wamp.error.runtime_error"
        assert lesson.user(*lesson.users[0]).say("meanwhile")[0] == PUBLISHED
        until(lambda: said(db) == [("user 0", "meanwhile")])
        lesson.router.wait_for(r"Redis at 127\.0\.0\.1:\d+ is away", after=mark)
    finally:
        redis.process.send_signal(signal.SIGCONT)
    until(lambda: one.who_is_there() == ["user 0", "user 1"])


# The apps


def test_the_app_is_stopped_and_started(chat, app4, app5, db):
    lesson = chat(5)
    one, two = [lesson.user(*user) for user in lesson.users]
    one.subscribe(TOPIC)
    assert one.say("0")[0] == PUBLISHED
    until(lambda: len(said(db)) == 1)
    app5.stop()
    mark = lesson.mark()
    # What is known to be allowed is, and what is said is kept until the app is back; the rest is refused.
    assert [one.say(str(i))[0] for i in range(1, 21)] == [PUBLISHED] * 20
    assert two.say("not heard")[4] == "wamp.error.not_authorized"
    lesson.router.wait_for(r"Error: GET http://\S+/access failed", after=mark)
    lesson.router.wait_for(r"Error: POST http://\S+/message failed.*trying again every second", after=mark)
    app4.stop()
    refused = User(lesson.port, *lesson.users[0]).sign_in()
    assert refused.reply[0] == ABORT and refused.reply[2] == "wamp.error.not_authorized"
    lesson.router.wait_for(r"Error: GET http://\S+/auth failed", after=mark)
    lesson.user("alice", "changeme")
    app4.start()
    app5.start()
    lesson.router.wait_for("It works again", after=mark)
    until(lambda: len(said(db)) == 21)
    assert said(db) == [("user 0", str(i)) for i in range(21)]
    assert two.say("heard")[0] == PUBLISHED
    lesson.user(*lesson.users[0])


def test_the_app_hangs(chat, app4):
    """It takes connections and does not answer: its users are refused in time, and the others do not wait for them."""
    lesson = chat(5)
    nodes.freeze(app4.program.process.pid)
    try:
        clients = [User(lesson.port, *lesson.users[0]) for _ in range(3)]
        for client in clients:
            client.hello()
        lesson.router.wait_for("asks to join")
        began = time.monotonic()
        lesson.user("alice", "changeme")
        for client in clients:
            if client.answer():
                client.reply = client.receive()
            assert client.reply[0] == ABORT
        assert time.monotonic() - began < nodes.TIME
    finally:
        app4.program.process.send_signal(signal.SIGCONT)
    lesson.user(*lesson.users[0])


def test_an_app_that_is_too_slow_stores_a_message_once(chat, app5, db):
    """The listener gives up waiting and asks again; the app has all of its requests and does them."""
    lesson = chat(5)
    one = lesson.user(*lesson.users[0])
    assert one.say("before")[0] == PUBLISHED
    until(lambda: len(said(db)) == 1)
    mark, done = lesson.mark(), len(app5.program.lines)
    nodes.freeze(app5.program.process.pid)
    try:
        assert one.say("meanwhile")[0] == PUBLISHED
        lesson.router.wait_for(r"Error: POST http://\S+/message failed.*trying again every second", after=mark)
    finally:
        app5.program.process.send_signal(signal.SIGCONT)
    lesson.router.wait_for("It works again", after=mark)
    until(lambda: sum("POST /message 201" in line for line in app5.program.lines[done:]) > 1)
    assert one.say("after")[0] == PUBLISHED
    until(lambda: said(db)[-1:] == [("user 0", "after")])
    assert [text for _, text in said(db)] == ["before", "meanwhile", "after"]


# ZeroMQ


def zmq_service(run, db, address):
    return run("lesson_6_zmq_finished", {"ZMQ_MESSAGES": address, "WORKSHOP_DB": str(db)}, says="Listening for ZeroMQ")


def say_all(lesson, user, texts):
    """Says them, and waits until they are in the outbox: from there on nothing is lost."""
    mark = lesson.mark()
    assert [user.say(text)[0] for text in texts] == [PUBLISHED] * len(texts)
    until(lambda: sum("Put the message into the outbox" in line for line in lesson.router.lines[mark:]) == len(texts))


def are_stored(db, texts):
    """Once each and in order, and nothing is left to do."""
    until(lambda: len(said(db)) >= len(texts) and not documents(db, "outbox-messages"))
    assert said(db) == [("user 0", text) for text in texts]


def test_the_zeromq_service_is_not_there_yet_and_goes_away(run, chat, db):
    address = endpoint()
    lesson = chat(6, ZMQ_MESSAGES=address, ZMQ_BROADCAST=endpoint())
    one = lesson.user(*lesson.users[0])
    texts = [str(i) for i in range(60)]
    say_all(lesson, one, texts[:20])
    lesson.router.wait_for("nobody answers, trying again")
    service = zmq_service(run, db, address)
    are_stored(db, texts[:20])
    lesson.router.wait_for("messages are taken again")
    # It hangs when something is on its way to it, and is killed.
    mark = lesson.mark()
    nodes.freeze(service.process.pid)
    say_all(lesson, one, texts[20:40])
    lesson.router.wait_for("nobody answers, trying again", after=mark)
    service.process.kill()
    service.wait()
    service = zmq_service(run, db, address)
    are_stored(db, texts[:40])
    # It hangs, goes on, and is stopped at once.
    mark = lesson.mark()
    nodes.freeze(service.process.pid)
    say_all(lesson, one, texts[40:])
    lesson.router.wait_for("nobody answers, trying again", after=mark)
    service.process.send_signal(signal.SIGCONT)
    service.stop()
    zmq_service(run, db, address)
    are_stored(db, texts)


def test_the_zeromq_service_is_killed_while_it_is_busy(run, chat, db):
    address = endpoint()
    lesson = chat(6, ZMQ_MESSAGES=address, ZMQ_BROADCAST=endpoint())
    one = lesson.user(*lesson.users[0])
    service = zmq_service(run, db, address)
    texts = [str(i) for i in range(40)]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        saying = pool.submit(say_all, lesson, one, texts)
        for count in (3, 10, 20):
            until(lambda: len(said(db)) >= count)
            service.process.kill()
            service.wait()
            service = zmq_service(run, db, address)
        saying.result()
    are_stored(db, texts)


def test_the_listener_is_killed_with_messages_in_its_outbox(run, chat, db):
    address = endpoint()
    lesson = chat(6, ZMQ_MESSAGES=address, ZMQ_BROADCAST=endpoint())
    one = lesson.user(*lesson.users[0])
    texts = [str(i) for i in range(20)]
    say_all(lesson, one, texts[:15])
    mark = lesson.kill()
    lesson.router.wait_for("In the outbox from before: 15", after=mark)
    lesson.ready(after=mark)
    say_all(lesson, one, texts[15:])
    zmq_service(run, db, address)
    are_stored(db, texts)


@pytest.fixture
def broadcasts(run, db):
    """The app of lesson 6, the address of its broadcaster, and a function for what is to be broadcast."""
    address = endpoint()
    app = App(run, 6, db, "lesson_6_app_finished", ZMQ_BROADCAST=address, BROADCAST_PASSWORD="a")

    def broadcast(text):
        assert app.open("POST", "/broadcast", {"password": "a", "message": text})[0] == 204

    return app, address, broadcast


def test_the_app_is_killed_with_a_broadcast_that_nobody_took(chat, broadcasts):
    app, address, broadcast = broadcasts
    broadcast("early")  # the router is not even there
    app.program.process.kill()
    app.program.wait()
    lesson = chat(6, ZMQ_MESSAGES=endpoint(), ZMQ_BROADCAST=address)
    lesson.router.wait_for("Listening for ZeroMQ messages")
    one = lesson.user(*lesson.users[0])
    one.subscribe("workshop.broadcast")
    app.start()
    broadcast("late")
    assert [one.receive()[4] for _ in range(2)] == [["early"], ["late"]]


def test_the_broadcaster_is_killed(chat, broadcasts, db):
    app, address, broadcast = broadcasts
    lesson = chat(6, ZMQ_MESSAGES=endpoint(), ZMQ_BROADCAST=address)
    lesson.router.wait_for("Listening for ZeroMQ messages")
    one = lesson.user(*lesson.users[0])
    one.subscribe("workshop.broadcast")
    broadcast("one")
    assert one.receive()[4] == ["one"]
    until(lambda: not documents(db, "outbox-broadcasts"))
    # It hangs when something is on its way to it.
    sent = [str(i) for i in range(20)]
    nodes.freeze(lesson.guest("broadcaster"))
    for text in sent:
        broadcast(text)
    app.program.wait_for("nobody answers, trying again")
    mark = lesson.kill("broadcaster")
    assert [one.receive()[4][0] for _ in sent] == sent
    # It is busy. What it has published and not told the app is published again, and nothing else.
    lesson.router.wait_for("Listening for ZeroMQ messages", after=mark)
    received = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sending = pool.submit(lambda: [broadcast(text) for text in sent])
        while len(received) < 5:
            received.append(one.receive()[4][0])
        lesson.kill("broadcaster")
        sending.result()
    while received[-1] != sent[-1]:
        received.append(one.receive()[4][0])
    assert [text for text, _ in itertools.groupby(received)] == sent and len(received) <= len(sent) + 1


# The end


def test_no_guest_is_left_when_the_router_stops_while_they_are_busy(chat, app5):
    lesson = chat(5)
    one = lesson.user(*lesson.users[0])
    one.subscribe(TOPIC)
    assert one.say("stored")[0] == PUBLISHED
    lesson.router.wait_for("Saved the message")
    app5.stop()
    assert one.say("never stored")[0] == PUBLISHED
    lesson.router.wait_for("trying again every second")
    descriptor = os.pidfd_open(lesson.guest())
    assert lesson.router.stop() == 0
    lesson.router.wait_for("Ending with 1 jobs not done")
    with pytest.raises(ProcessLookupError):
        signal.pidfd_send_signal(descriptor, 0)
    os.close(descriptor)
