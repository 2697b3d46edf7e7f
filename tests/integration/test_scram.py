"""Signing in with a password that is never sent (scram): users of the configuration, and an authenticator's."""

import base64
import hashlib
import hmac
import os

import pytest
from argon2.low_level import Type, hash_secret_raw

from test_dynamic import Decider, authenticate, document, dynamic, hello
from support import node as nodes
from support.wamp import SERIALIZERS

SALT = bytes(range(16))
FAILED = [3, {"message": "SCRAM authentication failed"}, "wamp.error.not_authorized"]


def hmac256(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def derive(password, kdf, salt, iterations, memory):
    if kdf == "pbkdf2":
        return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations, 32)
    return hash_secret_raw(password.encode(), salt, iterations, memory, 1, 32, Type.ID, 0x13)


def record(password, kdf, iterations, memory, **more):
    """What the router is told of a user."""
    salted = derive(password, kdf, SALT, iterations, memory)
    return {"kdf": kdf, "iterations": iterations, "memory": memory, "salt": SALT.hex(),
            "stored-key": hashlib.sha256(hmac256(salted, b"Client Key")).hexdigest(),
            "server-key": hmac256(salted, b"Server Key").hex(), **more}


JOE = record("joe's password", "pbkdf2", 1000, 0, role="user")
ANN = record("pässword", "argon2id-13", 2, 64, role="user")
LOST = record("x", "pbkdf2", 1000, 0, role="nobody")
ROLES = [{"name": "user", "permissions": [nodes.allow()]}]
AUTH = {"scram": {"type": "static", "principals": {"joe": JOE, "ann": ANN}}}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    port = nodes.free_port()
    config = nodes.config(port, realms=[nodes.realm(roles=ROLES)], websocket={"auth": AUTH})
    node = nodes.Node(nodes.write_config(tmp_path_factory.mktemp("scram") / ".crossbar", config), "--loglevel", "debug")
    yield port, node
    assert node.stop() == 0


class Scram:
    """The client's side of the method, as Autobahn has it."""

    def __init__(self, authid, password):
        self.authid = authid
        self.password = password
        self.nonce = base64.b64encode(os.urandom(16)).decode()

    def prove(self, extra):
        salted = derive(self.password, extra["kdf"], base64.b64decode(extra["salt"]), extra["iterations"],
                        extra["memory"])
        assert base64.b64decode(extra["nonce"]).startswith(base64.b64decode(self.nonce))
        message = (f"n={self.authid},r={self.nonce},r={extra['nonce']},s={extra['salt']},i={extra['iterations']},"
                   f"c=,r={extra['nonce']}").encode()
        client_key = hmac256(salted, b"Client Key")
        signature = hmac256(hashlib.sha256(client_key).digest(), message)
        self.server_signature = base64.b64encode(hmac256(hmac256(salted, b"Server Key"), message)).decode()
        return base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature))).decode()


def attempt(port, authid, password, serializer="json", realm="realm1"):
    """Signs in as far as it goes; `reply` is the last message received."""
    scram = Scram(authid, password)
    client = hello(port, "scram", authid, realm, serializer, authextra={"nonce": scram.nonce})
    client.scram = scram
    client.challenge = client.reply
    if client.reply[0] == 4:
        client.proof = scram.prove(client.reply[2])
        authenticate(client, client.proof)
    return client


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize(("authid", "password", "known"), [("joe", "joe's password", JOE), ("ann", "pässword", ANN)])
def test_those_with_the_password_get_in_and_so_does_the_router(guarded, serializer, authid, password, known):
    port, node = guarded
    client = attempt(port, authid, password, serializer)
    assert client.challenge[:2] == [4, "scram"]
    extra = client.challenge[2]
    assert set(extra) == {"nonce", "kdf", "salt", "iterations", "memory"}
    assert [extra[key] for key in ("kdf", "iterations", "memory")] == [
        known[key] for key in ("kdf", "iterations", "memory")]
    assert base64.b64decode(extra["salt"]) == SALT
    assert client.reply[0] == 2, client.reply
    details = client.reply[2]
    assert (details["authid"], details["authrole"], details["authmethod"]) == (authid, "user", "scram")
    assert details["authprovider"] == "static"
    assert details["authextra"]["scram_server_signature"] == client.scram.server_signature
    client.subscribe("com.topic")
    node.wait_for(f'session {client.reply[1]} joined realm "realm1": authid "{authid}", role "user", static scram')


def test_a_wrong_name_is_answered_like_a_wrong_password(guarded):
    port, node = guarded
    for authid in ("joe", "ann", "eve", "jöe", "joe,r=x"):
        first, second = attempt(port, authid, "guess"), attempt(port, authid, "guess")
        assert first.reply == second.reply == FAILED
        salts = {client.challenge[2]["salt"] for client in (first, second)}
        assert len(salts) == 1 and len(base64.b64decode(salts.pop())) == 16
        assert first.challenge[2]["kdf"] == second.challenge[2]["kdf"]
        assert first.challenge[2]["nonce"] != second.challenge[2]["nonce"]
        # Nor does the realm give it away.
        nowhere = attempt(port, authid, "guess", realm="nowhere")
        assert nowhere.reply == [3, {"message": 'no realm "nowhere" exists on this router'}, "wamp.error.no_such_realm"]
    node.wait_for("sign-in refused: wamp.error.not_authorized")


