"""Autobahn|Python, as Debian has it, over each serializer."""

import asyncio

import pytest
from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.serializer import CBORSerializer, JsonSerializer, MsgPackSerializer
from autobahn.wamp.types import CallOptions, CallResult, PublishOptions, RegisterOptions, SubscribeOptions

from support import node as nodes
from support.spread import one_node
from support.wamp import Client

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


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_progressive_results_and_canceling(router, serializer):
    name = "com.py.stream." + serializer

    async def scenario(session, details):
        begun, interrupted = asyncio.Event(), asyncio.Event()

        def count(limit, details=None):
            for number in range(limit):
                details.progress(number, square=number * number)
            return "done"

        async def never():
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:  # Autobahn|Python stumbles over it if it goes further
                interrupted.set()

        await session.register(count, name, RegisterOptions(details=True))
        await session.register(never, name + ".never")
        pieces = []
        options = CallOptions(on_progress=lambda number, square=None: pieces.append((number, square)))
        assert await session.call(name, 100, options=options) == "done"
        assert pieces == [(number, number * number) for number in range(100)]

        call = session.call(name + ".never")
        await begun.wait()
        call.cancel()  # Autobahn|Python sends CANCEL
        await interrupted.wait()
        with pytest.raises(ApplicationError, match="wamp.error.(timeout|canceled)"):
            await session.call(name + ".never", options=CallOptions(timeout=50))

    session_with(router[0], scenario, serializer)


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_patterns_and_lists_of_receivers(router, serializer):
    prefix = "com.py.patterns." + serializer

    async def scenario(session, details):
        await session.register(lambda details=None: details.procedure, prefix + ".by",
                               RegisterOptions(match="prefix", details=True))
        await session.register(lambda details=None: details.procedure, prefix + "..wild",
                               RegisterOptions(match="wildcard", details=True))
        assert await session.call(prefix + ".by.prefix") == prefix + ".by.prefix"
        assert await session.call(prefix + ".very.wild") == prefix + ".very.wild"

        got = asyncio.Queue()
        await session.subscribe(lambda value, details=None: got.put_nowait((value, details.topic)), prefix + "..news",
                                SubscribeOptions(match="wildcard", details=True))
        lists = [({"exclude": details.session}, False), ({"exclude_authrole": details.authrole}, False),
                 ({"exclude_authid": details.authid}, False), ({"eligible": [1]}, False),
                 ({"eligible": details.session}, True), ({"eligible_authid": details.authid}, True),
                 ({"eligible_authrole": details.authrole}, True), ({}, True)]
        for number, (options, _) in enumerate(lists):
            await session.publish(prefix + ".good.news", number,
                                  options=PublishOptions(acknowledge=True, exclude_me=False, **options))
        for number in [number for number, (_, arrives) in enumerate(lists) if arrives]:
            assert await got.get() == (number, prefix + ".good.news")
        assert got.empty()

    session_with(router[0], scenario, serializer)


@one_node("it tells of nodes besides")
@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_meta_api(router, serializer):
    topic = "com.py.meta." + serializer

    async def scenario(session, details):
        got = asyncio.Queue()

        async def told(event, who):
            while True:
                name, args = await got.get()
                if name == event and (args[0]["session"] if isinstance(args[0], dict) else args[0]) == who:
                    return args

        for name in ("session.on_join", "session.on_leave", "subscription.on_create", "subscription.on_subscribe",
                     "subscription.on_unsubscribe", "subscription.on_delete", "registration.on_create",
                     "registration.on_unregister"):
            await session.subscribe(lambda *args, name=name: got.put_nowait((name, args)), "wamp." + name)
        other = Client(router[0])
        assert (await told("session.on_join", other.session))[0]["authrole"] == "anonymous"
        assert other.session in await session.call("wamp.session.list")
        subscription = other.subscribe(topic)
        created = (await told("subscription.on_create", other.session))[1]
        assert created == await session.call("wamp.subscription.get", subscription)
        assert await session.call("wamp.subscription.list_subscribers", subscription) == [other.session]
        assert await session.call("wamp.subscription.lookup", topic) == subscription
        registration = other.register(topic)
        await told("registration.on_create", other.session)
        assert await session.call("wamp.registration.match", topic) == registration
        await session.call("wamp.registration.remove_callee", registration, other.session)
        assert (await told("registration.on_unregister", other.session))[1] == registration
        await session.call("wamp.session.kill", other.session, reason="com.reason", message="enough")
        assert other.receive()[0] == 6
        for name in ("subscription.on_unsubscribe", "subscription.on_delete"):
            assert (await told(name, other.session))[1] == subscription
        assert (await told("session.on_leave", other.session))[2] == "anonymous"
        with pytest.raises(ApplicationError, match="wamp.error.no_such_session"):
            await session.call("wamp.session.get", other.session)
        other.close()

    session_with(router[0], scenario, serializer)


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_identities_concurrency_and_history(start, port, serializer):
    disclosing = nodes.allow(disclose={"caller": True, "publisher": True})
    store = {"type": "memory", "event-history": [{"uri": "com.py.kept"}],
             "call-queue": [{"uri": "com.py.", "match": "prefix", "limit": 100}]}
    start(nodes.config(port, [nodes.realm(roles=[{"name": "anonymous", "permissions": [disclosing]}], store=store)]))

    async def scenario(session, details):
        await session.register(lambda details=None: (details.caller, details.caller_authrole), "com.py.who",
                               RegisterOptions(details=True))
        assert await session.call("com.py.who") == [details.session, "anonymous"]
        got = asyncio.Queue()
        await session.subscribe(lambda value, details=None: got.put_nowait((value, details.publisher)), "com.py.kept",
                                SubscribeOptions(details=True))
        for number in range(3):
            await session.publish("com.py.kept", number, options=PublishOptions(acknowledge=True, exclude_me=False))
            assert await got.get() == (number, details.session)
        kept = await session.call("wamp.subscription.lookup", "com.py.kept")
        events = await session.call("wamp.subscription.get_events", kept, 2)
        assert [event["args"] for event in events] == [[2], [1]]
        assert {event["session_id"] for event in events} == {details.session}

        busy = []

        async def slow(number):
            busy.append(number)
            assert len(busy) <= 2
            await asyncio.sleep(0)
            busy.remove(number)
            return number

        await session.register(slow, "com.py.slow", RegisterOptions(concurrency=2))
        assert await asyncio.gather(*[session.call("com.py.slow", number) for number in range(20)]) == list(range(20))

    session_with(port, scenario, serializer)
