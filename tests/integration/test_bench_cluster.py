"""bench/cluster, which measures what docs/scale.md reckons with."""

import json
import subprocess

import pytest

from support import node as nodes
from test_bench import BENCH

pytestmark = [pytest.mark.alone, pytest.mark.skipif(not BENCH.exists(), reason="crosspoint-bench is not built")]


def bench(*arguments):
    command = [nodes.ROOT / "bench" / "cluster", "--build", BENCH.parents[1], *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=10 * nodes.TIME)


def test_everything_is_measured():
    # So many that a buffer of Redis which comes or goes meanwhile (16 KiB) does not count.
    done = bench("--nodes", "3", "--payload", "100", "--duration", "1", "--channels", "5000", "--patterns", "1000",
                 "--registrations", "2000", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    ways = {"not clustered": 1, "same node": 1, "node to node": 2, "ring of 2 nodes": 2, "ring of 3 nodes": 3,
            "one node to 2": 3, "node to node, 1000 patterns": 2}
    ways |= {"calls, not clustered": 1, "calls, same node": 1, "calls, node to node": 2}
    assert set(figures) == {*ways, "heartbeat", "channel", "pattern", "registration"}
    for name, nodes_of in ways.items():
        row = figures[name]
        assert row["calls_per_s" if "calls" in name else "events_per_s"] > 0
        assert len(row["node_cpu_us"]) == nodes_of and min(row["node_cpu_us"]) > 0
        if name not in ("not clustered", "calls, not clustered", "calls, same node"):
            assert row["redis_cpu_us"] > 0 and row["redis_in_bytes"] > 0 and row["redis_out_bytes"] > 0
    assert figures["heartbeat"]["nodes"] == 3 and figures["heartbeat"]["commands"] > 1
    for name in ("channel", "pattern"):
        assert figures[name]["redis_bytes"] > 50
    assert set(figures["registration"]) == {"node_bytes", "other_node_bytes"}


def test_wrong_usage():
    for arguments, said in ((("--nodes", "0"), "--nodes: 1 to 9"), (("--masters", "10"), "--masters: 0 to 9"), (("--channels", "0"), "more than nothing")):
        done = bench(*arguments)
        assert done.returncode == 2 and said in done.stderr
