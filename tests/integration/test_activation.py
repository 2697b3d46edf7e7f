"""Sockets that systemd has opened (LISTEN_FDS)."""

import socket
import stat

import pytest

from support import node as nodes
from support.transports import router_with, tcp
from support.wamp import RawSocketClient

# Opens sockets, as systemd does, and becomes the router.
STARTER = """#!/usr/bin/python3
import os, socket, sys
sockets = [{sockets}]
for number, each in enumerate(sockets):
    os.dup2(each.fileno(), 10 + number, inheritable=False)
for number in range(len(sockets)):
    os.dup2(10 + number, 3 + number, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid() + {offset}), LISTEN_FDS=str(len(sockets)))
os.execv({program!r}, [{program!r}] + sys.argv[1:])
"""


@pytest.fixture
def activate(tmp_path):
    """activate(document, *sockets): a node that is given these sockets (Python expressions)."""
    running = []

    def start(document, *sockets, offset=0):
        program = tmp_path / "starter"
        program.write_text(STARTER.format(sockets=", ".join(sockets), offset=offset, program=nodes.PROGRAM))
        program.chmod(stat.S_IRWXU)
        directory = nodes.write_config(tmp_path / "node" / ".crossbar", document)
        running.append(nodes.Node(directory, program=str(program)))
        return running[-1]

    yield start
    assert all(node.stop() == 0 for node in running)


def test_endpoints_take_the_sockets_that_are_theirs(activate, tmp_path, port):
    path = tmp_path / "router.sock"
    other = nodes.free_port()
    unix = {"type": "unix", "path": str(path)}
    node = activate(
        router_with([{"type": "rawsocket", "endpoint": unix}, {"type": "rawsocket", "endpoint": tcp(port)},
                     {"type": "rawsocket", "endpoint": tcp(other)}]),
        f"socket.create_server(('127.0.0.1', {port}))",
        f"socket.create_server({str(path)!r}, family=socket.AF_UNIX)")
    for each in (path, port, other):
        assert RawSocketClient(each).session
    assert node.stop() == 0
    assert path.exists()  # it is systemd's


def test_one_socket_for_both_versions_of_ip(activate, port):
    node = activate(router_with([{"type": "rawsocket", "endpoint": {"type": "tcp", "port": port}}]),
                    f"socket.create_server(('::', {port}), family=socket.AF_INET6, dualstack_ipv6=True)")
    assert RawSocketClient(port, host="::1").session
    assert RawSocketClient(port).session
    assert not any("systemd" in line for line in node.lines)


def test_a_socket_for_no_endpoint_is_closed_with_a_warning(activate, port):
    other = nodes.free_port()
    node = activate(router_with([{"type": "rawsocket", "endpoint": tcp(port)}]),
                    f"socket.create_server(('127.0.0.1', {other}))")
    node.wait_for(f"no endpoint is for the socket tcp4:127.0.0.1:{other} that systemd has opened")
    assert RawSocketClient(port).session
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", other))


def test_variables_meant_for_another_process_are_ignored(activate, port):
    other = nodes.free_port()
    node = activate(router_with([{"type": "rawsocket", "endpoint": tcp(port)}]),
                    f"socket.create_server(('127.0.0.1', {other}))", offset=1)
    assert RawSocketClient(port).session
    assert not any("systemd" in line for line in node.lines)
