"""Subscribers of all nodes are told the trust level of a publication."""

import pytest

from support import node as nodes
from support.cluster import Cluster, Member

ROLES = [{"name": "anonymous", "permissions": [nodes.allow()]},
         {"name": "partner", "trustlevel": 3, "permissions": [nodes.allow(), nodes.allow("com.pay*", trustlevel=0)]}]
PARTNERS = {"type": "websocket", "auth": {"anonymous": {"type": "static", "role": "partner"}}}


class Trusting(Member):
    def document(self):
        return nodes.config(self.port, [nodes.realm(roles=ROLES, clustered=True)], paths={"partners": PARTNERS})


@pytest.fixture
def cluster(tmp_path, redis):
    made = Cluster(tmp_path, redis, names=("a", "b"), member=Trusting)
    yield made
    made.stop()


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
def test_trust_levels_of_publications_reach_other_nodes(cluster, serializer):
    a, b = cluster.members
    near, far = a.client(), b.client("msgpack")
    for subscriber in (near, far):
        for topic in ("com.order", "com.pay"):
            subscriber.subscribe(topic)
        subscriber.subscribe("com.", match="prefix", get_retained=True)
    partner, anybody = a.client(serializer, path="/partners"), a.client(serializer)
    for publisher, topic, expected in ((partner, "com.order", 3), (partner, "com.pay", 0), (anybody, "com.order", None)):
        publisher.publish(topic, [1])
        publisher.publish(topic, [2], retain=True)
        for subscriber in (near, far):
            events = [subscriber.receive() for _ in range(4)]
            assert {event[0] for event in events} == {36}
            assert [event[3].get("trustlevel") for event in events] == [expected] * 4
    late = b.client()
    late.subscribe("com.pay", get_retained=True)
    event = late.receive()
    assert event[4] == [2] and event[3]["trustlevel"] == 0


def test_what_has_a_wrong_trust_level_is_not_delivered(cluster, redis):
    a = cluster.members[0]
    subscriber = a.client()
    subscriber.subscribe("com.order")
    channel = "crosspoint:realm1:topic:com.order"
    for sender, good in (("x/1+7", True), ("x/1+", False), ("x/1+-1", False), ("x/1+99999999999", False), ("x/1+x", False),
                         ("x+y/1", True)):
        text = f'crosspoint1 {sender} 4711 json 0 0 0\n[16,1,{{}},"com.order",["{sender}"]]'
        assert redis.cli("PUBLISH", channel, text) == "1"
        if good:
            event = subscriber.receive()
            assert event[4] == [sender] and event[3].get("trustlevel") == (7 if "+7" in sender else None)
        else:
            assert subscriber.nothing_comes()
    a.wait_for("its first line cannot be read")
