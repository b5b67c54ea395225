"""A real Ray cluster of several nodes on this machine, as a process that obeys lines.

    python cluster.py PORT NODES        prints "ready", then an answer to each line:
    add NAME [LABEL=VALUE …]            another node; its id
    kill NAME                           kill -9 of a node's processes; "ok"
    kill-head                           kill -9 of the head's processes; "ok"

Everything is bound to 127.0.0.1. It ends with its standard input, and the nodes with it.
"""

from __future__ import annotations

import os
import signal
import sys

MEMORY = 80 * 2**20
"""Of each node's object store; nothing large goes through it here."""


def main(port: int, count: int) -> None:
    """Serves one test."""
    from ray.cluster_utils import Cluster

    local = {"node_ip_address": "127.0.0.1", "object_store_memory": MEMORY}
    head = {**local, "num_cpus": 0, "gcs_server_port": port, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes = {}

    def add(name: str, *labels: str) -> str:
        given = {"asrprof.io/host": name, "asrprof.io/arch": "x86_64"}
        given |= dict(label.split("=") for label in labels)
        slots = {"asrprof": int(given.pop("slots", "1"))}
        nodes[name] = cluster.add_node(
            num_cpus=1, resources=slots, labels=given, include_dashboard=False, **local
        )
        return str(nodes[name].node_id)

    for number in range(count):
        add(f"node-{number}")
    print("ready", cluster.address, flush=True)
    for line in sys.stdin:
        command, *words = line.split()
        if command == "add":
            print(add(*words), flush=True)
        elif command in ("kill", "kill-head"):
            kill(nodes.pop(words[0]) if words else cluster.head_node)
            print("ok", flush=True)
    for node in (*nodes.values(), cluster.head_node):
        kill(node)


def kill(node: object) -> None:
    """Ends what Ray runs for a node, the hard way; the workers of a raylet end with it."""
    for processes in node.all_processes.values():  # type: ignore[attr-defined]
        for process in processes:
            if process.process.poll() is None:
                os.kill(process.process.pid, signal.SIGKILL)
                process.process.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
