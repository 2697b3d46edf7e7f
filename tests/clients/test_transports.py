"""Autobahn|Python over every transport and serializer, with asyncio and with Twisted."""

import asyncio
import os
import subprocess
import sys

import pytest
import txaio
from autobahn.asyncio.rawsocket import WampRawSocketClientFactory, WampRawSocketClientProtocol
from autobahn.asyncio.wamp import ApplicationSession
from autobahn.asyncio.websocket import WampWebSocketClientFactory
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.serializer import CBORSerializer, JsonSerializer, MsgPackSerializer, UBJSONSerializer
from autobahn.wamp.types import PublishOptions

from support import node as nodes
from support.transports import NAMES, all_ways

# The RawSocket client of this release lacks an attribute that its sessions ask for.
if not hasattr(WampRawSocketClientProtocol, "transport_details"):
    WampRawSocketClientProtocol.transport_details = property(lambda self: self._transport_details)

SERIALIZERS = {"json": JsonSerializer, "msgpack": MsgPackSerializer, "cbor": CBORSerializer,
               "ubjson": UBJSONSerializer}


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    directory = tmp_path_factory.mktemp("router") / ".crossbar"
    document, ways = all_ways(directory)
    node = nodes.Node(nodes.write_config(directory, document))
    yield ways
    assert node.stop() == 0


def run_session(way, serializers, scenario):
    """Runs scenario(session) in a session of its own, with the serializers given (None: the client's choice), and returns
    what it returns."""
    outcome = {}
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    txaio.config.loop = loop  # the client's timers use this one, which other tests may have set to theirs

    class Session(ApplicationSession):
        def onConnect(self):
            self.join("realm1")

        async def onJoin(self, details):
            try:
                outcome["result"] = await asyncio.wait_for(scenario(self, details), nodes.TIME)
            except BaseException as error:
                outcome["error"] = error
            self.leave()

        def onDisconnect(self):
            loop.stop()

    if way.is_websocket:
        factory = WampWebSocketClientFactory(Session, url="ws://localhost/ws", serializers=serializers)
    else:
        factory = WampRawSocketClientFactory(Session, serializer=serializers[0])
    factory.loop = loop
    tls = {"ssl": way.options["tls"], "server_hostname": "localhost"} if "tls" in way.options else {}
    if isinstance(way.port, int):
        connecting = loop.create_connection(factory, "127.0.0.1", way.port, **tls)
    else:
        connecting = loop.create_unix_connection(factory, str(way.port), **tls)
    transport, _ = loop.run_until_complete(connecting)
    loop.call_later(nodes.TIME, loop.stop)
    loop.run_forever()
    transport.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["result"]


def everything(topic):
    """A scenario: what a session does."""
    async def scenario(session, details):
        got = asyncio.Queue()
        await session.subscribe(lambda *args, **kwargs: got.put_nowait((args, kwargs)), topic)
        await session.publish(topic, 1, "zwölf", key=[None, 2.5],
                              options=PublishOptions(acknowledge=True, exclude_me=False))
        assert await got.get() == ((1, "zwölf"), {"key": [None, 2.5]})
        await session.register(lambda value: value, topic + ".echo")
        for size in (0, 100, 40_000, 1_000_000):
            assert await session.call(topic + ".echo", "x" * size) == "x" * size
        many = [session.call(topic + ".echo", number) for number in range(200)]
        assert await asyncio.gather(*many) == list(range(200))
        with pytest.raises(ApplicationError, match="no_such_procedure"):
            await session.call(topic + ".nothing")
        data = bytes(range(256)) * 64
        assert await session.call(topic + ".echo", data) == data
        return session._transport._serializer.SERIALIZER_ID

    return scenario


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("name", [name for name in NAMES if "batched" not in name])
def test_everything_a_session_does(ways, name, serializer):
    scenario = everything(f"com.transports.{name}.{serializer}")
    assert run_session(ways[name], [SERIALIZERS[serializer]()], scenario) == serializer


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("name", ["websocket", "websocket-tls"])
def test_everything_a_session_does_in_batches(ways, name, serializer):
    scenario = everything(f"com.batched.{name}.{serializer}")
    assert run_session(ways[name], [SERIALIZERS[serializer](batched=True)], scenario) == serializer + ".batched"


def test_a_client_that_offers_all_it_has(ways):
    """Autobahn's own choice is a batched subprotocol."""
    assert run_session(ways["websocket"], None, everything("com.transports.all")).endswith(".batched")


TWISTED = """
import json, sys
from autobahn.twisted.rawsocket import WampRawSocketClientFactory
from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp import serializer
from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.endpoints import clientFromString

class Session(ApplicationSession):
    def onConnect(self):
        self.join("realm1")

    @inlineCallbacks
    def onJoin(self, details):
        name = "com.twisted.echo." + sys.argv[2]
        yield self.register(lambda value: value, name)
        sizes = []
        for size in (1, 70000, 1000000):
            sizes.append(len((yield self.call(name, "x" * size))))
        print("RESULT", json.dumps(sizes))
        self.leave()

    def onDisconnect(self):
        reactor.stop()

factory = WampRawSocketClientFactory(Session, getattr(serializer, sys.argv[2])())
clientFromString(reactor, sys.argv[1]).connect(factory).addErrback(print)
reactor.callLater(30, reactor.stop)
reactor.run()
"""


@pytest.mark.parametrize("name", ["rawsocket", "rawsocket-unix", "rawsocket-tls"])
@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_twisted_over_rawsocket(ways, name, serializer):
    way = ways[name]
    endpoint = f"unix:{way.port}"
    if isinstance(way.port, int):
        endpoint = f"tcp:127.0.0.1:{way.port}"
    if "tls" in way.options:
        endpoint = f"tls:localhost:{way.port}:trustRoots={way.trust}:endpoint=tcp\\:127.0.0.1\\:{way.port}"
    done = subprocess.run([sys.executable, "-c", TWISTED, endpoint, SERIALIZERS[serializer].__name__],
                          capture_output=True, text=True, timeout=4 * nodes.TIME,
                          env={**os.environ, "PYTHONWARNINGS": "ignore"})
    assert "RESULT [1, 70000, 1000000]" in done.stdout, done.stdout + done.stderr
