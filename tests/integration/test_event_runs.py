"""Small events for many receivers are gathered for a turn and sent together: nobody may see a difference but in time."""

import pytest

from support import node as nodes
from support.spread import one_node
from support.transports import router_with, tcp
from support.wamp import SERIALIZERS, BatchedClient, Client, RawSocketClient

COUNT = 40


@pytest.fixture(scope="module", params=[1, 2])
def node(request, tmp_path_factory):
    port, raw = nodes.free_port(), nodes.free_port()
    directory = tmp_path_factory.mktemp("runs") / ".crossbar"
    web = nodes.config(port, websocket={"options": {"max_queued_bytes": 65536}})["workers"][0]["transports"]
    options = {"max_queued_bytes": 65536}
    rawsocket = {"type": "rawsocket", "endpoint": tcp(raw), "options": options}
    document = router_with([*web, rawsocket], options={"io_threads": request.param})
    node = nodes.Node(nodes.write_config(directory, document))
    node.port, node.raw = port, raw
    yield node
    assert node.stop() == 0


def subscribers(node, topic, number=10, **options):
    clients = [Client(node.port, SERIALIZERS[i % len(SERIALIZERS)]) for i in range(number)]
    for client in clients:
        client.subscription = client.subscribe(topic, **options)
    return clients


def publications(topic, numbers, text="", **options):
    return [[16, i, options, topic, [i, text]] for i in numbers]


def events(client, number):
    """The first argument of each of the next events."""
    messages = [client.receive() for _ in range(number)]
    assert all(message[0] == 36 for message in messages), messages
    return [message[4][0] for message in messages]


def test_receivers_of_all_kinds_get_all_of_it_in_order(node):
    clients = [kind(port, serializer) for kind, port in ((Client, node.port), (BatchedClient, node.port),
                                                         (RawSocketClient, node.raw)) for serializer in SERIALIZERS]
    for client in clients:
        client.subscribe("com.all.kinds")
    publisher = Client(node.port)
    for start in (1, COUNT + 1):
        publisher.send_many(publications("com.all.kinds", range(start, start + COUNT), acknowledge=True))
        for client in clients:
            assert events(client, COUNT) == list(range(start, start + COUNT))
        assert [publisher.receive()[:2] for _ in range(COUNT)] == [[17, i] for i in range(start, start + COUNT)]


