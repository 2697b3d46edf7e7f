"""The load generator: its figures from a real router, and what it says when something is wrong."""

import base64
import hashlib
import json
import os
import pathlib
import resource
import socket
import struct
import subprocess
import threading
from xml.etree import ElementTree

import pytest

from support import node as nodes
from support.wamp import CLOSE, CONTINUATION, PING, SERIALIZERS, TEXT

BENCH = pathlib.Path(nodes.PROGRAM).with_name("crosspoint-bench")
pytestmark = [pytest.mark.alone, pytest.mark.skipif(not BENCH.exists(), reason="crosspoint-bench is not built")]

SHORT = ("--duration", "0.3", "--warmup", "0.05", "--quiet")
SIZES = {
    "fanout": ("--subscribers", "5"),
    "pairs": ("--pairs", "3"),
    "rpc": ("--callers", "3", "--callees", "2", "--window", "4"),
    "latency": ("--rate", "500", "--subscribers", "2"),
    "connections": ("--concurrency", "4"),
    "churn": ("--sessions", "3", "--topics", "5", "--window", "2"),
    "idle": ("--sessions", "20"),
}


def bench(*arguments, env=None):
    return subprocess.run([BENCH, *map(str, arguments)], capture_output=True, text=True, timeout=4 * nodes.TIME,
                          env={**os.environ, **(env or {})})


def measure(scenario, port, *arguments):
    """The JSON document of a run that must succeed."""
    result = bench(scenario, "--url", f"ws://127.0.0.1:{port}/ws", "--json", *SHORT, *SIZES[scenario], *arguments)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


def complaint(result, code):
    """The one line that a failed run prints."""
    assert result.returncode == code, (result.stdout, result.stderr)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("crosspoint-bench: "), result.stderr
    return result.stderr.removeprefix("crosspoint-bench: ").rstrip("\n")


def ascends(latency):
    values = [latency[name] for name in ("p50", "p90", "p99", "p99.9", "max")]
    return values[0] > 0 and values == sorted(values)


