"""The HTTP bridges: publisher and caller, and what their requests are answered with."""

import json
import socket
import subprocess

import pytest

from support import node as nodes
from support.certificates import Authority
from support.http import post, request, sign, timestamp
from support.wamp import Client

REALM = nodes.realm(roles=[
    {"name": "anonymous", "permissions": [nodes.allow()]},
    {"name": "web", "permissions": [nodes.allow("com.open.*")]},
    {"name": "asked", "authorizer": "com.authorize"},
])
SIGNED = {"key": "me", "secret": "mine"}


def bridge(kind, role="web", **options):
    return {"type": kind, "realm": "realm1", "role": role, **({"options": options} if options else {})}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A node with bridges of many kinds: (port, node)."""
    port = nodes.free_port()
    paths = {
        "publish": bridge("publisher"),
        "call": bridge("caller"),
        "signed": bridge("publisher", **SIGNED),
        "old": bridge("publisher", **SIGNED, timestamp_delta_limit=0),
        "short": bridge("publisher", post_body_limit=100),
        "near": bridge("publisher", require_ip=["10.0.0.0/8", "127.0.0.1"]),
        "far": bridge("publisher", require_ip=["10.0.0.0/8", "::1"]),
        "tls": bridge("caller", require_tls=True),
        "asked": bridge("publisher", "asked"),
        "asked_call": bridge("caller", "asked"),
        "quick": bridge("caller", call_timeout=1),
    }
    directory = nodes.write_config(tmp_path_factory.mktemp("bridge") / ".crossbar",
                                   nodes.config(port, realms=[REALM], paths=paths))
    node = nodes.Node(directory)
    yield port, node
    assert node.stop() == 0


@pytest.fixture
def client(site):
    client = Client(site[0])
    yield client
    client.close()


def error(answer):
    """The text of a refusal, which must have Crossbar's form."""
    assert set(answer) == {"error", "args", "kwargs"} and answer["args"] == [] and answer["kwargs"] == {}
    return answer["error"]


def test_a_published_event_arrives(site, client):
    port, _ = site
    client.subscribe("com.open.topic")
    body = {"topic": "com.open.topic", "args": [1, "zwölf", None], "kwargs": {"a": {"b": [True]}}}
    status, answer = post(port, "/publish", body)
    event = client.receive()
    assert status == 200 and answer == {"id": event[2]}
    assert event[4:] == [[1, "zwölf", None], {"a": {"b": [True]}}]
    response, _ = request(port, "PUT", "/publish/below", json.dumps({"topic": "com.open.topic"}))
    assert response.status == 200 and response.getheader("Content-Type") == "application/json; charset=UTF-8"
    assert response.getheader("Cache-Control") == "no-store,no-cache,must-revalidate,max-age=0"
    assert response.getheader("Access-Control-Allow-Origin") == "*"
    assert len(client.receive()) == 4  # neither args nor kwargs


def test_options_choose_the_receivers(site, client):
    port, _ = site
    other = Client(port)
    for one in (client, other):
        one.subscribe("com.open.chosen")
    status, _ = post(port, "/publish", {"topic": "com.open.chosen", "args": [1], "options": {"exclude": [other.session]}})
    assert status == 200 and client.receive()[4] == [1]
    assert post(port, "/publish", {"topic": "com.open.chosen", "args": [2], "options": {"eligible": []}})[0] == 200
    assert post(port, "/publish", {"topic": "com.open.chosen", "args": [3], "options": None})[0] == 200
    assert other.receive()[4] == [3] and client.receive()[4] == [3]
    assert post(port, "/publish", {"topic": "com.open.chosen", "options": {"exclude": "x"}})[0] == 400
    other.close()


def answer_call(client, reply):
    invocation = client.receive()
    assert invocation[0] == 68, invocation
    client.send([70, invocation[1], {}, *reply] if isinstance(reply, list) else reply(invocation))
    return invocation


