"""The placement for one node fits that node, next to what has to run there anyway."""

from collections.abc import Mapping
from typing import Any

import pytest

from pipelines.placement import STEPS
from tests.manifests.overlays import Tree, amount_of, containers, one, overlay, pods

Amounts = dict[str, float]
PLACEMENT = "one-node"
OVERLAYS = ("dev", "dev-minio", "dev-tls")


def amounts(cpu: str, memory: str) -> Amounts:
    return {"cpu": amount_of(cpu), "memory": amount_of(memory)}


NODE = amounts("2", "8Gi")
OTHERS = {
    # API server 250m, controller manager 200m, scheduler 100m, etcd 100m and 100Mi, two CoreDNS of
    # 100m and 70Mi, kindnet 100m and 50Mi
    "kind": amounts("950m", "290Mi"),
    # The manifests `env/platform-agnostic` of 2.17: API server 250m and 500Mi, persistence agent
    # 120m and 500Mi, workflow controller 100m and 500Mi, MySQL 100m and 800Mi, SeaweedFS 64m and
    # 256Mi, visualisation 30m and 500Mi, four more of 10m and 118Mi in all
    "Kubeflow Pipelines": amounts("704m", "3174Mi"),
}
# Of the pods that Kubeflow makes for a step: the driver, and the step's init container.
DRIVER = amounts("100m", "64Mi")
LAUNCHER = amounts("100m", "256Mi")
NOTHING = amounts("0", "0")


def total(*parts: Mapping[str, float]) -> Amounts:
    return {key: sum(part[key] for part in parts) for key in NODE}


def requests(container: Tree) -> Amounts:
    return amounts(**container["resources"]["requests"])


def free(name: str) -> Amounts:
    """Returns what a node has left for a run while an overlay's own pods run, the reaper's too."""
    objects = overlay(name)
    own = []
    for owner, pod in pods(objects):
        kind, item = owner.split()
        replicas = one(objects, kind, item)["spec"].get("replicas", 1)
        if item != "store-setup":  # it has ended
            own += replicas * [requests(container) for container in containers(pod)]
    taken = total(*OTHERS.values(), *own)
    return {key: NODE[key] - taken[key] for key in NODE}


def pod_of(name: str, main: Amounts | None) -> Amounts:
    """Returns what a step's pod asks for; Kubernetes fills in what a container leaves open."""
    default = amounts(
        **one(overlay(name), "LimitRange", "ocr")["spec"]["limits"][0]["defaultRequest"]
    )
    running = total(main or default, default)  # with Argo's executor
    return {key: max(LAUNCHER[key], running[key]) for key in NODE}


def fits(asked: Amounts, room: Amounts) -> bool:
    return all(asked[key] <= room[key] for key in NODE)


@pytest.mark.parametrize("name", OVERLAYS)
@pytest.mark.parametrize("task", list(STEPS))
def test_every_step_starts_and_may_use_no_more_memory_than_there_is(name: str, task: str) -> None:
    row, room = STEPS[task].resources(PLACEMENT), free(name)
    assert fits(DRIVER, room)
    assert fits(pod_of(name, amounts(row.cpu, row.memory)), room)
    assert amount_of(row.memory) <= amount_of(row.memory_limit) <= room["memory"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_training_and_the_step_that_watches_it_run_at_once(name: str) -> None:
    row = STEPS["train"].resources(PLACEMENT)
    assert fits(total(pod_of(name, None), amounts(row.cpu, row.memory)), free(name))


def test_the_check_sees_what_does_not_fit() -> None:
    room = free("dev")
    for task in ("pack-lmdb", "train", "predict"):
        row: Any = STEPS[task].resources("pools")
        assert not fits(amounts(row.cpu, row.memory), room)