def test_connections_without_wamp_through_the_gateway(start, port):
    route = {"type": "gateway", "route": "bench", "realm": "realm1", "role": "anonymous",
             "procedures": {"message": "bench.message"}}
    node = start(nodes.config(port, paths={"gateway": route}))
    result = bench("gateway", "--url", f"ws://127.0.0.1:{port}/ws", "--json", *SHORT, "--connections", "20",
                   "--pid", node.process.pid)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["connections"] == 20 and report["messages"] > 0 and report["server_cpu_us_per_message"] > 0
    assert ascends(report["round_trip_us"])
    wrong = bench("gateway", "--url", f"ws://127.0.0.1:{port}/ws", *SHORT, "--connections", "1", "--gateway", "/none")
    assert "404 Not Found" in complaint(wrong, 1)


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("scenario", SIZES)
def test_every_scenario_measures(router, scenario, serializer):
    port, node = router
    figures = measure(scenario, port, "--serializer", serializer, "--pid", node.process.pid)
    assert figures["scenario"] == scenario and figures["serializer"] == serializer
    assert 0.3 <= figures["seconds"] < nodes.TIME
    assert figures["client_cpu_percent"] > 0 and figures["server_rss_kib"] > 1000
    if scenario in ("fanout", "pairs"):
        publishers, subscribers = (1, 5) if scenario == "fanout" else (3, 3)
        assert (figures["publishers"], figures["subscribers"]) == (publishers, subscribers)
        under_way = figures["window"] * subscribers
        assert abs(figures["events"] - figures["published"] * subscribers // publishers) <= under_way
        assert figures["events"] > 100 and figures["server_cpu_us_per_event"] > 0
        assert figures["events_per_s"] == pytest.approx(figures["events"] / figures["seconds"], rel=0.01)
    elif scenario == "rpc":
        assert figures["calls"] > 100 and figures["server_cpu_us_per_call"] > 0
        assert figures["calls_per_s"] == pytest.approx(figures["calls"] / figures["seconds"], rel=0.01)
        assert ascends(figures["round_trip_us"])
    elif scenario == "latency":
        assert figures["published_per_s"] == pytest.approx(500, rel=0.2)
        # Both subscribers get them; a machine that stands still for a moment has many under way at the end.
        assert figures["published"] < figures["events"] <= 2 * figures["published"] + 20
        assert ascends(figures["latency_us"])
    elif scenario == "connections":
        assert figures["joined"] > 10 and figures["server_cpu_us_per_session"] > 0
        assert ascends(figures["join_us"])
    elif scenario == "churn":
        assert figures["operations"] > 100 and figures["server_cpu_us_per_operation"] > 0
        assert ascends(figures["answer_us"])
    else:
        assert figures["sessions"] == 20
        assert -1000 < figures["server_rss_kib_per_session"] < 1000


@pytest.mark.parametrize("scenario", ["pairs", "rpc"])
@pytest.mark.parametrize("size", [0, 300, 70_000])
def test_payloads_of_all_frame_sizes(router, scenario, size):
    figures = measure(scenario, router[0], "--payload", size)
    assert figures["payload"] == size and figures[{"pairs": "events", "rpc": "calls"}[scenario]] > 10


def test_subscribers_speak_other_serializers_than_publishers(router):
    """Each checks what it gets."""
    figures = measure("fanout", router[0], "--serializer", "json", "--subscriber-serializers", "msgpack,cbor,ubjson,json")
    assert figures["events"] > 100


def test_a_table_for_people_and_progress_once_a_second(router):
    result = bench("fanout", "--url", f"ws://127.0.0.1:{router[0]}/ws", "--subscribers", 2, "--duration", 1.2,
                   "--warmup", 0)
    assert result.returncode == 0
    assert "received per second" in result.stdout and "{" not in result.stdout
    assert "measuring" in result.stderr and "events/s" in result.stderr


def test_signing_in_with_a_ticket(start, port):
    auth = {"ticket": {"type": "static", "principals": {"joe": {"ticket": "secret!!!", "role": "anonymous"}}}}
    start(nodes.config(port, websocket={"auth": auth}))
    assert measure("pairs", port, "--authid", "joe", "--ticket", "secret!!!")["events"] > 0
    command = ("pairs", "--url", f"ws://127.0.0.1:{port}/ws", *SHORT, "--authid", "joe")
    assert bench(*command, env={"CROSSPOINT_BENCH_TICKET": "secret!!!"}).returncode == 0
    assert complaint(bench(*command, "--ticket", "wrong"), 1).startswith("refused: wamp.error.not_authorized: ")


@pytest.fixture
def other(start, port):
    return port, start(nodes.config(port))


def compare(first, second, *arguments):
    urls = [f"ws://127.0.0.1:{port}/ws" for port, _ in (first, second)]
    pids = [("--pid", first[1].process.pid), ("--against-pid", second[1].process.pid)]
    return bench("compare", "--url", urls[0], *pids[0], "--against", urls[1], *pids[1], "--rounds", 2, "--subscribers", 5,
                 *SHORT, *arguments)


def test_two_routers_side_by_side(router, other, tmp_path):
    svg = tmp_path / "plot.svg"
    result = compare(router, other, "--scenarios", "fanout,rpc", "--json", "--svg", svg, "--name", "a<b")
    assert (result.returncode, result.stderr) == (0, "")
    comparison = json.loads(result.stdout)
    assert [one["name"] for one in comparison["routers"]] == ["a<b", "second"]
    figures = {(one["scenario"], one["figure"]): one for one in comparison["figures"]}
    assert {("fanout", "server_cpu_us_per_event"), ("fanout", "events_per_s"), ("rpc", "server_cpu_us_per_call"),
            ("rpc", "calls_per_s"), ("rpc", "round_trip_us.p99")} <= set(figures)
    for one in figures.values():
        first, second = one["routers"]
        assert 0 < first["least"] <= first["median"] <= first["most"]
        assert one["ratio"] == pytest.approx(first["median"] / second["median"])
    plot = ElementTree.parse(svg).getroot()
    texts = [text.text for text in plot.iter("{http://www.w3.org/2000/svg}text")]
    assert "a<b" in texts and "rpc: CPU time per call" in texts
    bars = [float(bar.get("width")) for bar in plot.iter("{http://www.w3.org/2000/svg}rect")]
    assert len(bars) == 1 + 2 + 2 * len(figures)  # the background, the legend, and two for each figure
    for one, pair in zip(comparison["figures"], zip(bars[3::2], bars[4::2])):
        assert pair[0] / pair[1] == pytest.approx(one["ratio"], rel=0.02)


def test_a_comparison_for_people(router, other):
    result = compare(router, other, "--scenarios", "latency", "--rate", 200)
    assert result.returncode == 0, result.stderr
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["first", "second", "first", "/", "second"]
    assert any(row.startswith("latency: latency, 99 % of the events, us  ") for row in rows)


def test_a_comparison_says_at_which_router_it_failed(router):
    closed = f"ws://127.0.0.1:{nodes.free_port()}/ws"
    result = bench("compare", "--url", f"ws://127.0.0.1:{router[0]}/ws", "--against", closed, "--against-name", "that one",
                   "--scenarios", "pairs", "--pairs", 2, *SHORT)
    assert complaint(result, 1) == f"pairs at that one: cannot connect to {closed}: Connection refused"


def test_what_a_role_may_not_do_is_said(start, port):
    roles = [{"name": "anonymous", "permissions": [nodes.allow(publish=False, register=False)]}]
    start(nodes.config(port, realms=[nodes.realm(roles=roles)]))
    for scenario, request in (("pairs", "PUBLISH"), ("rpc", "REGISTER")):
        result = bench(scenario, "--url", f"ws://127.0.0.1:{port}/ws", *SHORT)
        assert complaint(result, 1).startswith(f"{request} failed: wamp.error.not_authorized")


def test_what_cannot_be_reached_or_joined(router):
    port, _ = router
    closed = nodes.free_port()
    url = f"ws://127.0.0.1:{closed}/ws"
    assert complaint(bench("fanout", "--url", url), 1) == f"cannot connect to {url}: Connection refused"
    url = f"ws://127.0.0.1:{port}/elsewhere"
    assert complaint(bench("rpc", "--url", url), 1) == (
        f'{url}: the server does not open a WebSocket there: it answers "404 Not Found"')
    url = f"ws://127.0.0.1:{port}/ws"
    for scenario in ("fanout", "connections"):
        assert complaint(bench(scenario, "--url", url, "--realm", "other"), 1) == (
            'refused: wamp.error.no_such_realm: no realm "other" exists on this router')


def test_more_sessions_than_descriptors(router):
    port, node = router
    command = [BENCH, "idle", "--url", f"ws://127.0.0.1:{port}/ws", "--sessions", "50", "--pid", str(node.process.pid)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=nodes.TIME,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30)))
    assert complaint(result, 1) == f"cannot connect to ws://127.0.0.1:{port}/ws: Too many open files"


