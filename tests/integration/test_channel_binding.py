"""cryptosign bound to the TLS connection it is used on (Channel Binding), and what authenticators are told of TLS."""

import hashlib
import socket
import ssl
import struct

import pytest
from OpenSSL import SSL

from test_cryptosign import JOE
from test_dynamic import SERVICE, dynamic
from support import node as nodes
from support.certificates import Authority
from support.transports import router_with, tcp
from support.wamp import Client, RawSocketClient

ROLES = [{"name": name, "permissions": [nodes.allow()]} for name in ("user", "service")]
AUTH = {"cryptosign": {"type": "static", "principals": {"joe": {"authorized_keys": [JOE.public], "role": "user"}}}}


class OpenSsl:
    """TLS by pyOpenSSL, which can export keying material."""

    def wrap_socket(self, plain, server_hostname):
        plain.setblocking(True)
        seconds = int(nodes.TIME)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", seconds, 0))
        link = SSL.Connection(SSL.Context(SSL.TLS_METHOD), plain)
        link.set_connect_state()
        link.do_handshake()
        return link


@pytest.fixture(scope="module")
def router(tmp_path_factory):
    """(authority, ports by name): one WAMP endpoint with TLS, one without."""
    authority = Authority(tmp_path_factory.mktemp("ca"))
    key, certificate = authority.issue("server")
    ports = {name: nodes.free_port() for name in ("tls", "plain", "web")}
    pair = {"key": key, "certificate": certificate}
    transports = [
        {"type": "rawsocket", "endpoint": tcp(ports["tls"], tls=pair), "auth": AUTH},
        {"type": "rawsocket", "endpoint": tcp(ports["plain"]), "auth": AUTH},
        {"type": "websocket", "endpoint": tcp(ports["web"], tls=pair), "auth": AUTH},
    ]
    document = router_with(transports, realms=[nodes.realm(roles=ROLES)])
    node = nodes.Node(nodes.write_config(tmp_path_factory.mktemp("binding") / ".crossbar", document))
    yield authority, ports
    assert node.stop() == 0


def sign_in(client, binding, channel_id):
    """Signs in with the key bound to `channel_id`; (CHALLENGE or the refusal, the answer to AUTHENTICATE)."""
    client.send([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["cryptosign"], "authid": "joe",
                               "authextra": {"pubkey": JOE.public, "channel_binding": binding}}])
    challenge = client.receive()
    if challenge[0] != 4:
        return challenge, None
    message = bytes.fromhex(challenge[2]["challenge"])
    message = bytes(a ^ b for a, b in zip(message, channel_id or bytes(32)))
    client.send([5, (JOE.private.sign(message) + message).hex(), {}])
    return challenge, client.receive()


def unique(client):
    return hashlib.sha256(client.socket.get_channel_binding("tls-unique")).digest()


@pytest.mark.parametrize("make, name", [(RawSocketClient, "tls"), (Client, "web")])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_signature_is_bound_to_its_connection(router, make, name, version):
    authority, ports = router
    context = authority.client(version=version)
    client, other = (make(ports[name], tls=context, join=False) for _ in range(2))
    assert unique(client) != unique(other)
    challenge, answer = sign_in(client, "tls-unique", unique(client))
    assert challenge[2]["channel_binding"] == "tls-unique" and answer[0] == 2, answer
    for wrong in (unique(other), None):  # of another connection, and of none
        stranger = make(ports[name], tls=context, join=False)
        _, answer = sign_in(stranger, "tls-unique", wrong)
        assert answer == [3, {"message": "message signed is bogus: it is not the challenge"},
                          "wamp.error.not_authorized"]


def test_a_signature_may_be_bound_by_exported_keys(router):
    """RFC 9266."""
    client = RawSocketClient(router[1]["tls"], tls=OpenSsl(), join=False)
    assert client.socket.get_protocol_version_name() == "TLSv1.3"
    exported = client.socket.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
    challenge, answer = sign_in(client, "tls-exporter", exported)
    assert challenge[2]["channel_binding"] == "tls-exporter" and answer[0] == 2, answer


def test_without_tls_there_is_nothing_to_bind_to(router):
    client = RawSocketClient(router[1]["plain"], join=False)
    for binding in ("tls-unique", "tls-exporter"):
        refusal, _ = sign_in(client, binding, None)
        text = f'channel binding "{binding}" requested, but this connection does not use TLS'
        assert refusal == [3, {"message": text}, "wamp.error.not_authorized"]
    _, answer = sign_in(client, None, None)
    assert answer[0] == 2


def test_authenticators_are_told_of_the_channel_and_the_certificate(start, port, tmp_path):
    authority = Authority(tmp_path / "ca")
    key, certificate = authority.issue("server")
    shown = authority.issue("client.example")
    service_port = nodes.free_port()
    start(router_with([
        {"type": "rawsocket", "auth": dynamic("cryptosign"),
         "endpoint": tcp(port, tls={"key": key, "certificate": certificate, "ca_certificates": [authority.file]})},
        {"type": "rawsocket", "endpoint": tcp(service_port), "auth": SERVICE},
    ], realms=[nodes.realm(roles=ROLES)]))
    service = RawSocketClient(service_port)
    service.register("com.auth")
    client = RawSocketClient(port, tls=authority.client(shown), join=False)
    client.send([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["cryptosign"], "authid": "joe",
                               "authextra": {"channel_binding": "tls-unique"}}])
    invocation = service.receive()
    details = invocation[4][2]["transport"]
    assert details["channel_type"] == "tls" and details["is_secure"] is True
    assert details["channel_id"]["tls-unique"] == unique(client).hex()
    assert len(details["channel_id"]["tls-exporter"]) == 64
    told = details["peer_cert"]
    assert told == details["client_cert"]
    der = ssl.PEM_cert_to_DER_cert(open(shown[1]).read())
    for name in ("md5", "sha1", "sha256"):
        assert told[name].replace(":", "") == hashlib.new(name, der).hexdigest().upper()
    assert told["subject"] == {"cn": "client.example"} and told["issuer"] == {"cn": "Test CA"}
    assert told["expired"] is False and told["version"] == 2 and told["not_after"].endswith("Z")
    assert {"name": "subjectAltName", "value": "DNS:localhost", "critical": False} in told["extensions"]
    service.send([70, invocation[1], {}, [{"pubkey": JOE.public, "role": "user"}]])
    challenge = client.receive()
    message = bytes(a ^ b for a, b in zip(bytes.fromhex(challenge[2]["challenge"]), unique(client)))
    client.send([5, (JOE.private.sign(message) + message).hex(), {}])
    assert client.receive()[0] == 2