@pytest.mark.parametrize(("result", "expected"), [
    ([], {"args": [None]}),
    ([[5]], {"args": [5]}),
    ([[5, "x"]], {"args": [5, "x"]}),
    ([[], {"k": 1}], {"kwargs": {"k": 1}}),
    ([[7], {"k": 1}], {"args": [7], "kwargs": {"k": 1}}),
    ([["\u0000AAEC"]], {"args": ["\u0000AAEC"]}),  # binary, as WAMP writes it in JSON
])
@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_results_of_calls(site, serializer, result, expected, tmp_path):
    port, _ = site
    callee = Client(port, serializer)
    callee.register("com.open.proc")
    if serializer == "msgpack" and result and result[0] == ["\u0000AAEC"]:
        result = [[bytes([0, 1, 2])]]
    curl = subprocess.Popen(["curl", "-sS", "-H", "Content-Type: application/json", "-d",
                             '{"procedure": "com.open.proc", "args": [1, 2], "kwargs": {"x": "y"}}',
                             f"http://127.0.0.1:{port}/call"], stdout=subprocess.PIPE)
    invocation = answer_call(callee, result)
    assert invocation[4:] == [[1, 2], {"x": "y"}]
    assert json.loads(curl.communicate(timeout=nodes.TIME)[0]) == expected
    callee.close()


def test_wamp_errors_are_answers(site, client):
    port, _ = site
    status, answer = post(port, "/call", {"procedure": "com.open.none"})
    assert status == 200 and answer["error"] == "wamp.error.no_such_procedure" and answer["kwargs"] == {}
    assert post(port, "/call", {"procedure": "com.closed"})[1]["error"] == "wamp.error.not_authorized"
    status, answer = post(port, "/publish", {"topic": "com.closed"})
    assert status == 200 and answer["error"] == "wamp.error.not_authorized"
    assert post(port, "/publish", {"topic": "not a uri"})[1]["error"] == "wamp.error.invalid_uri"
    client.register("com.open.fails")
    curl = subprocess.Popen(["curl", "-sS", "-d", '{"procedure": "com.open.fails"}', "-H",
                             "Content-Type: application/json", f"http://127.0.0.1:{port}/call"], stdout=subprocess.PIPE)
    answer_call(client, lambda invocation: [8, 68, invocation[1], {}, "com.error", ["what"], {"why": 1}])
    assert json.loads(curl.communicate(timeout=nodes.TIME)[0]) == {"error": "com.error", "args": ["what"],
                                                                    "kwargs": {"why": 1}}


@pytest.mark.parametrize(("body", "headers", "status"), [
    ("{}", {"Content-Type": "text/plain"}, 400),
    ('{"topic": "com.open.x"}', {"Content-Type": "application/json; charset=latin-1"}, 400),
    ('{"topic": "com.open.x"}', {"Content-Type": "application/json; charset=utf-8; charset=utf-8"}, 400),
    ('{"topic": "com.open.x"}', {"Content-Type": "Application/JSON;charset=UTF-8"}, 200),
    ('{"topic": "com.open.x", "args": null, "kwargs": null}', {}, 200),
    (b'{"topic": "com.open.\xff"}', {}, 400),
    ('{"topic": ', {}, 400),
    ("", {}, 400),
    ("[1]", {}, 400),
    ("[" * 500_000, {}, 400),
    ('{"topic": "com.open.x", "args": ' + "[" * 101 + "]" * 101 + "}", {}, 400),
    ("{}", {}, 400),
    ('{"topic": 5}', {}, 400),
    ('{"topic": "com.open.x", "args": {"a": 1}}', {}, 400),
    ('{"topic": "com.open.x", "kwargs": [1]}', {}, 400),
    ('{"topic": "com.open.x", "options": [1]}', {}, 400),
])
def test_what_makes_no_sense_is_refused(site, body, headers, status):
    port, _ = site
    got, answer = post(port, "/publish", body, {"Content-Type": "application/json", **headers})
    assert got == status, answer
    if status == 400:
        assert error(answer)


def test_a_caller_needs_a_procedure(site):
    port, _ = site
    assert post(port, "/call", {"topic": "com.open.x"}) == (400, {"error": '"procedure" is missing', "args": [], "kwargs": {}})
    assert post(port, "/call", {"procedure": ["com.open.x"]})[0] == 400


