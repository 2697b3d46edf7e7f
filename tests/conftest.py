import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from support import node as nodes  # noqa: E402
from support import spread  # noqa: E402
from support.apps import Redis  # noqa: E402
from support.cluster import Cluster  # noqa: E402

if spread.NODES > 1:
    nodes.Node = spread.SpreadNode


@pytest.fixture
def start(tmp_path):
    """start(config_document, *flags): a running node; all of them are ended, and must end well."""
    running = []

    def start_node(document, *arguments, wait=True, name="node"):
        directory = nodes.write_config(tmp_path / name / ".crossbar", document)
        running.append(nodes.Node(directory, *arguments, wait=wait))
        return running[-1]

    yield start_node
    codes = [node.stop() for node in running]
    assert all(code == 0 for code in codes), "\n".join(node.output() for node in running)


@pytest.fixture
def launch_redis():
    """Starts Redis servers (support.apps.Redis and its kin), and ends them after the test."""
    servers = []

    def launch(server, *options):
        servers.append(server)
        server.directory.mkdir(exist_ok=True)
        server.start(*options)
        return server

    yield launch
    for server in servers:
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGCONT)  # a test may have stopped it
            server.stop()


@pytest.fixture
def redis(tmp_path, launch_redis):
    return launch_redis(Redis(tmp_path / "redis"))


@pytest.fixture
def cluster(tmp_path, redis):
    """Three nodes that are joined by it."""
    made = Cluster(tmp_path, redis)
    yield made
    made.stop()


@pytest.fixture
def port():
    return nodes.free_port()


@pytest.fixture(scope="module")
def router(tmp_path_factory):
    """One node for the tests of a module that do not change it: (port, node)."""
    port = nodes.free_port()
    directory = nodes.write_config(tmp_path_factory.mktemp("router") / ".crossbar", nodes.config(port))
    node = nodes.Node(directory)
    yield port, node
    assert node.stop() == 0
