"""Unix domain sockets, and the other options of endpoints."""

import os
import pathlib
import socket
import stat

import pytest

from support import node as nodes
from support.transports import router_with, tcp
from support.wamp import Client, RawSocketClient


def unix(path="router.sock", **more):
    return {"type": "unix", "path": str(path), **more}


def directory_of(node):
    return pathlib.Path(node.directory)


@pytest.mark.parametrize("kind", ["rawsocket", "websocket", "universal", "web"])
def test_every_transport_over_a_unix_socket(start, kind):
    transport = {"type": kind, "endpoint": unix()}
    if kind == "universal":
        transport.update(rawsocket={}, websocket={"ws": {"type": "websocket"}})
    if kind == "web":
        transport["paths"] = {"ws": {"type": "websocket"}}
    node = start(router_with([transport]))
    path = directory_of(node) / "router.sock"
    node.wait_for(f"listening on unix:{path}")
    makes = {"rawsocket": [RawSocketClient], "universal": [RawSocketClient, Client]}.get(kind, [Client])
    clients = [make(path) for make in makes]
    for client in clients:
        assert client.welcome[2]["x_cb_peer"] == "unix"  # as Crossbar says it of a client without a name
        client.subscribe("com.topic")
    clients[0].publish("com.topic", [1], exclude_me=False)
    for client in clients:
        assert client.receive()[4] == [1]
    clients[0].close()
    node.wait_for("session .* left realm")


def test_the_address_of_a_client_with_a_name(start, tmp_path):
    node = start(router_with([{"type": "rawsocket", "endpoint": unix()}]))
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(nodes.TIME)
        link.bind(str(tmp_path / "client.sock"))
        link.connect(str(directory_of(node) / "router.sock"))
        link.sendall(b"\x7f\xff\0\0")
        assert link.recv(4) == b"\x7f\x10\0\0"
    node.wait_for(f"unix:{tmp_path}/client.sock: RawSocket refused")


def test_the_socket_is_removed_at_the_end(start):
    node = start(router_with([{"type": "rawsocket", "endpoint": unix()}]))
    path = directory_of(node) / "router.sock"
    assert stat.S_ISSOCK(path.lstat().st_mode)
    client = RawSocketClient(path)
    node.process.send_signal(2)
    assert client.receive()[0] == 6
    client.send([6, {}, "wamp.close.goodbye_and_out"])
    assert node.wait() == 0
    assert not path.exists()


def test_a_socket_that_another_has_put_there_is_left_alone(start):
    node = start(router_with([{"type": "rawsocket", "endpoint": unix()}]))
    path = directory_of(node) / "router.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path) + ".new")
        os.rename(str(path) + ".new", path)
        assert node.stop() == 0
        assert path.exists()


def test_a_socket_that_nobody_listens_on_is_replaced(start, tmp_path):
    path = tmp_path / "stale.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    document = router_with([{"type": "rawsocket", "endpoint": unix(path)}])
    node = nodes.Node(nodes.write_config(tmp_path / "killed" / ".crossbar", document))
    RawSocketClient(path)
    node.process.kill()
    node.wait()
    assert path.exists()  # left behind
    start(document)
    RawSocketClient(path)


@pytest.fixture
def refused(tmp_path):
    """refused(transports): what a node with them says, which cannot start."""
    def start_node(transports, name="refused"):
        node = nodes.Node(nodes.write_config(tmp_path / name / ".crossbar", router_with(transports)), wait=False)
        assert node.wait() == 1
        return node.output()

    return start_node


def test_a_socket_in_use_is_not_taken_away(start, refused):
    node = start(router_with([{"type": "rawsocket", "endpoint": unix()}]))
    path = directory_of(node) / "router.sock"
    output = refused([{"type": "rawsocket", "endpoint": unix(path)}])
    assert f"workers[0].transports[0] (Unix socket {path}): another process listens on it" in output
    RawSocketClient(path)


def test_a_file_that_is_no_socket_is_not_deleted(refused, tmp_path):
    path = tmp_path / "precious"
    path.write_text("data")
    assert "a file of that name that is not a socket" in refused([{"type": "web", "endpoint": unix(path), "paths": {}}])
    assert path.read_text() == "data"


def test_paths_that_cannot_be(refused, tmp_path):
    long = tmp_path / ("x" * 120)
    assert "longer than the 107 bytes" in refused([{"type": "rawsocket", "endpoint": unix(long)}])
    missing = tmp_path / "nowhere" / "router.sock"
    assert "No such file or directory" in refused([{"type": "rawsocket", "endpoint": unix(missing)}], name="b")


def test_nothing_is_left_when_a_later_transport_cannot_start(start, refused, port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        output = refused([{"type": "rawsocket", "endpoint": unix()}, {"type": "rawsocket", "endpoint": tcp(port)}])
    assert "workers[0].transports[1] (TCP port" in output and "Address already in use" in output
    node = start(router_with([{"type": "rawsocket", "endpoint": unix()}]), name="refused")
    assert RawSocketClient(directory_of(node) / "router.sock").session


@pytest.mark.parametrize("permissions, mode", [(None, 0o666), ("0600", 0o600), ("660", 0o660)])
def test_permissions(start, permissions, mode):
    more = {"permissions": permissions} if permissions else {}
    node = start(router_with([{"type": "rawsocket", "endpoint": unix(**more)}]))
    assert stat.S_IMODE((directory_of(node) / "router.sock").stat().st_mode) == mode


def test_a_variable_in_the_path(start, tmp_path, monkeypatch):
    monkeypatch.setenv("WHERE", str(tmp_path))
    start(router_with([{"type": "rawsocket", "endpoint": unix("${WHERE}/there.sock")}]))
    assert RawSocketClient(tmp_path / "there.sock").session


def test_ipv6(start, port):
    endpoint = {"type": "tcp", "version": 6, "port": port, "interface": "::1"}
    node = start(router_with([{"type": "rawsocket", "endpoint": endpoint}]))
    node.wait_for(rf"listening on tcp6:\[::1\]:{port}")
    client = RawSocketClient(port, host="::1")
    assert client.welcome[2]["x_cb_peer"].startswith("tcp6:[::1]:")


def test_an_interface_that_is_not_there(refused, port):
    assert "workers[0].transports[0]" in refused(
        [{"type": "rawsocket", "endpoint": tcp(port, interface="192.0.2.1")}])
    assert "workers[0].transports[0]" in refused(
        [{"type": "rawsocket", "endpoint": tcp(port, interface="no.such.host.invalid")}], name="b")


def test_a_port_shared_by_two_nodes(start, refused, port):
    transports = [{"type": "rawsocket", "endpoint": tcp(port, shared=True)}]
    one = start(router_with(transports), name="one")
    start(router_with(transports), name="two")
    clients = [RawSocketClient(port) for _ in range(64)]
    pids = {client.welcome[2]["x_cb_pid"] for client in clients}
    assert one.process.pid in pids and len(pids) == 2
    assert "Address already in use" in refused([{"type": "rawsocket", "endpoint": tcp(port)}])


def test_the_first_free_port_of_a_range(start, port):
    endpoint = {"type": "tcp", "portrange": [port, port + 20], "interface": "127.0.0.1"}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        node = start(router_with([{"type": "rawsocket", "endpoint": endpoint}]))
    line = node.wait_for("listening on tcp4:127.0.0.1:")
    found = int(line.rsplit(":", 1)[1])
    assert port < found <= port + 20
    assert RawSocketClient(found).session
