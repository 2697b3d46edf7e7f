"""The load generator over RawSocket and TLS, and the script that sets the transports side by side."""

import re
import socket
import subprocess
import threading

import pytest

from support import node as nodes
from support.certificates import Authority
from support.transports import router_with
from test_bench import BENCH, SHORT, SIZES, bench, complaint

pytestmark = [pytest.mark.alone, pytest.mark.skipif(not BENCH.exists(), reason="crosspoint-bench is not built")]


@pytest.fixture(scope="module")
def urls(tmp_path_factory):
    """A node's URLs by scheme."""
    directory = tmp_path_factory.mktemp("bench")
    tls = dict(zip(("key", "certificate"), Authority(directory).issue("server")))
    ports = {scheme: nodes.free_port() for scheme in ("ws", "rs", "wss", "rss")}
    transports = [{"type": "websocket" if scheme.startswith("ws") else "rawsocket",
                   "endpoint": {"type": "tcp", "port": port, "interface": "127.0.0.1",
                                **({"tls": tls} if scheme.endswith("ss") else {})}}
                  for scheme, port in ports.items()]
    node = nodes.Node(nodes.write_config(directory / ".crossbar", router_with(transports)))
    yield {scheme: f"{scheme}://127.0.0.1:{port}" for scheme, port in ports.items()}
    assert node.stop() == 0


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
@pytest.mark.parametrize("scheme", ["rs", "wss", "rss"])
@pytest.mark.parametrize("scenario", ["fanout", "rpc", "connections"])
def test_every_message_arrives_over_each_transport(urls, scenario, scheme, serializer):
    result = bench(scenario, "--url", urls[scheme], "--serializer", serializer, *SHORT, *SIZES[scenario])
    assert result.returncode == 0, result.stderr


def test_large_messages_over_rawsocket_with_tls(urls):
    result = bench("rpc", "--url", urls["rss"], "--payload", 1_000_000, *SHORT, "--window", 2)
    assert result.returncode == 0, result.stderr


def test_a_router_that_refuses_is_named(start, port):
    start(router_with([{"type": "rawsocket", "serializers": ["json"],
                        "endpoint": {"type": "tcp", "port": port, "interface": "127.0.0.1"}}]))
    refused = bench("rpc", "--url", f"rs://127.0.0.1:{port}", *SHORT)
    assert complaint(refused, 1) == "the router refuses RawSocket with error 1"
    url = bench("rpc", "--url", f"rs://127.0.0.1:{port}/path", *SHORT)
    assert complaint(url, 2).startswith("--url: must be ws://host:port/path or rs://host:port, ")


def test_a_server_that_speaks_something_else_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer():
            connection, _ = server.accept()
            connection.recv(4, socket.MSG_WAITALL)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.recv(1)  # until the client has gone

        threading.Thread(target=answer, daemon=True).start()
        result = bench("rpc", "--url", f"rs://127.0.0.1:{server.getsockname()[1]}", *SHORT)
    assert complaint(result, 1) == "this is no RawSocket server"


def test_the_transports_side_by_side(tmp_path):
    script = nodes.ROOT / "bench" / "transports"
    done = subprocess.run([script, "--build", BENCH.parents[1], "--duration", "0.2", "--warmup", "0", "--runs", "1",
                           "--cores", ""], capture_output=True, text=True, timeout=10 * nodes.TIME)
    assert done.returncode == 0, done
    for unit in ("us/event", "us/call"):
        for name in ("WebSocket", "RawSocket", "WebSocket with TLS", "RawSocket with TLS"):
            assert re.search(rf"^  {name} +\d+\.\d+ {unit}", done.stdout, re.M), done.stdout
    assert done.stdout.count("TLS adds") == 4
    wrong = subprocess.run([script, "--reference-pid", "1"], capture_output=True, text=True, timeout=nodes.TIME)
    assert wrong.returncode == 2 and "--reference-ws or --reference-rs" in wrong.stderr
