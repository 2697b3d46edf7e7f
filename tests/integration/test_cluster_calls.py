"""Calls between nodes joined by Redis: a procedure that is registered on one node is called from all of them."""

import os
import signal
import threading

import pytest

from support import node as nodes
from support.apps import until
from support.cluster import Member
from support.wamp import SERIALIZERS

JOINED = "has joined by way of Redis"
LOST = "the connection to Redis at .* is lost"


def start_call(client, procedure, args=None, **options):
    """Returns the request."""
    client.request += 1
    client.send([48, client.request, options, procedure, args or []])
    return client.request


def invocation(client):
    message = client.receive()
    assert message[0] == 68, message
    return message


def answer(client, message, args=None, **options):
    client.send([70, message[1], options, args if args is not None else message[4]])


def serve_one(callee, args=None):
    message = invocation(callee)
    answer(callee, message, args)
    return message


def try_to_register(client, procedure, **options):
    client.request += 1
    client.send([64, client.request, options, procedure])
    message = client.receive()
    assert message[0] in (65, 8), message
    return "ok" if message[0] == 65 else message[4]


def error_of(client, request):
    message = client.receive()
    assert message[:3] == [8, 48, request], message
    return message[4]


def value(client, procedure, *args):
    message = client.ask([48, {}, procedure, list(args)])
    assert message[0] == 50, message
    return message[3][0]


def wait_until_callable(client, procedure):
    """Until the client's node knows of it: the answer to REGISTER does not say that all others do."""
    until(lambda: value(client, "wamp.registration.match", procedure) is not None)


def wait_until_gone(client, procedure):
    until(lambda: value(client, "wamp.registration.match", procedure) is None)


def callees(client, procedure):
    """The sessions that serve it, as far as the client's node knows."""
    id_ = value(client, "wamp.registration.match", procedure)
    message = client.ask([48, {}, "wamp.registration.list_callees", [id_]]) if id_ is not None else [50, 0, {}, [[]]]
    if message[0] == 8 and message[4] == "wamp.error.no_such_registration":  # another has taken its place meanwhile
        return []
    assert message[0] == 50, message
    return message[3][0]


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_a_procedure_is_called_from_every_node(cluster, serializer):
    a, b, c = cluster.members
    callee = a.client(serializer)
    callee.register("com.app.add")
    callee.register("com.app", match="prefix")
    for member in (a, b, c):
        caller = member.client(serializer, path="/guests")
        wait_until_callable(caller, "com.app.add")
        request = start_call(caller, "com.app.add", [1, "é", None])
        message = serve_one(callee, [3])
        assert message[4] == [1, "é", None]
        assert message[3]["caller"] == caller.session  # the role discloses it
        assert message[3]["caller_authrole"] == "guest"
        result = caller.receive()
        assert result[:2] == [50, request]
        assert result[3] == [3]
        request = start_call(caller, "com.app.other", [2])
        assert serve_one(callee)[3]["procedure"] == "com.app.other"
        assert caller.receive()[3] == [2]


def test_payloads_are_converted_only_where_they_must_be(cluster):
    a, b, _ = cluster.members
    callee, caller = a.client("msgpack"), b.client("cbor")
    callee.register("com.bytes")
    wait_until_callable(caller, "com.bytes")
    start_call(caller, "com.bytes", [b"\x00\xff", 2**40])
    assert serve_one(callee)[4] == [b"\x00\xff", 2**40]
    assert caller.receive()[3] == [b"\x00\xff", 2**40]


def test_many_calls_at_once_find_their_answers_in_order(cluster):
    a, b, c = cluster.members
    callee = a.client()
    callee.register("com.app.echo")
    callers = [b.client(), c.client()]
    for caller in callers:
        wait_until_callable(caller, "com.app.echo")
    count = 200
    for number in range(count):
        for which, caller in enumerate(callers):
            start_call(caller, "com.app.echo", [which, number])
    seen = [[], []]
    for _ in range(2 * count):
        which, number = serve_one(callee)[4]
        seen[which].append(number)
    assert seen == [list(range(count))] * 2
    for which, caller in enumerate(callers):
        assert [caller.receive()[3] for _ in range(count)] == [[which, number] for number in range(count)]


