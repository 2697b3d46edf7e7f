"""wampy from npm, over each serializer that it has; the steps are in wampy.mjs."""

import pathlib
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support import node as nodes
from support.wamp import Client

SCRIPT = pathlib.Path(__file__).with_name("wampy.mjs")
KEY = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32)).public_key()
KEY = KEY.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
SECRETS = {"ticket": {"type": "static", "principals": {"joe": {"ticket": "secret", "role": "anonymous"}}},
           "wampcra": {"type": "static", "users": {"joe": {"secret": "secret", "role": "anonymous"}}},
           "cryptosign": {"type": "static", "principals": {"joe": {"authorized_keys": [KEY], "role": "anonymous"}}}}


CALLEE = {"roles": {"callee": {"features": {"progressive_call_results": True, "call_canceling": True}}}}


def start_wampy(port, what, *more):
    return subprocess.Popen(["node", SCRIPT, f"ws://127.0.0.1:{port}/ws", what, *more], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def end(process):
    try:
        output, _ = process.communicate(timeout=nodes.TIME * 2)
    finally:
        process.kill()
    assert process.returncode == 0, output


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
def test_wampy(router, serializer):
    callee = Client(router[0], serializer, details=CALLEE)
    callee.register(f"com.wampy.{serializer}.count")
    process = start_wampy(router[0], serializer)
    try:
        _, request, _, details, args = callee.receive()
        assert details["receive_progress"] is True
        callee.send_many([[70, request, {"progress": True}, [i]] for i in range(args[0])] + [[70, request, {}, ["done"]]])
    finally:
        end(process)


@pytest.mark.parametrize("method", SECRETS)
def test_wampy_signs_in(start, port, method):
    start(nodes.config(port, websocket={"auth": SECRETS}))
    end(start_wampy(port, method, *([KEY] if method == "cryptosign" else [])))
