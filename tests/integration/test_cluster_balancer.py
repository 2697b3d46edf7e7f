"""config/cluster: three nodes behind haproxy, as docs/cluster.md has them."""

import json
import signal

import pytest

from support import node as nodes
from support.apps import Program, Redis, until
from support.cluster import Cluster, Member
from support.wamp import Client, Closed, RawSocketClient

DIRECTORY = nodes.ROOT / "config" / "cluster"


class Configured(Member):
    """A node with the configuration of config/cluster."""

    def document(self):
        document = json.loads((DIRECTORY / "config.json").read_text())
        document["controller"] = {"id": self.name}
        document["workers"][0]["transports"][0]["endpoint"].update(port=self.port, interface="127.0.0.1")
        return document


class Balanced(Cluster):
    """Three such nodes and the balancer."""

    def __init__(self, directory, redis):
        super().__init__(directory, redis, ("node1", "node2", "node3"), member=Configured, heartbeat=10)
        self.websocket, self.rawsocket = nodes.free_port(), nodes.free_port()
        addresses = {f"NODE_{number}": f"127.0.0.1:{member.port}" for number, member in enumerate(self.members, 1)}
        addresses |= {"WEBSOCKET": f"127.0.0.1:{self.websocket}", "RAWSOCKET": f"127.0.0.1:{self.rawsocket}"}
        self.balancer = Program("/usr/sbin/haproxy", addresses, "-f", str(DIRECTORY / "haproxy.cfg"))
        until(lambda: takes_clients(self.websocket) and takes_clients(self.rawsocket))

    def join(self):
        """Three clients of either kind, which are enough for one of each at every node."""
        return [Client(self.websocket) for _ in range(3)] + [RawSocketClient(self.rawsocket) for _ in range(3)]

    def wait_for_state(self, member, state, after=0):
        for kind in ("websocket", "rawsocket"):
            number = self.members.index(member) + 1
            self.balancer.wait_for(f"Server {kind}_nodes/node{number} is {state}", after=after)

    def stop(self):
        self.balancer.process.terminate()
        self.balancer.wait()
        super().stop()


def takes_clients(port):
    try:
        Client(port).close()  # a port for RawSocket clients is one for all of them at the node
    except (OSError, Closed):
        return False
    return True


def node_of(client):
    return client.welcome[2]["x_cb_node"]


def all_hear(publisher, clients):
    """What one publishes reaches each of them once."""
    for client in clients:
        client.subscribe("com.app.news")
    publisher.publish("com.app.news", ["x"], exclude_me=False)
    for client in clients:
        message = client.receive()
        assert message[0] == 36 and message[4] == ["x"]
    for client in clients:
        assert client.nothing_comes()


@pytest.fixture
def cluster(tmp_path):
    (tmp_path / "redis").mkdir()
    redis = Redis(tmp_path / "redis")
    redis.start()
    made = Balanced(tmp_path, redis)
    yield made
    made.stop()
    redis.stop()


def test_clients_are_spread_over_all_nodes_and_meet_in_one_realm(cluster):
    clients = cluster.join() + cluster.join()
    for half in (Client, RawSocketClient):
        assert {node_of(client) for client in clients if isinstance(client, half)} == {"node1", "node2", "node3"}
    all_hear(clients[-1], clients)


def test_a_node_that_is_killed_gets_no_clients_until_it_is_back(cluster):
    clients = cluster.join() + cluster.join()
    victim = cluster.members[1]
    stay = [client for client in clients if node_of(client) != "node2"]
    victim.kill()
    for client in clients:
        if client not in stay:
            client.expect_end()
    again = cluster.join()  # also if the balancer has not noticed yet
    assert {node_of(client) for client in again} <= {"node1", "node3"}
    all_hear(again[0], again + stay)
    cluster.wait_for_state(victim, "DOWN")
    seen = len(cluster.balancer.lines)
    victim.start()
    cluster.wait_for_state(victim, "UP", after=seen)
    new = cluster.join()  # the first of each kind to the node with the fewest
    assert node_of(new[0]) == node_of(new[3]) == "node2"
    for client in again + stay:
        client.close()
    all_hear(new[0], new)


def test_clients_of_a_node_that_hangs_are_sent_to_others(cluster):
    clients = cluster.join() + cluster.join()
    victim = cluster.members[2]
    nodes.freeze(victim.node.process.pid)
    try:
        cluster.wait_for_state(victim, "DOWN")
        for client in clients:
            if node_of(client) == "node3":
                client.expect_end()
        again = cluster.join()
        assert {node_of(client) for client in again} <= {"node1", "node2"}
        all_hear(again[0], again)
        seen = len(cluster.balancer.lines)
    finally:
        victim.node.process.send_signal(signal.SIGCONT)
    cluster.wait_for_state(victim, "UP", after=seen)
    assert node_of(Client(cluster.websocket)) == "node3"