def test_errors_and_progress_travel(cluster):
    a, b, _ = cluster.members
    callee, caller = a.client(), b.client()
    callee.register("com.app.work")
    wait_until_callable(caller, "com.app.work")
    request = start_call(caller, "com.app.work", [1])
    message = invocation(callee)
    callee.send([8, 68, message[1], {"why": "not today"}, "com.app.busy", ["later"], {"after": 5}])
    assert caller.receive() == [8, 48, request, {"why": "not today"}, "com.app.busy", ["later"], {"after": 5}]
    request = start_call(caller, "com.app.work", [2], receive_progress=True)
    message = invocation(callee)
    assert message[3]["receive_progress"] is True
    for part in range(3):
        answer(callee, message, [part], progress=True)
    answer(callee, message, ["end"])
    got = [caller.receive() for _ in range(4)]
    assert [result[3] for result in got] == [[0], [1], [2], ["end"]]
    assert [result[2].get("progress", False) for result in got] == [True, True, True, False]
    # In pieces.
    request = start_call(caller, "com.app.work", [0], progress=True)
    message = invocation(callee)
    assert message[3]["progress"] is True
    for part in (1, 2):
        caller.send([48, request, {"progress": part < 2}, "com.app.work", [part]])
        more = invocation(callee)
        assert more[1] == message[1]
        assert more[4] == [part]
    answer(callee, message, ["all"])
    assert caller.receive()[3] == ["all"]


@pytest.mark.parametrize("mode", ["kill", "killnowait", "skip"])
def test_calls_are_canceled(cluster, mode):
    a, b, _ = cluster.members
    callee = a.client(details={"roles": {"callee": {"features": {"call_canceling": True}}, "caller": {}}})
    caller = b.client()
    callee.register("com.app.long")
    wait_until_callable(caller, "com.app.long")
    request = start_call(caller, "com.app.long")
    message = invocation(callee)
    caller.send([49, request, {"mode": mode}])
    if mode != "skip":
        interrupt = callee.receive()
        assert interrupt[:2] == [69, message[1]]
        assert interrupt[2]["mode"] == mode
    if mode == "kill":
        assert caller.nothing_comes()
        callee.send([8, 68, message[1], {}, "com.app.stopped"])
        assert error_of(caller, request) == "com.app.stopped"
    else:
        assert error_of(caller, request) == "wamp.error.canceled"
    request = start_call(caller, "com.app.long", [5])
    again = invocation(callee)
    assert again[1] != message[1]
    answer(callee, again)
    assert caller.receive()[3] == [5]


def test_a_caller_that_leaves_and_a_time_limit_interrupt_the_callee(cluster):
    a, b, _ = cluster.members
    callee = a.client(details={"roles": {"callee": {"features": {"call_canceling": True}}}})
    callee.register("com.app.long")
    caller, other = b.client(), b.client()
    wait_until_callable(caller, "com.app.long")
    start_call(caller, "com.app.long")
    message = invocation(callee)
    caller.close()
    interrupt = callee.receive()
    assert interrupt[:2] == [69, message[1]]
    request = start_call(other, "com.app.long", timeout=50)
    message = invocation(callee)
    assert error_of(other, request) == "wamp.error.timeout"
    assert callee.receive()[:2] == [69, message[1]]


def test_one_registration_of_a_procedure_in_the_whole_cluster(cluster):
    a, b, c = cluster.members
    first, second, third = a.client(), b.client(), c.client()
    for attempt in range(20):
        procedure = f"com.app.one{attempt}"
        for client in (first, second, third):  # all at the same time
            client.request += 1
            client.send([64, client.request, {}, procedure])
        outcomes = [client.receive() for client in (first, second, third)]
        assert sorted(message[0] for message in outcomes) == [8, 8, 65]
        assert {message[4] for message in outcomes if message[0] == 8} == {"wamp.error.procedure_already_exists"}
    assert try_to_register(first, "com.app.shared", invoke="roundrobin") == "ok"
    assert (try_to_register(second, "com.app.shared", invoke="first")
            == "wamp.error.procedure_exists_with_different_invocation_policy")
    assert try_to_register(second, "com.app.shared") == "wamp.error.procedure_exists_with_different_invocation_policy"
    assert try_to_register(second, "com.app.shared", invoke="roundrobin") == "ok"


def test_a_name_is_free_when_its_callee_has_given_it_up_or_left(cluster):
    a, b, c = cluster.members
    callee, other = a.client(), c.client()
    id_ = callee.register("com.app.mine")
    callee.request += 1
    callee.send([66, callee.request, id_])
    assert callee.receive()[0] == 67
    wait_until_gone(b.client(), "com.app.mine")
    until(lambda: try_to_register(other, "com.app.mine") == "ok")
    other.close()
    until(lambda: try_to_register(callee, "com.app.mine") == "ok")
    caller = b.client()
    wait_until_callable(caller, "com.app.mine")
    start_call(caller, "com.app.mine", [1])
    serve_one(callee)
    assert caller.receive()[3] == [1]