def test_methods(site):
    port, _ = site
    for method in ("GET", "HEAD", "DELETE", "PATCH"):
        response, body = request(port, method, "/publish")
        assert response.status == 405, method
        assert method == "HEAD" or "POST, PUT" in error(json.loads(body))
    headers = {"Origin": "http://example.com", "Access-Control-Request-Headers": "content-type"}
    response, body = request(port, "OPTIONS", "/publish", headers=headers)
    assert response.status == 200 and body == b""
    assert response.getheader("Allow") == response.getheader("Access-Control-Allow-Methods") == "POST,PUT,OPTIONS"
    assert response.getheader("Access-Control-Allow-Origin") == "http://example.com"
    assert response.getheader("Access-Control-Allow-Credentials") == "true"
    assert response.getheader("Access-Control-Allow-Headers") == "content-type"


def test_body_limits(site):
    port, _ = site
    body = json.dumps({"topic": "com.open.x"})
    assert post(port, "/short", body.ljust(100))[0] == 200
    status, answer = post(port, "/short", body.ljust(101))
    assert status == 413 and "101" in error(answer) and "100" in error(answer)
    with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as connection:
        connection.sendall(b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_where_requests_come_from(site):
    port, _ = site
    body = {"topic": "com.open.x"}
    assert post(port, "/near", body)[0] == 200
    status, answer = post(port, "/far", body)
    assert status == 400 and "IP address" in error(answer)
    status, answer = post(port, "/tls", {"procedure": "com.open.x"})
    assert status == 400 and "TLS" in error(answer)


def test_a_bridge_that_requires_tls_takes_requests_over_tls(start, port, tmp_path):
    key, certificate = Authority(tmp_path / "ca").issue("server")
    document = nodes.config(port, realms=[REALM], paths={"tls": bridge("publisher", require_tls=True)})
    endpoint = document["workers"][0]["transports"][0]["endpoint"]
    endpoint["tls"] = {"key": str(key), "certificate": str(certificate)}
    start(document)
    done = subprocess.run(["curl", "-sSk", "-d", '{"topic": "com.open.x"}', "-H", "Content-Type: application/json",
                           f"https://127.0.0.1:{port}/tls"], capture_output=True, text=True, timeout=nodes.TIME)
    assert set(json.loads(done.stdout)) == {"id"}, done


BODY = json.dumps({"topic": "com.open.signed", "args": ["ü"]}, ensure_ascii=False)


def test_signed_requests(site, client):
    port, _ = site
    client.subscribe("com.open.signed")
    status, answer = post(port, sign("/signed", BODY), BODY.encode())
    assert status == 200 and client.receive()[2] == answer["id"]
    # As people do it in a shell.
    script = f"""
        body='{{"topic": "com.open.signed", "args": ["from a shell"]}}'
        timestamp={timestamp()} seq=7 nonce=424242
        signature=$(printf '%s' "me$timestamp$seq$nonce$body" | openssl dgst -sha256 -hmac mine -binary | base64 | tr '+/' '-_')
        curl -sS -H 'Content-Type: application/json' -d "$body" \
          "http://127.0.0.1:{port}/signed?key=me&timestamp=$timestamp&seq=$seq&nonce=$nonce&signature=$signature"
    """
    done = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, timeout=nodes.TIME)
    assert set(json.loads(done.stdout)) == {"id"}, done
    assert client.receive()[4] == ["from a shell"]


@pytest.mark.parametrize(("changes", "status"), [
    *(({name: None}, 400) for name in ("key", "timestamp", "seq", "nonce", "signature")),
    ({"timestamp": "yesterday"}, 400),
    ({"timestamp": "2020-02-30T00:00:00.000Z"}, 400),
    ({"timestamp": "2020-02-03T00:00:00.000Z"}, 400),
    ({"timestamp": timestamp(-1000)}, 400),
    ({"timestamp": timestamp(1000)}, 400),
    ({"seq": "one"}, 400),
    ({"nonce": "1.5"}, 400),
    ({"key": "you"}, 401),
    ({"key": ""}, 401),
    ({"secret": "yours"}, 401),
    ({"signature": ""}, 401),
    ({"signature": "x" * 44}, 401),
])
def test_signatures_that_are_refused(site, changes, status):
    port, _ = site
    got, answer = post(port, sign("/signed", BODY, **changes), BODY.encode())
    assert got == status and error(answer)


def test_the_signature_covers_the_body(site):
    port, _ = site
    assert post(port, sign("/signed", BODY), BODY.replace("ü", "u"))[0] == 401
    assert post(port, "/signed?key=%zz", BODY.encode())[0] == 400