def test_events_of_several_topics_keep_their_order(node):
    clients = subscribers(node, "com.several.a")
    for client in clients:
        client.subscribe("com.several.b")
    others = subscribers(node, "com.several.b")
    publisher = Client(node.port)
    numbers = range(1, COUNT + 1)
    publisher.send_many([[16, i, {}, f"com.several.{'aab'[i % 3]}", [i]] for i in numbers])
    for client in clients:
        assert events(client, COUNT) == list(numbers)
    for client in others:
        assert events(client, COUNT // 3) == [i for i in numbers if i % 3 == 2]


def test_a_subscription_ends_behind_the_events_before_it_and_before_those_behind_it(node):
    clients = subscribers(node, "com.ending")
    leaver = clients[3]
    leaver.send_many([*publications("com.ending", range(1, 6), exclude_me=False),
                      [34, 100, leaver.subscription],
                      *publications("com.ending", range(6, 11), exclude_me=False),
                      [32, 101, {}, "com.ending"],
                      *publications("com.ending", range(11, 16), exclude_me=False)])
    assert events(leaver, 5) == [1, 2, 3, 4, 5]
    assert leaver.receive() == [35, 100]
    assert leaver.receive()[:2] == [33, 101]
    assert events(leaver, 5) == [11, 12, 13, 14, 15]
    for client in clients:
        assert client is leaver or events(client, 15) == list(range(1, 16))


def test_answers_come_behind_the_events_before_them(node):
    clients = subscribers(node, "com.answers")
    asker = clients[0]
    asker.register("com.answers.echo")
    for i in range(1, 6):
        asker.send_many([[16, i, {"exclude_me": False, "acknowledge": True}, "com.answers", [i]],
                         [48, 100 + i, {}, "com.answers.nothing"]])
        # PUBLISHED and the publication's own event have no order.
        answers = [asker.receive() for _ in range(3)]
        assert sorted(answer[0] for answer in answers[:2]) == [17, 36]
        assert answers[2][:3] == [8, 48, 100 + i]
    for client in clients[1:]:
        assert events(client, 5) == [1, 2, 3, 4, 5]


@one_node("publishers on different nodes have no common order")
@pytest.mark.parametrize("end", [[6, {}, "wamp.close.close_realm"], [99, "no such message"]])
def test_a_session_that_ends_gets_the_events_before_its_end(node, end):
    clients = subscribers(node, "com.session.ends")
    leaver = clients[0]
    leaver.send_many([*publications("com.session.ends", range(1, 6), exclude_me=False), end])
    assert events(leaver, 5) == [1, 2, 3, 4, 5]
    assert leaver.receive()[0] in (3, 6)
    node.wait_for(f"session {leaver.session} left realm")
    clients[1].send_many(publications("com.session.ends", range(6, 11)))
    for client in clients[2:]:
        assert events(client, 10) == list(range(1, 11))


def test_a_client_that_hangs_up_takes_nothing_from_the_others(node):
    clients = subscribers(node, "com.hang.up", 20)
    publisher = Client(node.port)
    for i in range(0, 10):
        publisher.send_many(publications("com.hang.up", range(i * COUNT + 1, (i + 1) * COUNT + 1)))
        clients[i].close()
    for client in clients[10:]:
        assert events(client, 10 * COUNT) == list(range(1, 10 * COUNT + 1))


def test_what_is_too_long_for_a_receiver_is_left_out_for_it_alone(node):
    clients = [RawSocketClient(node.raw, limit=2 if i < 4 else 15) for i in range(10)]  # 2,048 bytes
    for client in clients:
        client.subscribe("com.long")
    publisher = Client(node.port)
    numbers = range(1, COUNT + 1)
    publisher.send_many([[16, i, {}, "com.long", [i, "x" * (2030 if i % 4 == 0 else 100)]] for i in numbers])
    for client in clients[:4]:
        assert events(client, COUNT * 3 // 4) == [i for i in numbers if i % 4 != 0]
    for client in clients[4:]:
        assert events(client, COUNT) == list(numbers)


def test_large_events_keep_their_place_among_small_ones(node):
    clients = subscribers(node, "com.sizes")
    publisher = Client(node.port)
    numbers = range(1, COUNT + 1)
    publisher.send_many([[16, i, {}, "com.sizes", [i, "x" * (5000 if i % 7 == 0 else 300)]] for i in numbers])
    for client in clients:
        assert events(client, COUNT) == list(numbers)


def test_a_receiver_that_does_not_read_loses_events_and_the_others_none(node):
    clients = subscribers(node, "com.slow")
    slow = Client(node.port, receive_buffer=4096)
    slow.subscribe("com.slow")
    publisher = Client(node.port)
    total = 0
    # More than the kernel keeps for it (some MB), and than the router does.
    while not any(f"session {slow.session} reads too slowly" in line for line in node.lines):
        assert total < 100_000
        publisher.send_many(publications("com.slow", range(total + 1, total + 21), "x" * 1000))
        for client in clients:
            assert events(client, 20) == list(range(total + 1, total + 21))
        total += 20
    publisher.publish("com.slow", ["last"], acknowledge=True)
    for client in clients:
        assert events(client, 1) == ["last"]
    slow.call("com.slow.nothing")
    numbers = []
    while (message := slow.receive())[0] == 36:
        numbers.append(message[4][0])
    numbers = [number for number in numbers if number != "last"]
    assert numbers == sorted(numbers) and len(numbers) < total
