"""autobahn-js from npm, over each serializer and over long-polling; the steps are in autobahn_js.mjs."""

import pathlib
import subprocess

import pytest

from support import node as nodes
from support.node import TIME

SCRIPT = pathlib.Path(__file__).with_name("autobahn_js.mjs")


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
def test_autobahn_js(router, serializer):
    result = subprocess.run(["node", SCRIPT, f"ws://127.0.0.1:{router[0]}/ws", serializer], capture_output=True,
                            text=True, timeout=TIME * 2)
    assert result.returncode == 0, result.stdout + result.stderr


def test_autobahn_js_over_long_polling(start, port):
    start(nodes.config(port, paths={"lp": {"type": "longpoll"}}))
    result = subprocess.run(["node", SCRIPT, f"http://127.0.0.1:{port}/lp", "json"], capture_output=True, text=True,
                            timeout=TIME * 2)
    assert result.returncode == 0, result.stdout + result.stderr