def test_the_challenge_of_a_stranger_is_the_same_after_a_restart(start, port):
    config = nodes.config(port, realms=[nodes.realm(roles=ROLES)], websocket={"auth": AUTH})
    challenges = []
    for _ in range(2):
        node = start(config)
        challenges.append(attempt(port, "eve", "guess").challenge[2])
        node.stop()
    assert {**challenges[0], "nonce": 0} == {**challenges[1], "nonce": 0}


def test_proofs_are_worth_something_once(guarded):
    port, node = guarded
    good = attempt(port, "joe", "joe's password")
    client = hello(port, "scram", "joe", authextra={"nonce": good.scram.nonce})
    assert authenticate(client, good.proof).reply == FAILED
    client = hello(port, "scram", "joe", authextra={"nonce": good.scram.nonce})
    assert authenticate(client, "proof").reply == [
        3, {"message": "client proof must be 32 bytes in base64"}, "wamp.error.not_authorized"]
    for secret in (good.proof, JOE["stored-key"], JOE["server-key"], "joe's password"):
        assert secret not in node.output()


@pytest.mark.parametrize(("authid", "authextra", "text"), [
    ("joe", None, "client must send a nonce"),
    ("joe", {"nonce": None}, "client must send a nonce"),
    ("joe", {"nonce": "%%%"}, "client nonce must be base64"),
    ("joe", {"nonce": 1}, "client nonce must be base64"),
    ("joe", {"nonce": "A" * 2000}, "client nonce is too long"),
    (None, {"nonce": "AAAA"}, "cannot identify client: no authid requested"),
])
def test_what_hello_must_have(guarded, authid, authextra, text):
    client = hello(guarded[0], "scram", authid, authextra=authextra)
    assert client.reply == [3, {"message": text}, "wamp.error.not_authorized"]


def test_a_role_that_is_missing_shows_before_the_challenge(start, port):
    auth = {"scram": {"type": "static", "principals": {"lost": LOST}}}
    start(nodes.config(port, realms=[nodes.realm(roles=ROLES)], websocket={"auth": auth}))
    client = attempt(port, "lost", "x")
    assert client.reply == [3, {"message": 'realm "realm1" has no role "nobody"'}, "wamp.error.no_such_role"]


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_an_authenticator_knows_the_records(start, port, serializer):
    service_port = nodes.free_port()
    node = start(document(port, service_port, dynamic("scram")), "--loglevel", "trace")

    def decide(realm, authid, details):
        if authid == "eve":
            return ("com.error.unknown", "no eve here")
        if authid == "odd":
            return {**JOE, "iterations": 2_000_000_000}
        return {**(ANN if authid == "ann" else JOE), "authid": f"the real {authid}", "extra": {"hello": "there"}}

    decider = Decider(service_port, "com.auth", decide, serializer=serializer)
    for authid, password in (("joe", "joe's password"), ("ann", "pässword")):
        client = attempt(port, authid, password, serializer)
        assert client.reply[0] == 2, client.reply
        details = client.reply[2]
        assert (details["authid"], details["authprovider"]) == (f"the real {authid}", "dynamic")
        assert details["authextra"]["hello"] == "there"
        assert details["authextra"]["scram_server_signature"] == client.scram.server_signature
        asked = decider.asked[-1]
        assert asked[:2] == ["realm1", authid] and asked[2]["authmethod"] == "scram"
        assert asked[2]["authextra"] == {"nonce": client.scram.nonce} and asked[2]["session"] == client.reply[1]
    assert attempt(port, "joe", "guess", serializer).reply == FAILED
    eve = attempt(port, "eve", "x", serializer)
    assert eve.reply == [3, {"message": "no eve here"}, "com.error.unknown"]
    odd = attempt(port, "odd", "x", serializer)
    assert odd.reply[2] == "wamp.error.authorization_failed" and "iterations must be" in odd.reply[1]["message"]
    assert JOE["stored-key"] not in node.output() and JOE["server-key"] not in node.output()


def test_check_names_records_that_cannot_be_used(tmp_path):
    def check(**changes):
        auth = {"scram": {"type": "static", "principals": {"joe": {**ANN, **changes}}}}
        directory = nodes.write_config(tmp_path / ".crossbar", nodes.config(1, websocket={"auth": auth}))
        result = nodes.run("check", "--cbdir", directory)
        return result.returncode, result.stdout + result.stderr

    code, output = check()
    assert code == 0 and "not available" not in output, output
    for changes in ({"salt": "pepper"}, {"iterations": 10**9}, {"memory": 4}, {"stored-key": "abc123"}):
        code, output = check(**changes)
        key = next(iter(changes))
        assert code != 0 and f"auth.scram.principals.joe.{key}: " in output, output
        assert "abc123" not in output
