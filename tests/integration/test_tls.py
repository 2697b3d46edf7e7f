"""TLS on TCP endpoints."""

import hashlib
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from support import node as nodes
from support.certificates import Authority
from support.transports import router_with, tcp
from support.wamp import Client, Closed, RawSocket, RawSocketClient, WebSocket


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def server(authority):
    """(key, certificate)"""
    return authority.issue("server")


def tls(pair, **more):
    return {"key": pair[0], "certificate": pair[1], **more}


def rawsocket(port, settings, **more):
    return {"type": "rawsocket", "endpoint": tcp(port, tls=settings, **more)}


@pytest.fixture(scope="module")
def router(tmp_path_factory, authority, server):
    """(port, node): a universal transport over TLS."""
    port = nodes.free_port()
    transport = {"type": "universal", "endpoint": tcp(port, tls=tls(server)), "rawsocket": {},
                 "websocket": {"ws": {"type": "websocket"}}, "web": {"paths": {"/": {"type": "nodeinfo"}}}}
    directory = nodes.write_config(tmp_path_factory.mktemp("router") / ".crossbar", router_with([transport]))
    node = nodes.Node(directory)
    yield port, node
    assert node.stop() == 0


def connect(port, context):
    link = socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME)
    return context.wrap_socket(link, server_hostname="localhost")


def certificate_of(port, authority):
    """The hash of what the router shows now."""
    with connect(port, authority.client()) as link:
        return hashlib.sha256(link.getpeercert(binary_form=True)).hexdigest()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_rawsocket_websocket_and_web(router, authority, version):
    port, _ = router
    context = authority.client(version=version)
    raw, web = RawSocketClient(port, tls=context), Client(port, tls=context)
    assert raw.socket.version() == version.name.replace("_", ".")
    assert raw.welcome[2]["x_cb_peer"].startswith("tcp4:127.0.0.1:")
    for client in (raw, web):
        client.subscribe("com.topic")
    raw.publish("com.topic", [1], exclude_me=False)
    assert raw.receive()[4] == [1] and web.receive()[4] == [1]
    with connect(port, context) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert link.recv(100).startswith(b"HTTP/1.1 200")


