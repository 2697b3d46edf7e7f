"""Signing in with a key pair (cryptosign): principals of the configuration, and an authenticator's."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from test_dynamic import Decider, authenticate, document, dynamic, hello
from support import node as nodes
from support.wamp import SERIALIZERS, Client


class Key:
    """A key pair, and the client's side of the method."""

    def __init__(self, seed=None):
        self.private = Ed25519PrivateKey.from_private_bytes(seed) if seed else Ed25519PrivateKey.generate()
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def secret(self):
        return self.private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()).hex()

    def sign(self, extra):
        message = bytes.fromhex(extra["challenge"])
        return (self.private.sign(message) + message).hex()


JOE, ANN, SHARED, NODE, STRANGER = Key(), Key(), Key(), Key(), Key()
ROLES = [{"name": "user", "permissions": [nodes.allow()]}]
AUTH = {"cryptosign": {"type": "static", "principals": {
    "joe": {"authorized_keys": [JOE.public, SHARED.public], "role": "user"},
    "ann": {"authorized_keys": [SHARED.public, ANN.public.upper()], "role": "user", "realm": "realm2"},
    "lost": {"authorized_keys": [JOE.public[:-2] + "00"], "role": "nobody"},
}}}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    port = nodes.free_port()
    realms = [nodes.realm(roles=ROLES), nodes.realm("realm2", roles=ROLES)]
    config = nodes.config(port, realms=realms, websocket={"auth": AUTH})
    directory = nodes.write_config(tmp_path_factory.mktemp("cryptosign") / ".crossbar", config)
    (directory / "key.priv").write_text(f"Crossbar.io node private key - KEEP THIS SAFE!\n\ncreator: me\n"
                                        f"public-key-ed25519: {NODE.public}\nprivate-key-ed25519: {NODE.secret()}\n")
    node = nodes.Node(directory, "--loglevel", "debug")
    yield port, node
    assert node.stop() == 0


def attempt(port, key, authid=None, announce=True, serializer="json", realm="realm1", answer=None, **authextra):
    """Signs in as far as it goes; `reply` is the last message received."""
    if announce:
        authextra["pubkey"] = key.public
    client = hello(port, "cryptosign", authid, realm, serializer, authextra=authextra)
    client.challenge = client.reply
    if client.reply[0] == 4:
        authenticate(client, (answer or key.sign)(client.reply[2]))
    return client


def refusal(client):
    assert client.reply[0] == 3 and client.reply[2] == "wamp.error.not_authorized", client.reply
    return client.reply[1]["message"]


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize(("key", "authid", "announce", "who", "realm"), [
    (JOE, "joe", True, "joe", "realm1"),
    (JOE, None, True, "joe", "realm1"),  # by the key alone
    (SHARED, "joe", False, "joe", "realm1"),  # by the name alone
    (ANN, None, True, "ann", "realm2"),
    (SHARED, "ann", True, "ann", "realm2"),
])
def test_those_with_the_key_get_in(guarded, serializer, key, authid, announce, who, realm):
    port, node = guarded
    client = attempt(port, key, authid, announce, serializer)
    assert client.challenge[:2] == [4, "cryptosign"] and len(client.challenge[2]["challenge"]) == 64
    assert set(client.challenge[2]) == {"challenge", "channel_binding"}
    assert client.challenge[2]["channel_binding"] is None
    assert client.reply[0] == 2, client.reply
    details = client.reply[2]
    assert (details["authid"], details["authrole"], details["realm"]) == (who, "user", realm)
    assert (details["authmethod"], details["authprovider"]) == ("cryptosign", "static")
    client.subscribe("com.topic")
    node.wait_for(f'session {client.reply[1]} joined realm "{realm}": authid "{who}", role "user", static cryptosign')


