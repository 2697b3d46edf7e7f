"""What the settings of TCP endpoints do to the sockets."""

import socket

import pytest

from support import node as nodes
from support.sockets import other_end
from support.transports import router_with
from support.wamp import Client, RawSocketClient


def transport(port, **endpoint):
    return {"type": "rawsocket", "endpoint": {"type": "tcp", "port": port, **endpoint}}


def test_interface(start, port):
    """Nobody gets in by another address than the one that is listened on."""
    start(router_with([transport(port, interface="127.0.0.2")]))
    assert RawSocketClient(port, host="127.0.0.2").session
    for host in ("127.0.0.1", "127.0.0.3"):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, port), timeout=nodes.TIME)


def test_every_interface_is_the_default(start, port):
    start(router_with([transport(port)]))
    for host in ("127.0.0.1", "127.0.0.3"):
        assert RawSocketClient(port, host=host).session


def test_an_interface_that_is_not_there(tmp_path, port):
    node = nodes.Node(nodes.write_config(tmp_path, router_with([transport(port, interface="192.0.2.1")])), wait=False)
    assert node.wait() == 1
    node.wait_for(rf"workers\[0\].transports\[0\] \(TCP port {port} on 192.0.2.1\): Cannot assign requested address")


def test_version_6(start, port):
    """IPv6 only, so that an endpoint of version 4 may have the same port."""
    start(router_with([transport(port, version=6), transport(port)]))
    six = RawSocketClient(port, host="::1")
    assert six.welcome[2]["x_cb_peer"].startswith("tcp6:[::1]:")
    four = RawSocketClient(port)
    assert four.welcome[2]["x_cb_peer"].startswith("tcp4:127.0.0.1:")


def test_shared(tmp_path, port):
    """SO_REUSEPORT: several routers on one port, if all of them want it."""
    def node(name, **endpoint):
        directory = nodes.write_config(tmp_path / name, router_with([transport(port, interface="127.0.0.1", **endpoint)]))
        return nodes.Node(directory, wait=False)

    first, second = node("first", shared=True), node("second", shared=True)
    for each in (first, second):
        each.wait_for("ran successfully")
    alone = node("alone")
    assert alone.wait() == 1
    alone.wait_for("Address already in use")
    assert first.stop() == 0
    assert RawSocketClient(port).session  # the second is still there
    assert second.stop() == 0


def test_backlog(start, port):
    """Connections beyond the backlog wait outside while the router takes none."""
    node = start(router_with([transport(port, interface="127.0.0.1", backlog=1)], options={"io_threads": 1}))
    nodes.freeze(node.process.pid)
    waiting = []
    try:
        for _ in range(20):
            link = socket.socket()
            link.setblocking(False)
            link.connect_ex(("127.0.0.1", port))
            waiting.append(link)
        with open("/proc/net/tcp") as table:
            states = [line.split()[3] for line in table if line.split()[2].endswith(f":{port:04X}")]
        assert states.count("01") <= 3 and states.count("02") >= 17, states  # ESTABLISHED, SYN_SENT
    finally:
        node.process.send_signal(nodes.signal.SIGCONT)
    for link in waiting:
        link.close()
    assert RawSocketClient(port).session


def option(node, client, level, name):
    with other_end(node.process.pid, client.socket) as copy:
        return copy.getsockopt(level, name)


def test_user_timeout_is_set_on_each_connection(start):
    ports = [nodes.free_port() for _ in range(2)]
    node = start(router_with([transport(ports[0], user_timeout=4321), transport(ports[1])]))
    values = [option(node, RawSocketClient(port), socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) for port in ports]
    assert values == [4321, 0]


def test_small_messages_go_out_at_once_unless_a_websocket_wants_them_not_to(start):
    ports = [nodes.free_port() for _ in range(4)]
    plain, slow = {"type": "websocket"}, {"type": "websocket", "options": {"tcp_nodelay": False}}
    endpoints = [{"type": "tcp", "port": port, "interface": "127.0.0.1"} for port in ports]
    node = start(router_with([
        transport(ports[0]),
        {**slow, "endpoint": endpoints[1]},
        nodes.web(ports[2], {"ws": plain, "slow": slow}),
        {"type": "universal", "endpoint": endpoints[3], "rawsocket": {}, "websocket": {"ws": plain, "slow": slow}},
    ]))
    clients = {
        "rawsocket": RawSocketClient(ports[0]),
        "websocket": Client(ports[1]),
        "path": Client(ports[2]),
        "path that is slow": Client(ports[2], path="/slow"),
        "universal": Client(ports[3]),
        "universal that is slow": Client(ports[3], path="/slow"),
        "universal rawsocket": RawSocketClient(ports[3]),
    }
    without = [name for name, client in clients.items()
               if option(node, client, socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0]
    assert without == ["websocket", "path that is slow", "universal that is slow"]
