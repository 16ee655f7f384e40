"""A Ray cluster: its version, its address, and its nodes."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pstar.ray import _node
from pstar.ray._errors import ClusterError

#: Versions of Ray that are taken: from the first, below the second.
VERSIONS = ((2, 50), (3,))

#: Seconds in which a node must answer.
ANSWER = 120.0

INSTALL = "`pip install 'pstar-lab[ray]'`"


def ray_module() -> Any:
    """Ray, of a version that is taken."""
    try:
        ray = importlib.import_module("ray")
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise ClusterError(f"Ray is not installed: {INSTALL}") from None
    found = str(getattr(ray, "__version__", ""))
    numbers = tuple(int(part) for part in found.split(".")[:2] if part.isdigit())
    oldest, newest = VERSIONS
    if not oldest <= numbers < newest:
        raise ClusterError(f"Ray {found or 'of no version'} is installed, expected from 2.50 on, below 3: {INSTALL}")
    # Nodes may have another version of the package, or none.
    importlib.import_module("ray.cloudpickle").register_pickle_by_value(_node)
    return ray


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Ray, connected with a cluster; afterwards as before. A cluster is started where that is asked for alone."""
    ray = ray_module()
    if ray.is_initialized():
        if address is not None:
            raise ClusterError(
                f"this process is connected with a Ray cluster already, and not with {address!r} for certain: "
                "leave `address` out, or call `ray.shutdown()` first"
            )
        yield ray
        return
    chosen = address or os.environ.get("RAY_ADDRESS")
    if not chosen:
        raise ClusterError(
            "no Ray cluster was named: give its `address`, such as 'auto' or '10.0.0.1:6379', or RAY_ADDRESS; "
            "'local' starts one on this machine"
        )
    if chosen.startswith("ray://"):
        raise ClusterError(
            f"{chosen!r} is a client's address: run this on a machine of the cluster, which sees the run's directory, "
            "for example by `ray job submit`"
        )
    _knock(chosen)
    told_to_end = signal.getsignal(signal.SIGTERM)
    try:
        dashboard = False if chosen == "local" else None
        ray.init(address=chosen, log_to_driver=False, logging_level=logging.WARNING, include_dashboard=dashboard)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise ClusterError(f"no connection with the Ray cluster at {chosen!r}: {error}") from error
    try:
        # Ray's own handler ends the process too, in order; a caller's that knows better is put back.
        if threading.current_thread() is threading.main_thread() and callable(told_to_end):
            signal.signal(signal.SIGTERM, told_to_end)
        yield ray
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Refuses an address at which nobody answers: there Ray would end this process, after a minute."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(f"no connection with the Ray cluster at {address!r}: {error}") from None


@dataclass(frozen=True)
class Node:
    """A node that has what a worker takes."""

    id: str
    name: str
    #: Workers that it has room for.
    room: int


def nodes_for(ray: Any, demands: Mapping[str, float]) -> list[Node]:
    """The nodes with room for a worker that takes these resources each, whatever else runs there now."""
    found = []
    for node in ray.nodes():
        if not node["Alive"]:
            continue
        has = node["Resources"]
        room = min(int(has.get(name, 0.0) / amount) for name, amount in demands.items() if amount > 0)
        if room > 0:
            found.append(Node(node["NodeID"], name_of(node), room))
    return sorted(found, key=lambda node: node.name)


def name_of(node: Mapping[str, Any]) -> str:
    """What people call a node."""
    address = str(node["NodeManagerAddress"])
    name = str(node.get("NodeName") or address)
    if name == address:
        name = str(node.get("NodeManagerHostname") or address)
    return f"`{name}`" if name == address else f"`{name}` ({address})"


def check(ray: Any, nodes: list[Node], place: dict[str, str]) -> None:
    """Refuses a cluster with nodes that cannot work on a run, and names them."""
    if not nodes:
        # They are yet to join, and are asked by the workers that they get.
        return
    strategies = importlib.import_module("ray.util.scheduling_strategies")
    ask = ray.remote(_node.fault)
    asked = {}
    for node in nodes:
        there = strategies.NodeAffinitySchedulingStrategy(node.id, soft=False)
        asked[node] = ask.options(num_cpus=0, max_retries=1, scheduling_strategy=there).remote(place)
    answered, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=ANSWER)
    faults = {}
    for node, answer in asked.items():
        if answer not in answered:
            faults[node] = f"it does not answer within {ANSWER:.0f} s"
            ray.cancel(answer, force=True)
            continue
        try:
            found = ray.get(answer)
        except ray.exceptions.RayError as error:
            found = _node_words(error)
        if found is not None:
            faults[node] = found
    if faults:
        raise ClusterError(refusal({node.name: found for node, found in faults.items()}, len(nodes)))


def refusal(faults: Mapping[str, str], nodes: int) -> str:
    """What is said of nodes that cannot work on a run."""
    lines = [f"{len(faults)} of {nodes} nodes of the cluster cannot work on this run:"]
    lines += [f"  node {name}: {found}" for name, found in faults.items()]
    lines.append(
        "every node needs this version of pstar-lab, and must see the run's directory, of a shared file system, at the "
        "same path"
    )
    return "\n".join(lines)


def _node_words(error: Exception) -> str:
    """The last line of what Ray says, which is what happened."""
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__