def test_a_registration_is_taken_over_from_another_node(cluster):
    a, b, c = cluster.members
    old = a.client(details={"roles": {"callee": {"features": {"registration_revocation": True}}}})
    id_ = old.register("com.app.mine")
    caller = c.client()
    wait_until_callable(caller, "com.app.mine")
    new = b.client()
    assert try_to_register(new, "com.app.mine", force_reregister=True) == "ok"
    assert old.receive() == [67, 0, {"registration": id_, "reason": "wamp.error.unregistered"}]
    until(lambda: callees(caller, "com.app.mine") == [new.session])
    start_call(caller, "com.app.mine", [1])
    serve_one(new)
    assert caller.receive()[3] == [1]
    assert old.nothing_comes()


@pytest.mark.parametrize("invoke, order", [("roundrobin", "abcabc"), ("first", "aaaaaa"), ("last", "cccccc")])
def test_policies_go_over_the_callees_of_all_nodes(cluster, invoke, order):
    serving = {}
    for member in cluster.members:
        serving[member.name] = member.client()
        serving[member.name].register("com.app.who", invoke=invoke)
    for member in cluster.members:
        caller = member.client()
        until(lambda caller=caller: len(callees(caller, "com.app.who")) == 3)
        for expected in order:
            start_call(caller, "com.app.who")
            serve_one(serving[expected], [expected])
            assert caller.receive()[3] == [expected]


def test_random_prefers_a_callee_of_the_callers_node(cluster):
    serving = {member.name: member.client() for member in cluster.members}
    for callee in serving.values():
        callee.register("com.app.who", invoke="random")
    caller = cluster.members[1].client()
    until(lambda: len(callees(caller, "com.app.who")) == 3)
    for _ in range(10):
        start_call(caller, "com.app.who")
        serve_one(serving["b"], ["b"])
        assert caller.receive()[3] == ["b"]


def test_a_callee_of_another_node_is_taken_off_by_the_meta_api(cluster):
    a, b, _ = cluster.members
    callee = a.client(details={"roles": {"callee": {"features": {"registration_revocation": True}}}})
    id_ = callee.register("com.app.mine")
    operator = b.client()
    wait_until_callable(operator, "com.app.mine")
    known_as = value(operator, "wamp.registration.match", "com.app.mine")
    value(operator, "wamp.registration.remove_callee", known_as, callee.session, "com.app.enough")
    assert callee.receive() == [67, 0, {"registration": id_, "reason": "com.app.enough"}]
    wait_until_gone(cluster.members[2].client(), "com.app.mine")


def test_a_node_that_dies_fails_its_calls_and_takes_its_registrations_along(cluster):
    a, b, c = cluster.members
    callee = a.client(details={"roles": {"callee": {"features": {"call_canceling": True}}}})
    callee.register("com.app.here")
    dying = b.client()
    dying.register("com.app.there")
    caller = c.client()
    wait_until_callable(caller, "com.app.here")
    wait_until_callable(caller, "com.app.there")
    wait_until_callable(dying, "com.app.here")
    request = start_call(caller, "com.app.there")
    invocation(dying)
    start_call(dying, "com.app.here")
    message = invocation(callee)
    b.kill()
    assert error_of(caller, request) == "wamp.error.unavailable"
    assert callee.receive()[:2] == [69, message[1]]  # nobody waits for it any more
    wait_until_gone(caller, "com.app.there")
    assert try_to_register(callee, "com.app.there") == "ok"
    b.start()
    wait_until_callable(b.client(), "com.app.there")


def test_a_call_to_a_node_that_has_just_died_fails_at_once(cluster):
    a, b, _ = cluster.members
    callee = a.client()
    callee.register("com.app.there")
    caller = b.client()
    wait_until_callable(caller, "com.app.there")
    a.kill()
    request = start_call(caller, "com.app.there")
    assert error_of(caller, request) == "wamp.error.unavailable"


