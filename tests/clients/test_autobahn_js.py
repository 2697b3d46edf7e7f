"""autobahn-js from npm, over each serializer and over long-polling; the steps are in autobahn_js.mjs."""

import pathlib
import subprocess

import pytest

from support import node as nodes
from support.node import TIME
from support.spread import one_node
from support.wamp import Client

SCRIPT = pathlib.Path(__file__).with_name("autobahn_js.mjs")


CALLEE = {"roles": {"callee": {"features": {"progressive_call_results": True, "call_canceling": True}}}}


def run(port, serializer):
    """Runs the script over WebSocket beside a callee of com.js.<serializer>.count: it counts, then is canceled."""
    callee = Client(port, serializer, details=CALLEE)
    callee.register(f"com.js.{serializer}.count")
    script = subprocess.Popen(["node", SCRIPT, f"ws://127.0.0.1:{port}/ws", serializer], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    try:
        callee.socket.settimeout(TIME * 2)
        _, request, _, details, args, *_ = callee.receive()
        assert details["receive_progress"] is True
        callee.send_many([[70, request, {"progress": True}, [i]] for i in range(args[0])] + [[70, request, {}, ["done"]]])
        _, request, *_ = callee.receive()
        assert callee.receive() == [69, request, {"mode": "kill"}]
        callee.send([8, 68, request, {}, "wamp.error.canceled"])
    finally:
        try:
            output, _ = script.communicate(timeout=TIME * 2)
        finally:
            script.kill()
            callee.close()
    assert script.returncode == 0, output


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
def test_autobahn_js(router, serializer):
    run(router[0], serializer)


@one_node("all requests of a session have to come to one node")
def test_autobahn_js_over_long_polling(start, port):
    start(nodes.config(port, paths={"lp": {"type": "longpoll"}}))
    result = subprocess.run(["node", SCRIPT, f"http://127.0.0.1:{port}/lp", "json"], capture_output=True, text=True,
                            timeout=TIME * 2)
    assert result.returncode == 0, result.stdout + result.stderr