def test_versions_before_1_2_are_refused(router, authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        connect(router[0], context)
    router[1].wait_for("TLS handshake failed: unsupported protocol")


@pytest.mark.parametrize("offered, chosen", [(["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"),
                                             (["h2"], None), (None, None)])
def test_alpn(router, authority, offered, chosen):
    with connect(router[0], authority.client(alpn=offered)) as link:
        assert link.selected_alpn_protocol() == chosen


def test_what_is_not_tls_gets_no_service(router, authority):
    port, node = router
    for start in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x7f\xf1\0\0\0", b"\0" * 1000):
        with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as link:
            link.sendall(start)
            answer = b""
            while data := link.recv(1000):
                answer += data
            assert b"HTTP" not in answer and len(answer) < 10  # an alert at most
    node.wait_for("TLS handshake failed: (http request|wrong version number)")
    assert certificate_of(port, authority)


def test_a_handshake_cut_short_at_every_byte(router, authority):
    port, node = router
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = authority.client().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello = outgoing.read()
    for size in range(0, len(hello), 7):
        with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as link:
            link.sendall(hello[:size])
    for index in range(5, len(hello), 11):  # and one that is not what it was
        with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as link:
            link.sendall(hello[:index] + bytes([hello[index] ^ 0xFF]) + hello[index + 1:])
    assert node.process.poll() is None and certificate_of(port, authority)


def test_records_that_are_not_what_they_were_end_the_connection(router, authority):
    port, node = router
    client = RawSocketClient(port, tls=authority.client())
    plain = client.socket.detach()
    with socket.socket(fileno=plain) as link:
        link.settimeout(nodes.TIME)
        link.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        try:
            while link.recv(1000):
                pass
        except ConnectionResetError:
            pass
    node.wait_for(f"session {client.session} left realm.*TLS: decryption failed or bad record mac")


def test_a_client_that_says_nothing_is_disconnected(router):
    port, node = router
    before = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=nodes.TIME) as link:
        assert link.recv(1) == b""
    assert time.monotonic() - before > 5


def test_an_end_without_close_notify_is_an_end(router, authority):
    port, node = router
    client = RawSocketClient(port, tls=authority.client())
    socket.socket(fileno=client.socket.detach()).close()
    node.wait_for(f"session {client.session} left realm.*the peer closed")


def test_the_router_ends_its_output_with_close_notify(router, authority):
    port, _ = router
    link = RawSocket(port, tls=authority.client(), handshake=False)
    assert link.greet(b"\x7f\xf5\0\0") == b"\x7f\x10\0\0"
    # Without close_notify this would be an SSLEOFError.
    assert link.socket.recv(1) == b""
    with connect(port, authority.client()) as web:
        web.sendall(b"GET /nothing HTTP/1.0\r\n\r\n")
        answer = b""
        while data := web.recv(10_000):
            answer += data
        assert answer.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("size", [1, 16_383, 16_384, 16_385, 40_000, 300_000, 3_000_000])
def test_payloads_of_every_size(router, authority, size):
    port, _ = router
    context = authority.client()
    callee, caller = RawSocketClient(port, "msgpack", tls=context), Client(port, "msgpack", tls=context)
    name = f"com.echo.{size}"
    callee.register(name)
    data = bytes(i % 251 for i in range(size))
    caller.call(name, [data])
    invocation = callee.receive()
    assert invocation[4] == [data]
    callee.send([70, invocation[1], {}, [data]])
    assert caller.receive()[3] == [data]


def records_of(stream):
    sizes = []
    while len(stream) >= 5:
        size = int.from_bytes(stream[3:5], "big")
        sizes.append(size)
        stream = stream[5 + size:]
    return sizes


def test_messages_of_a_turn_share_records(router, authority):
    """What a subscriber gets of many small events is a few full records, not one for each event."""
    port, _ = router
    subscriber = RawSocketClient(port, receive_buffer=65536, tls=authority.client())
    subscriber.subscribe("com.topic.records")
    publisher = RawSocketClient(port, tls=authority.client())
    publisher.send_many([[16, i, {}, "com.topic.records", [i]] for i in range(1, 2001)])
    with socket.socket(fileno=subscriber.socket.detach()) as link:  # the ciphertext
        link.settimeout(1)
        stream = b""
        try:
            while True:
                stream += link.recv(65536)
        except socket.timeout:
            pass
    sizes = records_of(stream)
    assert len(stream) > 2000 * 30 and len(sizes) < 200, sizes


def test_a_slow_receiver_loses_events_and_harms_nobody(start, port, authority, server):
    transport = {**rawsocket(port, tls(server)), "options": {"max_queued_bytes": 65536}}
    node = start(router_with([transport]))
    context = authority.client()
    slow = RawSocketClient(port, receive_buffer=4096, tls=context)
    slow.subscribe("com.topic")
    fast = RawSocketClient(port, tls=context)
    fast.subscribe("com.topic")
    publisher = RawSocketClient(port, tls=context)
    for number in range(300):
        publisher.publish("com.topic", [number, "x" * 60_000], acknowledge=True)
        assert fast.receive()[4][0] == number
    node.wait_for(f"session {slow.session} reads too slowly")
    publisher.publish("com.topic", ["small"], acknowledge=True)
    numbers = [slow.receive()[4][0] for _ in range(5)]
    assert numbers == sorted(numbers)


def test_a_peer_may_ask_for_new_keys_in_between(router):
    port, _ = router
    process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    giving_up = threading.Timer(4 * nodes.TIME, process.kill)
    giving_up.start()
    output = []

    def read_until(text):
        while not output or text not in output[-1]:
            line = process.stdout.readline()
            assert line, "".join(output)
            output.append(line)

    # K is s_client's command for new keys in both directions, if it is what a read begins with: so one is sent after the
    # other has been carried out.
    for _ in range(20):
        process.stdin.write("K\n")
        process.stdin.flush()
        read_until("KEYUPDATE")
        output[-1] = "done\n"
    process.stdin.write("GET / HTTP/1.1\r\nConnection: close\r\nHost: x\r\n\r\n")
    process.stdin.flush()
    read_until("</html>")
    giving_up.cancel()
    process.kill()
    process.communicate()
    assert "HTTP/1.1 200" in "".join(output)


def test_clients_must_show_a_certificate_if_authorities_are_given(start, port, authority, server, tmp_path):
    node = start(router_with([rawsocket(port, tls(server, ca_certificates=[authority.file]))]))
    good = authority.issue("client")
    assert RawSocketClient(port, tls=authority.client(good)).session
    stranger = Authority(tmp_path / "other", "Other CA").issue("stranger")
    expired = authority.issue("expired", expired=True)
    for pair, why in ((None, "peer did not return a certificate"), (stranger, "certificate verify failed"),
                      (expired, "certificate has expired")):
        with pytest.raises((ssl.SSLError, ConnectionError, Closed)):
            RawSocketClient(port, tls=authority.client(pair))
        node.wait_for("TLS handshake failed.*" + why)


def test_a_chain(start, port, authority):
    between = authority.intermediate()
    pair = authority.issue("leaf", by=between)
    other = nodes.free_port()
    in_one = authority.directory / "in-one.crt"
    with open(pair[1]) as leaf, open(between.file) as chain:
        in_one.write_text(leaf.read() + chain.read())
    start(router_with([rawsocket(port, tls(pair, chain_certificates=[between.file])),
                       rawsocket(other, tls((pair[0], str(in_one))))]))
    for each in (port, other):
        assert RawSocketClient(each, tls=authority.client()).session


def test_ciphers_and_dh_parameters(start, port, authority):
    pair = authority.issue("rsa", kind="rsa")
    dh = authority.directory / "dh.pem"
    subprocess.run(["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", str(dh)],
                   check=True, capture_output=True)
    suites = "DHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256"
    start(router_with([rawsocket(port, tls(pair, ciphers=suites, dhparam=str(dh)))]))
    with connect(port, authority.client(version=ssl.TLSVersion.TLSv1_2)) as link:
        assert link.cipher()[0] == "DHE-RSA-AES128-GCM-SHA256"
    with connect(port, authority.client(version=ssl.TLSVersion.TLSv1_3)) as link:
        assert link.cipher()[0] == "TLS_AES_128_GCM_SHA256"
    with pytest.raises(ssl.SSLError):
        connect(port, authority.client(version=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-RSA-AES256-GCM-SHA384"))


def test_rsa_and_elliptic_keys_without_further_settings(start, port, authority, server):
    other = nodes.free_port()
    start(router_with([rawsocket(port, tls(server)), rawsocket(other, tls(authority.issue("rsa2", kind="rsa")))]))
    for each in (port, other):
        assert RawSocketClient(each, tls=authority.client(version=ssl.TLSVersion.TLSv1_2)).session


def test_tls_over_ipv6(start, port, authority, server):
    endpoint = {"type": "tcp", "version": 6, "port": port, "interface": "::1", "tls": tls(server)}
    start(router_with([{"type": "rawsocket", "endpoint": endpoint}]))
    assert RawSocketClient(port, host="::1", tls=authority.client()).session


def test_what_is_wrong_with_the_files_is_said_in_one_line(tmp_path, port, authority, server):
    other = authority.issue("other")
    locked = authority.issue("locked", password=b"secret")
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n")
    cases = [
        (tls(("nowhere.key", server[1])), "cannot read the private key .*/nowhere.key: No such file or directory"),
        (tls((server[0], "nowhere.crt")), "cannot read the certificate .*/nowhere.crt: No such file"),
        (tls((str(empty), server[1])), "the private key .*empty.pem is not one in PEM format without a password"),
        (tls(locked), "the private key .*locked.key is not one in PEM format without a password"),
        (tls((server[0], str(empty))), "the certificate .*empty.pem holds no certificate in PEM format"),
        (tls((other[0], server[1])), "the private key .*other.key does not belong to the certificate .*server.crt"),
        (tls(server, chain_certificates=["nowhere"]), "cannot read the chain certificate .*/nowhere"),
        (tls(server, ca_certificates=[str(empty)]), "the CA certificate .*empty.pem holds no certificate"),
        (tls(server, dhparam="nowhere"), "cannot read the DH parameters .*/nowhere"),
        (tls(server, dhparam=str(empty)), "the DH parameters .*empty.pem are not in PEM format"),
        (tls(server, ciphers="NONSENSE"), "no cipher of \"NONSENSE\" is known"),
        (tls(server, ciphers="TLS_NONSENSE"), "a cipher suite of \"TLS_NONSENSE\" is not known"),
    ]
    for number, (settings, line) in enumerate(cases):
        directory = nodes.write_config(tmp_path / str(number) / ".crossbar",
                                       router_with([rawsocket(port, settings)]))
        node = nodes.Node(directory, wait=False)
        assert node.wait() == 1
        node.wait_for(r"workers\[0\].transports\[0\].*" + line)
        assert not any("listening on" in each for each in node.lines)


def test_an_expired_certificate_is_used_with_a_warning(start, port, authority):
    node = start(router_with([rawsocket(port, tls(authority.issue("old", expired=True)))]))
    node.wait_for("the certificate .*old.crt has expired")
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(port, authority.client())


def renew(pair, fresh):
    """Puts another key and certificate in the place of a pair."""
    for to, source in zip(pair, fresh):
        with open(source) as new, open(to, "w") as old:
            old.write(new.read())


def test_certificates_are_read_again_on_sighup_under_load_and_nothing_is_lost(start, port, authority):
    """200 sessions publish all the while; their events come whole and in order, and each publication is acknowledged."""
    pair = authority.issue("renewed")
    node = start(router_with([rawsocket(port, tls(pair))]))
    seen = {certificate_of(port, authority)}
    context = authority.client()
    subscriber = RawSocketClient(port, tls=context)
    subscriber.subscribe("com.topic")
    publishers = [RawSocketClient(port, tls=context) for _ in range(200)]
    published, received, faults = [0] * 200, [], []
    done = threading.Event()

    def guarded(work):
        def run():
            try:
                work()
            except Exception as error:
                faults.append(error)
        return threading.Thread(target=run, daemon=True)

    def publish(mine):
        while not done.is_set():
            for who in mine:
                published[who] += 1
                publishers[who].publish("com.topic", [who, published[who]], acknowledge=True)

    def receive():
        while True:
            event = subscriber.receive()[4]
            if event == ["end"]:
                return
            received.append(event)

    receiving = guarded(receive)
    load = [guarded(lambda first=first: publish(range(first, 200, 4))) for first in range(4)]
    for thread in [receiving, *load]:
        thread.start()
    for round_number in range(5):
        before = len(received)
        renew(pair, authority.issue(f"fresh{round_number}"))
        node.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + nodes.TIME
        while certificate_of(port, authority) in seen and time.monotonic() < deadline:
            pass
        seen.add(certificate_of(port, authority))
        assert len(seen) == round_number + 2
        while len(received) < before + 200 and not faults and time.monotonic() < deadline + nodes.TIME:
            time.sleep(0.001)  # the load goes on
        assert len(received) >= before + 200 and not faults, faults
    done.set()
    for thread in load:
        thread.join()
    publishers[0].publish("com.topic", ["end"], acknowledge=True)
    receiving.join(nodes.TIME)
    assert not receiving.is_alive() and not faults, faults
    for who in range(200):
        numbers = [number for name, number in received if name == who]
        assert numbers == list(range(1, published[who] + 1)) and numbers, who
    assert not any("left realm" in line for line in node.lines)
    assert sum("certificates of 1 endpoint read again" in line for line in node.lines) == 5


def test_a_bad_certificate_on_sighup_leaves_the_old_one_in_use(start, port, authority):
    pair = authority.issue("broken")
    node = start(router_with([rawsocket(port, tls(pair))]))
    first = certificate_of(port, authority)
    with open(pair[1], "w") as file:
        file.write("nothing\n")
    node.process.send_signal(signal.SIGHUP)
    node.wait_for("the certificate .*broken.crt holds no certificate.*; the old one stays in use")
    assert certificate_of(port, authority) == first


def test_sighup_without_tls_changes_nothing(start, port):
    node = start(router_with([{"type": "rawsocket", "endpoint": tcp(port)}]))
    client = RawSocketClient(port)
    node.process.send_signal(signal.SIGHUP)
    node.wait_for("SIGHUP")
    assert client.nothing_comes()
