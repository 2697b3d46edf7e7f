"""Nodes of a cluster are restarted one after another, while clients on all of them publish and subscribe."""

import signal
import socket
import threading
import time

import pytest

from support import node as nodes
from support.apps import Redis, until
from support.cluster import Cluster
from support.wamp import Closed

TOPIC = "com.load"
AT_ONCE = 10


class Peer(threading.Thread):
    """A client that comes back to its node whenever its session ends, until it is told to stop."""

    def __init__(self, member):
        super().__init__(daemon=True)
        self.member = member
        self.name = member.name
        self.stopping = threading.Event()
        self.sessions = 0
        self.client = None
        self.error = None
        self.start()

    def run(self):
        try:
            while self.connect():
                try:
                    self.go_on()
                except (Closed, ConnectionResetError, BrokenPipeError):
                    self.client.close()
        except Exception as error:
            self.error = error

    def connect(self):
        """Whether there is a session; there is one as soon as there is a node."""
        end = time.monotonic() + 3 * nodes.TIME
        while not self.stopping.is_set():
            assert time.monotonic() < end, f"{self.name} cannot be reached"
            try:
                self.client = self.member.client("msgpack", join=False)
                if self.client.join()[0] == 2 and self.begin():
                    self.sessions += 1
                    return True
            except (Closed, ConnectionRefusedError, ConnectionResetError, BrokenPipeError):
                pass
            self.stopping.wait(0.01)
        return False

    def begin(self):
        return True

    def end(self):
        self.stopping.set()
        self.join(3 * nodes.TIME)
        assert not self.is_alive() and self.error is None, self.error


class Publisher(Peer):
    """Publishes numbers, which go on in each new session."""

    def __init__(self, member):
        self.number = 0  # of the last event sent
        self.accepted = []  # the last number that each session is sure of
        super().__init__(member)

    def begin(self):
        self.accepted.append(None)
        return True

    def go_on(self):
        while not self.stopping.wait(0.002):
            numbers = range(self.number + 1, self.number + AT_ONCE + 1)
            self.number = numbers[-1]
            self.client.send_many([[16, number, {"acknowledge": number == self.number}, TOPIC, [self.name, number]]
                                   for number in numbers])
            reply = self.client.receive()
            if reply[0] != 17:
                assert reply[0] == 6, reply  # GOODBYE: the node ends
                raise Closed()
            self.accepted[-1] = self.number


class Subscriber(Peer):
    """Keeps the numbers that come: per session a list for each publisher."""

    def __init__(self, member):
        self.received = []
        super().__init__(member)

    def begin(self):
        if self.client.ask([32, {}, TOPIC])[0] != 33:
            return False
        self.received.append({})
        return True

    def go_on(self):
        while True:
            message = self.client.receive()
            if message[0] != 36:
                assert message[0] == 6, message
                raise Closed()
            publisher, number = message[4]
            self.received[-1].setdefault(publisher, []).append(number)

    def last(self, publisher):
        return max((session[publisher.name][-1] for session in list(self.received) if publisher.name in session), default=0)

    def end(self):
        self.stopping.set()
        self.client.socket.shutdown(socket.SHUT_RDWR)
        super().end()


@pytest.fixture
def cluster(tmp_path):
    (tmp_path / "redis").mkdir()
    redis = Redis(tmp_path / "redis")
    redis.start()
    made = Cluster(tmp_path, redis, heartbeat=10)  # a busy machine is no reason to give Redis up
    yield made
    made.stop()
    redis.stop()


def test_a_rolling_restart_under_load(cluster):
    publishers = [Publisher(member) for member in cluster.members]
    subscribers = [Subscriber(member) for member in cluster.members]

    def everything_arrives(but=None):
        """What is published from now on, twenty times over, at every node but this one."""
        marks = [(publisher, publisher.number + 20 * AT_ONCE) for publisher in publishers if publisher.member is not but]

        def condition():
            assert not any(peer.error for peer in publishers + subscribers), state()
            return all(subscriber.last(publisher) >= mark for publisher, mark in marks
                       for subscriber in subscribers if subscriber.member is not but)

        try:
            until(condition)
        except AssertionError:
            pytest.fail("\n".join([str(marks), *state(), *(member.node.output() for member in cluster.members)]))

    def state():
        return [f"{type(peer).__name__} {peer.name}: {peer.sessions} sessions, error {peer.error!r}" for peer in publishers + subscribers] + [
            f"{each.name} has {({publisher.name: each.last(publisher) for publisher in publishers})}" for each in subscribers]

    everything_arrives()
    for member in cluster.members:
        others = [other for other in cluster.members if other is not member]
        seen = {other: len(other.node.lines) for other in others}
        assert member.node.stop(signal.SIGTERM) == 0
        for other in others:
            other.wait_for(f'Cluster: node "{member.name}" has left', after=seen[other])
        everything_arrives(but=member)
        member.start()
        for other in others:
            other.wait_for(f'Cluster: node "{member.name}" is there', after=seen[other])
        everything_arrives()  # the clients of the node are back
    for publisher in publishers:
        publisher.end()
    for publisher in publishers:
        until(lambda publisher=publisher: all(each.last(publisher) == publisher.number for each in subscribers))
    for subscriber in subscribers:
        subscriber.end()

    for subscriber in subscribers:
        for publisher in publishers:
            sessions = [session[publisher.name] for session in subscriber.received if publisher.name in session]
            received = [number for session in sessions for number in session]
            # In order, and nothing twice, also over the restart of the subscriber's node.
            assert len(sessions) >= 2 and received == sorted(set(received))
            gaps = [(one, after) for session in sessions for one, after in zip(session, session[1:]) if after != one + 1]
            if publisher.member is subscriber.member:
                assert gaps == []
                continue
            # Nothing is missing while both nodes stay. All that the publisher's node had accepted when it was told to end has
            # arrived; what came next is what was published when it had joined again.
            assert len(gaps) < publisher.sessions, gaps
            assert all(one >= publisher.accepted[0] for one, _ in gaps), (gaps, publisher.accepted)
            assert publisher.accepted[0] in received