@pytest.mark.parametrize("path", ["/signed", "/old"])
def test_no_signed_request_is_served_twice(site, path):
    port, _ = site
    signed = sign(path, BODY)
    assert post(port, signed, BODY.encode())[0] == 200
    for _ in range(4):  # over any connection, and so on any I/O thread
        status, answer = post(port, signed, BODY.encode())
        assert status == 401 and "before" in error(answer)
    assert post(port, sign(path, BODY), BODY.encode())[0] == 200


def test_without_a_time_limit_requests_may_be_old(site):
    port, _ = site
    assert post(port, sign("/old", BODY, timestamp="2001-02-03T04:05:06.789Z"), BODY.encode())[0] == 200


def test_a_dynamic_authorizer_is_asked_about_bridges(site, client):
    port, _ = site
    client.register("com.authorize")
    client.register("com.allowed")
    curl = [subprocess.Popen(["curl", "-sS", "-d", body, "-H", "Content-Type: application/json",
                              f"http://127.0.0.1:{port}{path}"], stdout=subprocess.PIPE) for path, body in
            (("/asked", '{"topic": "com.x"}'), ("/asked_call", '{"procedure": "com.allowed"}'))]
    seen = {}
    while len(seen) < 3:
        invocation = client.receive()
        if len(invocation) > 4 and invocation[4]:  # the authorizer's
            details, uri, action, _ = invocation[4]
            assert details["authrole"] == "asked" and details["transport"] == {"type": "stdio"}
            seen[action] = uri
            client.send([70, invocation[1], {}, [action == "call"]])
        else:
            seen["invoked"] = True
            client.send([70, invocation[1], {}, ["done"]])
    assert seen == {"publish": "com.x", "call": "com.allowed", "invoked": True}
    published, called = (json.loads(one.communicate(timeout=nodes.TIME)[0]) for one in curl)
    assert published["error"] == "wamp.error.not_authorized" and called == {"args": ["done"]}


def test_calls_end_in_time_and_with_the_connection(site):
    port, _ = site
    callee = Client(port, details={"roles": {"callee": {"features": {"call_canceling": True}}}})
    callee.register("com.open.slow")
    # Nobody answers in time.
    status, answer = post(port, "/quick", {"procedure": "com.open.slow"})
    assert status == 200 and answer["error"] == "wamp.error.timeout"
    first = callee.receive()
    assert first[0] == 68 and callee.receive()[:2] == [69, first[1]]  # INTERRUPT
    # The client leaves.
    body = b'{"procedure": "com.open.slow"}'
    with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as connection:
        connection.sendall(b"POST /call HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        second = callee.receive()
    assert second[0] == 68 and callee.receive()[:2] == [69, second[1]]
    callee.close()


def test_pipelined_requests_keep_their_order(site, client):
    port, _ = site
    client.subscribe("com.open.many")
    with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as connection:
        bodies = [json.dumps({"topic": "com.open.many", "args": [i]}).encode() for i in range(20)]
        connection.sendall(b"".join(b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
                                    for body in bodies))
        data = b""
        while data.count(b"HTTP/1.1 200 OK") < 20:
            data += connection.recv(65536)
    assert [client.receive()[4] for _ in range(20)] == [[i] for i in range(20)]


@pytest.mark.parametrize(("service", "text"), [
    (bridge("publisher", "nobody"), 'has no role "nobody"'),
    ({**bridge("caller"), "realm": "realm9"}, 'no realm "realm9"'),
    (bridge("caller", secret="x"), '"secret" without "key"'),
    (bridge("caller", secret="", key="k"), "the secret is empty"),
    (bridge("caller", require_ip=["10.0.0.1/8"]), "is not a network"),
    (bridge("caller", require_ip=["10.0.0.0/33"]), "is not a network"),
    (bridge("caller", post_body_limit=2**20 + 1), "post_body_limit"),
    (bridge("caller", timestamp_delta_limit=86401), "timestamp_delta_limit"),
    (bridge("publisher", call_timeout=5), "call_timeout"),
    (bridge("webhook"), '"options" is missing'),
])
def test_check_names_what_is_wrong(tmp_path, service, text):
    directory = nodes.write_config(tmp_path, nodes.config(nodes.free_port(), realms=[REALM], paths={"x": service}))
    done = nodes.run("check", "--cbdir", directory)
    assert done.returncode == 1 and text in done.stdout, done.stdout