@pytest.mark.parametrize(("arguments", "text"), [
    ((), "which scenario? fanout, pairs, rpc, latency, connections, gateway, churn or idle; or compare"),
    (("flood",), "not expected: flood"),
    (("fanout", "--bogus"), "--bogus"),
    (("fanout", "--subscribers", "0"), "--subscribers: Value 0 not in range"),
    (("fanout", "--subscribers", "many"), "many"),
    (("fanout", "--serializer", "xml"), "--serializer: xml not in {json,msgpack,cbor,ubjson}"),
    (("fanout", "--duration", "0"), "--duration"),
    (("rpc", "--url", "http://127.0.0.1/ws"), "--url: must be ws://host:port/path"),
    (("rpc", "--url", "ws://127.0.0.1:port/ws"), "--url: must be ws://host:port/path"),
    (("rpc", "--url", "ws://:80/ws"), "--url: must be ws://host:port/path"),
    (("rpc", "--ticket", "x"), "--ticket needs --authid"),
    (("idle",), "idle: --pid is required"),
    (("churn", "--topics", "2", "--window", "3"), "churn: --window must not be larger than --topics"),
    (("compare",), "--against is required"),
    (("compare", "--against", "x"), '--against: must be ws://host:port/path or rs://host:port, or wss:// or rss:// for TLS, not "x"'),
    (("compare", "--against", "ws://127.0.0.1/", "--scenarios", "fanout,flood"), "flood"),
    (("compare", "--against", "ws://127.0.0.1/", "--scenarios", "idle"), "compare: idle needs --pid and --against-pid"),
    (("compare", "--against", "ws://127.0.0.1/", "--against-pid", "99999999"), "--against-pid: there is no process"),
    (("compare", "--against", "ws://127.0.0.1/", "--svg", "/nowhere/x.svg"), "--svg: cannot write /nowhere/x.svg: No such"),
    (("idle", "--pid", "99999999"), "--pid: there is no process 99999999"),
])
def test_wrong_usage(arguments, text):
    assert text in complaint(bench(*arguments), 2)


