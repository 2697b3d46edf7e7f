"""Signing in with the certificate that a client shows in the TLS handshake."""

import hashlib
import ssl

import pytest

from test_dynamic import SERVICE, dynamic
from support import node as nodes
from support.certificates import Authority
from support.transports import router_with, tcp
from support.wamp import Client, RawSocketClient

ROLES = [{"name": name, "permissions": [nodes.allow()]} for name in ("user", "admin", "service")]


def digest(pair, name):
    return hashlib.new(name, ssl.PEM_cert_to_DER_cert(open(pair[1]).read())).hexdigest().upper()


def with_colons(digits):
    return ":".join(digits[i:i + 2] for i in range(0, len(digits), 2))


class World:
    """Clients with certificates, and endpoints that ask for them."""

    def __init__(self, directory):
        self.authority = Authority(directory)
        self.pairs = {name: self.authority.issue(name) for name in ("joe", "ann", "bob.example", "eve", "lost")}
        key, certificate = self.authority.issue("server")
        self.server = {"key": key, "certificate": certificate}
        self.tls = {**self.server, "ca_certificates": [self.authority.file]}
        self.auth = {"tls": {"type": "static", "default-role": "user", "principals": {
            "joe": {"certificate-sha1": with_colons(digest(self.pairs["joe"], "sha1")), "role": "admin"},
            "ann": {"certificate-sha256": digest(self.pairs["ann"], "sha256").lower()},
            "bob": {"certificate-cn": "bob.example"},
            "lost": {"certificate-sha1": digest(self.pairs["lost"], "sha1"), "role": "nobody"}}}}

    def hello(self, port, name=None, make=RawSocketClient, **details):
        context = self.authority.client(self.pairs[name] if name else None)
        client = make(port, tls=context, join=False)
        return client, client.join("realm1", {"authmethods": ["tls"], **details})


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def ports(tmp_path_factory, world):
    ports = {name: nodes.free_port() for name in ("rawsocket", "websocket", "without", "plain")}
    realms = [nodes.realm(roles=ROLES)]
    node = nodes.Node(nodes.write_config(tmp_path_factory.mktemp("tls") / ".crossbar", router_with([
        {"type": "rawsocket", "endpoint": tcp(ports["rawsocket"], tls=world.tls), "auth": world.auth},
        {"type": "websocket", "endpoint": tcp(ports["websocket"], tls=world.tls), "auth": world.auth},
        {"type": "rawsocket", "endpoint": tcp(ports["without"], tls=world.server), "auth": world.auth},
        {"type": "rawsocket", "endpoint": tcp(ports["plain"]), "auth": world.auth},
    ], realms=realms)))
    yield ports
    assert node.stop() == 0


@pytest.mark.parametrize("name, make", [("rawsocket", RawSocketClient), ("websocket", Client)])
@pytest.mark.parametrize("who, authid, role", [("joe", "joe", "admin"), ("ann", "ann", "user"),
                                               ("bob.example", "bob", "user")])
def test_a_certificate_says_who_it_is(ports, world, name, make, who, authid, role):
    client, reply = world.hello(ports[name], who, make, authid="somebody else")
    assert reply[0] == 2, reply
    details = reply[2]
    assert (details["authid"], details["authrole"]) == (authid, role)
    assert (details["authmethod"], details["authprovider"]) == ("tls", "static")
    client.subscribe("com.topic")


def test_everybody_else_is_refused(ports, world):
    _, refusal = world.hello(ports["rawsocket"], "eve")
    unknown = with_colons(digest(world.pairs["eve"], "sha1"))
    assert refusal == [3, {"message": f'no principal with authid "{unknown}" exists'}, "wamp.error.not_authorized"]
    _, refusal = world.hello(ports["rawsocket"], "lost")
    assert refusal == [3, {"message": 'realm "realm1" has no role "nobody"'}, "wamp.error.no_such_role"]
    none = [3, {"message": "client did not send a TLS client certificate"}, "wamp.error.not_authorized"]
    assert world.hello(ports["without"], "joe")[1] == none  # it was not asked for
    plain = RawSocketClient(ports["plain"], join=False)
    assert plain.join("realm1", {"authmethods": ["tls"]}) == none
    client, _ = world.hello(ports["rawsocket"], "eve")
    client.send([5, "an answer to nothing", {}])
    assert client.receive() == [3, {"message": "no pending authentication"}, "wamp.error.not_authorized"]


def test_a_procedure_may_decide(start, port, world):
    service_port = nodes.free_port()
    start(router_with([
        {"type": "rawsocket", "endpoint": tcp(port, tls=world.tls), "auth": dynamic("tls")},
        {"type": "rawsocket", "endpoint": tcp(service_port), "auth": SERVICE},
    ], realms=[nodes.realm(roles=ROLES)]))
    service = RawSocketClient(service_port)
    service.register("com.auth")

    def decide(name, answer, **details):
        client = RawSocketClient(port, tls=world.authority.client(world.pairs[name]), join=False)
        client.send([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["tls"], **details}])
        invocation = service.receive()
        service.send([70, invocation[1], {}, [answer]])
        return invocation[4], client.receive()

    args, reply = decide("joe", {"authid": "joseph", "role": "user", "extra": {"a": 1}}, authextra={"x": 2})
    assert args[:2] == ["realm1", None]
    assert args[2]["authmethod"] == "tls" and args[2]["authextra"] == {"x": 2}
    assert args[2]["transport"]["peer_cert"]["subject"] == {"cn": "joe"}
    assert args[2]["transport"]["peer_cert"]["sha1"] == with_colons(digest(world.pairs["joe"], "sha1"))
    assert (reply[2]["authid"], reply[2]["authmethod"], reply[2]["authprovider"]) == ("joseph", "tls", "dynamic")
    _, reply = decide("eve", "user", authid="eve")
    assert reply[2]["authid"] == "eve" and reply[2]["authrole"] == "user"
    _, reply = decide("eve", "user")
    assert reply == [3, {"message": "no authid assigned"}, "wamp.error.no_such_principal"]
    _, reply = decide("eve", 5, authid="eve")
    assert reply[2] == "wamp.error.authentication_failed"
