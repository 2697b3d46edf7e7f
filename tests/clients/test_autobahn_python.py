"""Autobahn|Python, as Debian has it, over each serializer."""

import asyncio

import pytest
from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.serializer import CBORSerializer, JsonSerializer, MsgPackSerializer
from autobahn.wamp.types import CallResult, PublishOptions, RegisterOptions, SubscribeOptions

from support import node as nodes

SERIALIZERS = {"json": JsonSerializer, "msgpack": MsgPackSerializer, "cbor": CBORSerializer}


def session_with(port, scenario, serializer="json", realm="realm1", **settings):
    """Runs scenario(session) in a session of its own and returns what it returns."""
    outcome = {}

    class Session(ApplicationSession):
        def onConnect(self):
            self.join(realm, settings.get("authmethods"), settings.get("authid"))

        def onChallenge(self, challenge):
            return settings["answer"](challenge)

        async def onJoin(self, details):
            try:
                outcome["result"] = await asyncio.wait_for(scenario(self, details), nodes.TIME)
            except BaseException as error:
                outcome["error"] = error
            self.leave()

        def onLeave(self, details):
            outcome.setdefault("left", details)
            self.disconnect()

        def onDisconnect(self):
            asyncio.get_event_loop().stop()

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    runner = ApplicationRunner(f"ws://127.0.0.1:{port}/ws", realm, serializers=[SERIALIZERS[serializer]()])
    transport, protocol = loop.run_until_complete(runner.run(Session, start_loop=False))
    loop.run_forever()
    transport.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    if "error" in outcome:
        raise outcome["error"]
    return outcome


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_publish_and_subscribe(router, serializer):
    async def scenario(session, details):
        got = asyncio.Queue()
        await session.subscribe(lambda *args, **kwargs: got.put_nowait((args, kwargs)), "com.py.topic")
        await session.subscribe(lambda *args, details=None: got.put_nowait((args, details.topic)), "com.py.other",
                                SubscribeOptions(match="prefix", details=True))
        publication = await session.publish("com.py.topic", 1, "zwölf", [True, None], key={"n": 2.5},
                                            options=PublishOptions(acknowledge=True, exclude_me=False))
        assert publication.id > 0
        assert await got.get() == ((1, "zwölf", [True, None]), {"key": {"n": 2.5}})
        session.publish("com.py.other.one", 7, options=PublishOptions(exclude_me=False))
        assert await got.get() == ((7,), "com.py.other.one")

    session_with(router[0], scenario, serializer)


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_register_and_call(router, serializer):
    name = "com.py.add." + serializer

    async def scenario(session, details):
        def add(a, b=1, scale=1):
            if a == "fail":
                raise ApplicationError("com.error.no_number", "not a number", given=a)
            return (a + b) * scale

        registration = await session.register(add, name)
        assert await session.call(name, 2, 3) == 5
        assert await session.call(name, 2, scale=10) == 30
        with pytest.raises(ApplicationError) as failed:
            await session.call(name, "fail")
        assert failed.value.error == "com.error.no_number"
        assert failed.value.args == ("not a number",) and failed.value.kwargs == {"given": "fail"}
        with pytest.raises(ApplicationError, match="procedure_already_exists"):
            await session.register(add, name)
        await session.register(lambda: CallResult(1, 2, three=3), name + ".complex")
        result = await session.call(name + ".complex")
        assert result.results == (1, 2) and result.kwresults == {"three": 3}
        await registration.unregister()
        with pytest.raises(ApplicationError, match="no_such_procedure"):
            await session.call(name, 2, 3)
        await session.register(lambda: "shared", name + ".shared", RegisterOptions(invoke="roundrobin"))
        assert await session.call(name + ".shared") == "shared"

    session_with(router[0], scenario, serializer)


def test_binary_payloads(router):
    async def scenario(session, details):
        data = bytes(range(256)) * 512
        await session.register(lambda value: value, "com.py.echo")
        assert await session.call("com.py.echo", data) == data

    for serializer in SERIALIZERS:
        session_with(router[0], scenario, serializer)


def test_signing_in(start, port):
    from autobahn.wamp import auth

    users = {"ann": {"secret": "secret", "role": "user"},
             "bob": {"secret": "secret", "role": "user", "salt": "salt", "iterations": 100, "keylen": 32}}
    methods = {"ticket": {"type": "static", "principals": {"joe": {"ticket": "right", "role": "user"}}},
               "wampcra": {"type": "static", "users": users}}
    roles = [{"name": "user", "permissions": [nodes.allow()]}]
    start(nodes.config(port, realms=[nodes.realm(roles=roles)], websocket={"auth": methods}))

    def sign(challenge):
        key = b"secret"
        if "salt" in challenge.extra:
            key = auth.derive_key("secret", challenge.extra["salt"], challenge.extra["iterations"],
                                  challenge.extra["keylen"])
        return auth.compute_wcs(key, challenge.extra["challenge"]).decode()

    async def scenario(session, details):
        return details.authid, details.authrole

    for authid in ("ann", "bob"):
        joined = session_with(port, scenario, authmethods=["wampcra"], authid=authid, answer=sign)
        assert joined["result"] == (authid, "user")
    joined = session_with(port, scenario, authmethods=["ticket"], authid="joe", answer=lambda _: "right")
    assert joined["result"] == ("joe", "user")
    refused = session_with(port, scenario, authmethods=["ticket"], authid="joe", answer=lambda _: "wrong")
    assert refused["left"].reason == "wamp.error.not_authorized"
    assert refused["left"].message == "ticket in static WAMP-Ticket authentication is invalid"


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_event_retention_and_testaments(router, serializer):
    topic = "com.py.retained." + serializer

    async def leaves_something(session, details):
        await session.publish(topic, "kept", options=PublishOptions(retain=True, acknowledge=True))
        assert (await session.call("wamp.session.add_testament", topic + ".will", ["gone"], {"n": 1},
                                   publish_options={"retain": True})) > 0
        await session.call("wamp.session.add_testament", topic + ".will", ["never"], {}, scope="detached")
        assert (await session.call("wamp.session.flush_testaments", scope="detached")) == 1

    async def finds_it(session, details):
        got = asyncio.Queue()
        await session.subscribe(lambda *args, details=None, **kwargs: got.put_nowait((args, kwargs, details.retained)),
                                topic, SubscribeOptions(match="prefix", get_retained=True, details=True))
        assert await got.get() == (("kept",), {}, True)
        assert await got.get() == (("gone",), {"n": 1}, True)

    session_with(router[0], leaves_something, serializer)
    session_with(router[0], finds_it, serializer)