class FaultyRouter:
    """As much of a JSON router as the scenarios need. `fault(message, number)` gives what is sent in place of the EVENT
    or RESULT with that number: a list of messages, or of frames as bytes; None: the connection is closed."""

    def __init__(self, fault):
        self.fault = fault
        self.topics = {}  # -> (subscriber, subscription)
        self.procedures = {}  # -> callee
        self.calls = []  # (caller, request) by invocation
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        stream = connection.makefile("rb")
        try:
            key = None
            while (line := stream.readline()) != b"\r\n":
                if line.lower().startswith(b"sec-websocket-key:"):
                    key = line.split(b":")[1].strip()
            accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                               b"sec-websocket-protocol: wamp.2.json\r\nSEC-WEBSOCKET-ACCEPT:" + accept + b"\r\n\r\n")
            while True:
                opcode, payload = self.read(stream)
                if opcode == CLOSE:
                    connection.sendall(frame(CLOSE, payload))
                    break
                if opcode == TEXT:
                    with self.lock:
                        self.handle(connection, json.loads(payload))
        except (OSError, struct.error):
            pass
        connection.close()

    @staticmethod
    def read(stream):
        first, second = struct.unpack("!BB", stream.read(2))
        assert second & 0x80, "the client does not mask"
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", stream.read(2))[0]
        key = stream.read(4)
        return first & 15, bytes(byte ^ key[i % 4] for i, byte in enumerate(stream.read(size)))

    def handle(self, connection, message):
        kind = message[0]
        if kind == 1:
            send(connection, [2, 4711, {"roles": {"broker": {}, "dealer": {}}}])
        elif kind == 32:
            self.topics[message[3]] = connection
            send(connection, [33, message[1], 99])
        elif kind == 16:
            self.deliver(self.topics[message[3]], [36, 99, 1000 + message[1], {}, message[4]], message[4][0])
        elif kind == 64:
            self.procedures[message[3]] = connection
            send(connection, [65, message[1], 98])
        elif kind == 48:
            self.calls.append((connection, message[1]))
            send(self.procedures[message[3]], [68, len(self.calls), 98, {}, message[4]])
        elif kind == 70:
            caller, request = self.calls[message[1] - 1]
            self.deliver(caller, [50, request, {}, message[3]], message[3][0])
        elif kind == 6:
            send(connection, [6, {}, "wamp.close.goodbye_and_out"])

    def deliver(self, connection, message, number):
        instead = self.fault(message, number)
        if instead is None:
            connection.shutdown(socket.SHUT_RDWR)
            return
        for item in instead:
            if isinstance(item, bytes):
                connection.sendall(item)
            else:
                send(connection, item)


def frame(opcode, payload, fin=True):
    size = len(payload)
    head = bytes([(0x80 if fin else 0) | opcode])
    return head + (bytes([size]) if size < 126 else b"\x7e" + struct.pack("!H", size)) + payload