def test_without_redis_local_calls_go_on_and_others_fail_at_once(cluster, redis):
    a, b, _ = cluster.members
    near, far = a.client(), b.client()
    near.register("com.app.near")
    far.register("com.app.far")
    caller = a.client()
    wait_until_callable(caller, "com.app.far")
    waiting = start_call(caller, "com.app.far")
    message = invocation(far)
    seen = {member: len(member.node.lines) for member in cluster.members}
    redis.process.kill()
    redis.process.wait()
    assert error_of(caller, waiting) == "wamp.error.unavailable"
    for member in cluster.members:
        member.wait_for(LOST)
    answer(far, message)  # nobody hears it
    request = start_call(caller, "com.app.far")
    assert error_of(caller, request) == "wamp.error.unavailable"
    start_call(caller, "com.app.near", [1])
    serve_one(near)
    assert caller.receive()[3] == [1]
    assert try_to_register(near, "com.app.new") == "ok"
    redis.start()
    for member in cluster.members:
        member.wait_for(JOINED, after=seen[member])
    wait_until_callable(caller, "com.app.far")
    start_call(caller, "com.app.far", [2])
    assert serve_one(far)[4] == [2]
    assert caller.receive()[3] == [2]
    other = b.client()
    wait_until_callable(other, "com.app.new")
    start_call(other, "com.app.new", [3])
    serve_one(near)
    assert other.receive()[3] == [3]


def test_of_two_registrations_made_apart_the_older_one_stays(cluster, redis):
    a, b, c = cluster.members
    redis.process.kill()
    redis.process.wait()
    for member in cluster.members:
        member.wait_for(LOST)
    older = a.client()
    older.register("com.app.one")
    younger = b.client(details={"roles": {"callee": {"features": {"registration_revocation": True}}}})
    id_ = younger.register("com.app.one")
    redis.start()
    assert younger.receive() == [67, 0, {"registration": id_, "reason": "wamp.error.unregistered"}]
    caller = c.client()
    wait_until_callable(caller, "com.app.one")
    start_call(caller, "com.app.one", [1])
    serve_one(older)
    assert caller.receive()[3] == [1]


def test_a_node_that_stood_still_is_missed_and_comes_back(cluster):
    a, b, _ = cluster.members
    callee = a.client()
    callee.register("com.app.there")
    caller = b.client()
    wait_until_callable(caller, "com.app.there")
    request = start_call(caller, "com.app.there")
    invocation(callee)
    nodes.freeze(a.node.process.pid)
    assert error_of(caller, request) == "wamp.error.unavailable"
    wait_until_gone(caller, "com.app.there")
    os.kill(a.node.process.pid, signal.SIGCONT)
    wait_until_callable(caller, "com.app.there")
    start_call(caller, "com.app.there", [1])
    serve_one(callee)
    assert caller.receive()[3] == [1]


def test_a_node_that_starts_learns_what_there_is_before_anybody_registers_there(cluster, tmp_path, redis):
    callee = cluster.members[0].client()
    for number in range(500):
        callee.request += 1
        callee.send([64, callee.request, {}, f"com.app.number{number}"])
    for _ in range(500):
        assert callee.receive()[0] == 65
    late = Member(tmp_path, "late", redis).start(joined=False)
    client = late.client()
    assert try_to_register(client, "com.app.number499") == "wamp.error.procedure_already_exists"
    wait_until_callable(client, "com.app.number0")
    late.stop()


def test_dynamic_authorizers_may_be_on_another_node(tmp_path, redis):
    def member(name):
        roles = [{"name": "anonymous", "authorizer": "com.app.authorize"},
                 {"name": "backend", "permissions": [nodes.allow()]}]
        made = Member(tmp_path, name, redis)
        document = nodes.config(made.port, [nodes.realm(roles=roles, clustered=True)], paths={"backend": {
            "type": "websocket", "auth": {"anonymous": {"type": "static", "role": "backend"}}}})
        document["cluster"] = {"redis": redis.url, "node": name, "heartbeat": 1}
        nodes.write_config(made.directory, document)
        return made.start()

    a, b = member("a"), member("b")
    authorizer = a.client(path="/backend")
    authorizer.register("com.app.authorize")
    wait_until_callable(b.client(path="/backend"), "com.app.authorize")
    client = b.client()
    asked = []

    def authorize():
        for allow in (True, False):
            message = invocation(authorizer)
            asked.append(message[4][1:3])
            answer(authorizer, message, [{"allow": allow, "cache": False}])

    thread = threading.Thread(target=authorize)
    thread.start()
    client.subscribe("com.app.news")
    client.request += 1
    client.send([32, client.request, {}, "com.app.secret"])
    assert client.receive()[4] == "wamp.error.not_authorized"
    thread.join()
    assert asked == [["com.app.news", "subscribe"], ["com.app.secret", "subscribe"]]
    for one in (a, b):
        one.stop()
