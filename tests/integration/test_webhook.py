"""Webhooks: what is posted becomes an event."""

import hashlib
import hmac
import json

import pytest

from support import node as nodes
from support.http import request
from support.wamp import Client

REALM = nodes.realm(roles=[
    {"name": "anonymous", "permissions": [nodes.allow()]},
    {"name": "web", "permissions": [nodes.allow("com.hook.*")]},
])


def webhook(topic="com.hook.event", **options):
    return {"type": "webhook", "realm": "realm1", "role": "web", "options": {"topic": topic, **options}}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    port = nodes.free_port()
    paths = {
        "hook": webhook(),
        "own": webhook(success_response="thanks", post_body_limit=50),
        "github": webhook(github_secret="s3cret"),
        "denied": webhook("com.other", error_response="alas"),
    }
    directory = nodes.write_config(tmp_path_factory.mktemp("webhook") / ".crossbar",
                                   nodes.config(port, realms=[REALM], paths=paths))
    node = nodes.Node(directory)
    yield port, node
    assert node.stop() == 0


@pytest.fixture
def client(site):
    client = Client(site[0])
    client.subscribe("com.hook.event")
    yield client
    client.close()


def test_a_request_becomes_an_event(site, client):
    headers = {"Content-Type": "text/plain", "X-GitHub-Event": "push", "X-Name": "M\xfcller"}
    response, body = request(site[0], "POST", "/hook", "not JSON: ü".encode(), headers)
    assert response.status == 202 and body == b"OK"
    assert response.getheader("Content-Type") == "application/json; charset=UTF-8"
    event = client.receive()
    assert len(event) == 5 and len(event[4]) == 1 and set(event[4][0]) == {"headers", "body"}
    assert event[4][0]["body"] == "not JSON: ü"
    got = event[4][0]["headers"]
    assert got["Content-Type"] == ["text/plain"] and got["X-Github-Event"] == ["push"] and got["X-Name"] == ["Müller"]
    assert got["Content-Length"] == ["12"]


def test_the_responses_are_those_configured(site, client):
    response, body = request(site[0], "PUT", "/own", b"x")
    assert response.status == 202 and body == b"thanks"
    assert client.receive()[4][0]["body"] == "x"
    response, body = request(site[0], "POST", "/denied", b"x")
    assert response.status == 500 and body == b"alas"
    site[1].wait_for("webhook /denied.*com.other.*not_authorized")


def test_what_is_refused(site):
    port = site[0]
    assert request(port, "GET", "/hook")[0].status == 405
    assert request(port, "POST", "/own", b"x" * 51)[0].status == 413
    response, body = request(port, "POST", "/hook", b"\xff")
    assert response.status == 400 and set(json.loads(body)) == {"error", "args", "kwargs"}


def test_github_signatures(site, client):
    port = site[0]
    body = b'{"zen": "Design for failure."}'
    good = "sha1=" + hmac.new(b"s3cret", body, hashlib.sha1).hexdigest()
    for header in ({}, {"X-Hub-Signature": ""}, {"X-Hub-Signature": good[:-1]}, {"X-Hub-Signature": "sha1=" + "0" * 40}):
        assert request(port, "POST", "/github", body, header)[0].status == 400
    assert request(port, "POST", "/github", body + b" ", {"X-Hub-Signature": good})[0].status == 400
    assert request(port, "POST", "/github", body, {"X-Hub-Signature": good})[0].status == 202
    assert client.receive()[4][0]["body"] == body.decode()