def send(connection, message):
    connection.sendall(frame(TEXT, json.dumps(message).encode()))


def at_five(instead):
    return lambda message, number: instead(message) if number == 5 else [message]


def changed(message, *path, to):
    copy = json.loads(json.dumps(message))
    place = copy
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return copy


def swap_five_and_six():
    held = []

    def fault(message, number):
        if number == 5:
            held.append(message)
            return []
        return [message, held.pop()] if number == 6 else [message]

    return fault


def in_pieces(message):
    text = json.dumps(message).encode()
    return [frame(TEXT, text[:7], fin=False) + frame(PING, b"?"), frame(CONTINUATION, text[7:20], fin=False),
            frame(CONTINUATION, text[20:])]


@pytest.mark.parametrize(("scenario", "fault", "text"), [
    ("pairs", at_five(lambda m: []), "lost or out of order: event 6 of publisher 0 after 4"),
    ("pairs", at_five(lambda m: [m, m]), "repeated or out of order: event 5 of publisher 0 after 5"),
    ("pairs", swap_five_and_six(), "lost or out of order: event 6 of publisher 0 after 4"),
    ("pairs", lambda m, n: [m] if n < 5 else [], "lost: nothing arrived for 0.5 s and 4 events are missing"),
    ("pairs", at_five(lambda m: [changed(m, 4, 2, to="?")]), "damaged: the event after 4"),
    ("pairs", at_five(lambda m: [changed(m, 4, 1, to=7)]), "misrouted: an event of publisher 7 instead of 0"),
    ("pairs", at_five(lambda m: [changed(m, 1, to=7)]), "an event of a subscription that the session does not have"),
    ("pairs", at_five(lambda m: None), "the connection of session 2 ended: the peer closed the connection"),
    ("pairs", at_five(lambda m: [frame(CLOSE, b"\x03\xf3tired")]), "the router closed the WebSocket: 1011 tired"),
    ("pairs", at_five(lambda m: [[3, {"message": "tired"}, "wamp.close.x"]]),
     "the router aborted a session: wamp.close.x: tired"),
    ("pairs", at_five(lambda m: [[6, {}, "wamp.close.system_shutdown"]]),
     "the router ended a session: wamp.close.system_shutdown"),
    ("pairs", at_five(lambda m: [frame(TEXT, b"[36,")]), "the router sends a malformed message"),
    ("pairs", at_five(lambda m: [b"\xf1\x00"]), "the router sends a frame with reserved bits set"),
    ("latency", at_five(lambda m: []), "lost or out of order: event 6 of publisher 0 after 4"),
    ("rpc", at_five(lambda m: [m, m]), "repeated: the result of call 5 of caller 0"),
    ("rpc", at_five(lambda m: [changed(m, 3, 0, to=4)]), "wrong result: call 5 of caller 0 is answered with the result"),
    ("rpc", at_five(lambda m: [changed(m, 3, to=[])]), "damaged: the arguments of a result"),
    ("rpc", at_five(lambda m: []), "lost: nothing arrived for 0.5 s and 1 results are missing"),
    ("rpc", at_five(lambda m: [[8, 48, m[1], {}, "com.error"]]), "CALL failed: com.error"),
    ("pairs", lambda m, n: in_pieces(m), None),
    ("rpc", lambda m, n: in_pieces(m), None),
])
def test_faults_are_noticed(scenario, fault, text):
    router = FaultyRouter(fault)
    sizes = {"pairs": ("--pairs", "1", "--window", "4"), "rpc": ("--window", "4"), "latency": ("--rate", "500")}
    result = bench(scenario, "--url", f"ws://127.0.0.1:{router.port}/", "--serializer", "json", "--timeout", "0.5",
                   *SHORT, *sizes[scenario])
    router.listener.close()
    if text is None:
        assert result.returncode == 0, result.stderr
    else:
        assert complaint(result, 1).startswith(text)
