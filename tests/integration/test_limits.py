"""Nothing a peer sends, or does not read, grows the router without bound or harms others."""

import pathlib
import socket
import threading

import pytest

from support import node as nodes
from support.wamp import TEXT, Client, Closed, WebSocket, encode

SMALL = {"options": {"max_queued_bytes": 65536}}
BIG = "x" * 60_000


def resident(node):
    status = pathlib.Path(f"/proc/{node.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


@pytest.mark.parametrize("threads", [1, 2])
def test_a_subscriber_that_does_not_read_loses_events_and_harms_nobody(start, port, threads):
    node = start(nodes.config(port, websocket=SMALL, options={"io_threads": threads}))
    slow = Client(port, receive_buffer=4096)
    slow.subscribe("com.topic")
    fast = [Client(port) for _ in range(2)]
    for client in fast:
        client.subscribe("com.topic")
    publisher = Client(port)
    for number in range(300):
        publisher.publish("com.topic", [number, BIG], acknowledge=True)
        for client in fast:
            assert client.receive()[4][0] == number
    node.wait_for(f"session {slow.session} reads too slowly")
    # What it gets when it reads again is in order, and the router has not kept 18 MB for it.
    numbers = []
    slow.socket.settimeout(nodes.TIME)
    publisher.publish("com.topic", ["small"], acknowledge=True)
    while not numbers or len(numbers) < 5:
        numbers.append(slow.receive()[4][0])
    assert numbers == sorted(numbers)
    assert resident(node) < 150_000_000
    slow.close()
    node.wait_for(f"session {slow.session} was too slow: [0-9]+ events for it were dropped")


def test_a_subscriber_that_does_not_read_is_disconnected_if_so_configured(start, port):
    options = {"max_queued_bytes": 65536, "slow_receiver": "disconnect"}
    node = start(nodes.config(port, websocket={"options": options}))
    slow = Client(port, receive_buffer=4096)
    slow.subscribe("com.topic")
    publisher = Client(port)
    for number in range(300):
        publisher.publish("com.topic", [number, BIG], acknowledge=True)
    node.wait_for(f"session {slow.session} left realm.*reads too slowly")
    slow.expect_end()


def test_calls_to_a_callee_that_does_not_read_fail_at_once(start, port):
    start(nodes.config(port, websocket=SMALL))
    callee = Client(port, receive_buffer=4096)
    callee.register("com.slow")
    caller = Client(port)
    reply = None
    for _ in range(300):
        caller.call("com.slow", [BIG])
        caller.socket.setblocking(False)
        try:
            reply = caller.receive()
        except BlockingIOError:
            pass
        caller.socket.settimeout(nodes.TIME)
        if reply:
            break
    reply = reply or caller.receive()
    assert reply[0] == 8 and reply[4] == "wamp.error.unavailable"
    assert "does not read" in reply[5][0]


def test_a_caller_that_does_not_read_its_results_is_not_read_from(start, port):
    node = start(nodes.config(port, websocket=SMALL))
    callee = Client(port)
    callee.register("com.big")

    def serve():
        try:
            while True:
                message = callee.receive()
                callee.send([70, message[1], {}, [BIG]])
        except (Closed, OSError):
            pass

    threading.Thread(target=serve, daemon=True).start()
    caller = Client(port, receive_buffer=4096)
    calls = [caller.frame(TEXT, encode("json", [48, i, {}, "com.big"])) for i in range(1, 20_001)]
    caller.socket.setblocking(False)
    sent = 0
    try:
        for frame in calls:
            caller.socket.send(frame)
            sent += 1
    except (BlockingIOError, ConnectionResetError, BrokenPipeError):
        pass
    caller.socket.settimeout(nodes.TIME)
    # Either reading stops (and the caller gets every answer when it reads), or it is ended: nothing is lost in silence.
    answers = 0
    try:
        while answers < sent:
            reply = caller.receive()
            assert reply[0] == 50 or reply[4] == "wamp.error.unavailable"
            answers += 1
    except (Closed, ConnectionResetError):
        node.wait_for(f"session {caller.session} left realm.*does not read")
    assert resident(node) < 300_000_000


def test_a_thousand_sessions_come_and_go(start, port):
    node = start(nodes.config(port))
    clients = [Client(port) for _ in range(300)]
    for client in clients:
        client.send([32, 1, {}, "com.topic"])
    for client in clients:
        assert client.receive()[0] == 33
    publisher = Client(port)
    publisher.publish("com.topic", [1], acknowledge=True)
    for client in clients:
        assert client.receive()[0] == 36
        client.close()
    for client in clients:
        node.wait_for(f"session {client.session} left")
    assert Client(port).nothing_comes()


def test_half_sent_messages_cost_what_was_sent(start, port):
    node = start(nodes.config(port))
    before = resident(node)
    clients = [Client(port) for _ in range(50)]
    for client in clients:  # each announces 60 MB and sends a little
        client.socket.sendall(client.frame(TEXT, b"x")[:1] + b"\xff" + (60_000_000).to_bytes(8, "big") + b"1234" + b"x" * 100)
    Client(port).publish("com.topic", acknowledge=True)
    assert resident(node) - before < 100_000_000


def test_a_transport_full_of_strangers_leaves_others_alone(start, port):
    start(nodes.config(port))
    strangers = []
    for _ in range(100):
        stranger = socket.create_connection(("127.0.0.1", port))
        stranger.sendall(b"GET /ws HTTP/1.1\r\nHo")
        strangers.append(stranger)
    open_websockets = [WebSocket(port) for _ in range(50)]
    client = Client(port)
    client.subscribe("com.topic")
    client.publish("com.topic", [1], exclude_me=False)
    assert client.receive()[4] == [1]
    for connection in strangers + [w.socket for w in open_websockets]:
        connection.close()
