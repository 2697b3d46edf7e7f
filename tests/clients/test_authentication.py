"""Real clients sign in: Autobahn|Python with its authenticators of cryptosign and scram, autobahn-js with cryptosign."""

import asyncio
import pathlib
import ssl
import subprocess

import pytest
from autobahn.asyncio.wamp import ApplicationRunner, Session
from autobahn.wamp.auth import create_authenticator, derive_scram_credential
from autobahn.wamp.cryptosign import CryptosignKey
from autobahn.wamp.serializer import CBORSerializer, JsonSerializer, MsgPackSerializer

from support import node as nodes
from support.certificates import Authority
from support.transports import tcp

SERIALIZERS = {"json": JsonSerializer, "msgpack": MsgPackSerializer, "cbor": CBORSerializer}
SCRIPT = pathlib.Path(__file__).with_name("cryptosign.mjs")
PRIVATE = "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510"
OTHER = "d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd"


def public_key(private):
    return CryptosignKey.from_bytes(bytes.fromhex(private)).public_key()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def secure_port():
    return nodes.free_port()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, authority, secure_port):
    port = nodes.free_port()
    key, certificate = authority.issue("server")
    credential = derive_scram_credential("ann@example.com", "p4ssw0rd")
    auth = {
        "cryptosign": {"type": "static", "principals": {
            "joe": {"authorized_keys": [public_key(PRIVATE)], "role": "user"}}},
        "scram": {"type": "static", "principals": {"ann@example.com": {**credential, "role": "user"}}},
    }
    realm = nodes.realm(roles=[{"name": "user", "permissions": [nodes.allow()]}])
    document = nodes.config(port, realms=[realm], websocket={"auth": auth})
    document["workers"][0]["transports"].append(
        {"type": "websocket", "auth": auth, "endpoint": tcp(secure_port, tls={"key": key, "certificate": certificate})})
    node = nodes.Node(nodes.write_config(tmp_path_factory.mktemp("clients") / ".crossbar", document))
    yield port
    assert node.stop() == 0


def sign_in(port, serializer, method, tls=None, **settings):
    """(details of the session, None), or (None, the reason why there is none)."""
    outcome = {}

    class Guest(Session):
        async def on_join(self, details):
            outcome["joined"] = details
            outcome["sum"] = await self.register(lambda a, b: a + b, "com.clients.add")
            self.leave()

        def on_leave(self, details):
            outcome["left"] = details
            self.disconnect()

        def on_disconnect(self):
            asyncio.get_event_loop().stop()

    def make(config):
        session = Guest(config)
        session.add_authenticator(create_authenticator(method, **settings))
        return session

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    url = f"wss://localhost:{port}/ws" if tls else f"ws://127.0.0.1:{port}/ws"
    runner = ApplicationRunner(url, "realm1", serializers=[SERIALIZERS[serializer]()], ssl=tls)
    transport, _ = loop.run_until_complete(runner.run(make, start_loop=False))
    loop.call_later(nodes.TIME, loop.stop)
    loop.run_forever()
    transport.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    return outcome.get("joined"), outcome.get("left")


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("named", [True, False])
def test_autobahn_python_signs(guarded, serializer, named):
    who = {"authid": "joe"} if named else {}
    joined, _ = sign_in(guarded, serializer, "cryptosign", privkey=PRIVATE, **who)
    assert (joined.authid, joined.authrole, joined.authmethod) == ("joe", "user", "cryptosign")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_autobahn_python_binds_its_signature_to_the_channel(guarded, authority, secure_port, version):
    joined, left = sign_in(secure_port, "cbor", "cryptosign", tls=authority.client(version=version), privkey=PRIVATE,
                           authid="joe", authextra={"channel_binding": "tls-unique"})
    assert joined is not None, left
    assert (joined.authid, joined.authrole, joined.authmethod) == ("joe", "user", "cryptosign")


def test_autobahn_python_is_refused_with_another_key(guarded):
    joined, left = sign_in(guarded, "json", "cryptosign", privkey=OTHER, authid="joe")
    assert joined is None and left.reason == "wamp.error.not_authorized"


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_autobahn_python_proves_a_password_and_checks_the_routers(guarded, serializer):
    """With argon2id; Autobahn cannot do PBKDF2, for which it has a salt of the wrong type."""
    joined, _ = sign_in(guarded, serializer, "scram", authid="ann@example.com", password="p4ssw0rd")
    assert (joined.authid, joined.authrole, joined.authmethod) == ("ann@example.com", "user", "scram")


@pytest.mark.parametrize(("authid", "password"), [("ann@example.com", "guess"), ("eve@example.com", "p4ssw0rd")])
def test_autobahn_python_is_refused_with_another_password(guarded, authid, password):
    joined, left = sign_in(guarded, "json", "scram", authid=authid, password=password)
    assert joined is None and left.reason == "wamp.error.not_authorized"
    assert left.message == "SCRAM authentication failed"


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
def test_autobahn_js_signs(guarded, serializer):
    result = subprocess.run(["node", SCRIPT, f"ws://127.0.0.1:{guarded}/ws", serializer, PRIVATE, OTHER],
                            capture_output=True, text=True, timeout=nodes.TIME * 2)
    assert result.returncode == 0, result.stdout + result.stderr
