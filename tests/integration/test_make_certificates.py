"""bin/make-certificates: what it makes serves the router, curl, and clients with certificates of their own."""

import json
import re
import ssl
import subprocess

import pytest

from support import node as nodes
from support.transports import router_with, tcp
from support.wamp import RawSocketClient

SCRIPT = nodes.ROOT / "bin" / "make-certificates"


def make(*arguments):
    return subprocess.run([SCRIPT, *map(str, arguments)], capture_output=True, text=True, timeout=nodes.TIME)


def made(directory, *arguments):
    done = make(directory, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def served(start, tmp_path):
    """(directory, port): a router with a certificate made here, for web and RawSocket; clients need certificates."""
    port = nodes.free_port()
    certificates = tmp_path / "certificates"
    made(certificates)
    sha1 = re.search("SHA-1: +([0-9A-F:]+)", made(certificates, "--client", "joe")).group(1)
    settings = {"key": str(certificates / "server.key"), "certificate": str(certificates / "server.crt"),
                "ca_certificates": [str(certificates / "ca.crt")]}
    auth = {"tls": {"type": "static", "principals": {"joe": {"certificate-sha1": sha1, "role": "anonymous"}}}}
    start(router_with([{"type": "universal", "endpoint": tcp(port, tls=settings), "rawsocket": {"auth": auth},
                        "web": {"paths": {"/": {"type": "json", "value": {"it": "works"}}}}}]))
    return certificates, port


def test_curl_trusts_the_router(served):
    certificates, port = served
    command = ["curl", "-sS", "--cacert", certificates / "ca.crt"]
    shown = ["--cert", certificates / "joe.crt", "--key", certificates / "joe.key"]
    for host in ("localhost", "127.0.0.1"):
        done = subprocess.run([*command, *shown, f"https://{host}:{port}/"], capture_output=True, text=True,
                              timeout=nodes.TIME)
        assert done.returncode == 0 and json.loads(done.stdout) == {"it": "works"}, done.stderr
    done = subprocess.run([*command, f"https://localhost:{port}/"], capture_output=True, text=True, timeout=nodes.TIME)
    assert done.returncode != 0  # without a certificate of its own
    done = subprocess.run(["curl", "-sS", *shown, f"https://localhost:{port}/"], capture_output=True, text=True,
                          timeout=nodes.TIME)
    assert done.returncode == 60, done.stderr  # without trust in the authority


def test_a_client_signs_in_with_its_certificate(served):
    certificates, port = served
    context = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
    context.load_cert_chain(certificates / "joe.crt", certificates / "joe.key")
    client = RawSocketClient(port, tls=context, details={"authmethods": ["tls"]})
    assert client.welcome[2]["authid"] == "joe"


def test_the_authority_stays_and_keys_are_private(tmp_path):
    first = made(tmp_path)
    authority = (tmp_path / "ca.crt").read_text()
    again = made(tmp_path, "router.example", "*.router.example", "192.0.2.1")
    assert "authority:" in first and "authority:" not in again
    assert (tmp_path / "ca.crt").read_text() == authority
    shown = subprocess.run(["openssl", "x509", "-in", tmp_path / "server.crt", "-noout", "-ext", "subjectAltName"],
                           capture_output=True, text=True).stdout
    assert "DNS:router.example, DNS:*.router.example, IP Address:192.0.2.1" in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.crt", "ca.key", "server.crt", "server.key"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.glob("*.key"))


@pytest.mark.parametrize("arguments, why", [
    ((), "a directory is missing"), (("--client",), "a directory is missing"), (("x", "--client"), "wants one name"),
    (("x", "--client", "a", "b"), "wants one name"), (("x", "--client", "../a"), '"../a" is not a name'),
    (("x", "--client", "ca"), '"ca" is the name of another certificate'),
    (("x", "--what"), '"--what" is neither a host name nor an address'),
    (("x", "a b"), '"a b" is neither a host name nor an address')])
def test_what_cannot_be_made_is_named(tmp_path, arguments, why):
    done = make(*(tmp_path / "new" if argument == "x" else argument for argument in arguments))
    assert done.returncode == 2 and why in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "new").exists()