def test_everybody_else_does_not(guarded):
    port, _ = guarded
    mismatch = "extra.pubkey provided does not match any one of authorized_keys for the principal"
    assert refusal(attempt(port, STRANGER, "joe")) == mismatch
    unknown = "cannot identify client: no authid requested and no principal found for provided extra.pubkey"
    assert refusal(attempt(port, STRANGER)) == unknown
    nameless = "cannot identify client: no authid requested and no extra.pubkey provided"
    assert refusal(attempt(port, JOE, announce=False)) == nameless
    several = "cannot infer client identity from pubkey: multiple authids in principal database have this pubkey"
    assert refusal(attempt(port, SHARED)) == several
    # A name that nobody has is refused as a key that is not the name's.
    assert refusal(attempt(port, STRANGER, "eve")) == mismatch
    # Without one it is challenged; some are taken for the one whose role is a mistake.
    courses = [attempt(port, STRANGER, name, announce=False) for name in ["joe", *(f"eve{i}" for i in range(40))]]
    challenged = [client for client in courses if client.challenge[0] == 4]
    assert challenged[0] is courses[0] and len(challenged) > 10
    assert {refusal(client) for client in challenged} == {"signed message has invalid signature"}
    binding = 'invalid channel binding type "tls-magic" requested'
    assert refusal(attempt(port, JOE, "joe", channel_binding="tls-magic")) == binding
    assert refusal(attempt(port, STRANGER, "joe", announce=False)) == "signed message has invalid signature"
    old = attempt(port, JOE, "joe").challenge[2]
    replayed = attempt(port, JOE, "joe", answer=lambda _: JOE.sign(old))
    assert refusal(replayed) == "message signed is bogus: it is not the challenge"
    short = attempt(port, JOE, "joe", answer=lambda extra: JOE.sign(extra)[:128])
    assert refusal(short) == "signed message has invalid length (was 64, but should have been 96)"
    letters = attempt(port, JOE, "joe", answer=lambda extra: "x" * 192)
    assert refusal(letters) == "signed message is invalid (not a HEX encoded string)"
    lost = attempt(port, JOE, "lost", announce=False)  # a mistake of the configuration shows before the challenge
    assert lost.reply == [3, {"message": 'realm "realm1" has no role "nobody"'}, "wamp.error.no_such_role"]


def test_the_router_proves_itself_with_the_node_key(guarded):
    port, node = guarded
    asked = bytes(range(32)).hex()
    client = attempt(port, JOE, "joe", challenge=asked)
    assert client.reply[0] == 2
    extra = client.challenge[2]
    assert extra["pubkey"] == NODE.public
    signed = bytes.fromhex(extra["signature"])
    assert len(signed) == 96 and signed[64:].hex() == asked
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(NODE.public)).verify(signed[:64], signed[64:])
    wrong = "authextra.challenge must be 64 hexadecimal digits"
    assert refusal(attempt(port, JOE, "joe", challenge="00")) == wrong
    assert NODE.secret() not in node.output()


def test_without_a_node_key_the_challenge_is_not_signed(start, port):
    start(nodes.config(port, realms=[nodes.realm(roles=ROLES), nodes.realm("realm2", roles=ROLES)],
                       websocket={"auth": AUTH}))
    client = attempt(port, JOE, "joe", challenge="00" * 32)
    assert set(client.challenge[2]) == {"challenge", "channel_binding"} and client.reply[0] == 2


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_an_authenticator_knows_the_keys(start, port, serializer):
    service_port = nodes.free_port()
    start(document(port, service_port, dynamic("cryptosign")))

    def decide(realm, authid, details):
        if authid == "eve":
            return ("com.error.unknown", "no eve here")
        if authid == "odd":
            return {"role": "user", "pubkey": "abc"}
        return {"role": "user", "pubkey": JOE.public, "authid": "joseph", "extra": {"hello": "there"}}

    decider = Decider(service_port, "com.auth", decide, serializer=serializer)
    client = attempt(port, JOE, "joe", serializer=serializer)
    assert client.reply[0] == 2, client.reply
    details = client.reply[2]
    assert (details["authid"], details["authrole"], details["authprovider"]) == ("joseph", "user", "dynamic")
    assert details["authextra"]["hello"] == "there"
    asked = decider.asked[-1]
    assert asked[:2] == ["realm1", "joe"] and asked[2]["authmethod"] == "cryptosign"
    assert asked[2]["authextra"]["pubkey"] == JOE.public and asked[2]["session"] == client.reply[1]
    assert refusal(attempt(port, STRANGER, "joe", serializer=serializer)) == "signed message has invalid signature"
    eve = attempt(port, JOE, "eve", serializer=serializer)
    assert eve.reply == [3, {"message": "no eve here"}, "com.error.unknown"]
    odd = attempt(port, JOE, "odd", serializer=serializer)
    assert odd.reply[2] == "wamp.error.authorization_failed" and "pubkey" in odd.reply[1]["message"]


def test_check_finds_nothing_to_complain_about(tmp_path):
    directory = nodes.write_config(tmp_path / ".crossbar", json.dumps(nodes.config(1, websocket={"auth": AUTH})))
    result = nodes.run("check", "--cbdir", directory)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "not available" not in result.stdout + result.stderr
