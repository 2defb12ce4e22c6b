"""Pods that are not in the manifests: a training job's workers, and what the check itself finds."""

from copy import deepcopy

import pytest
import yaml

from ocr_lib.jobs.paddlejob import build_paddlejob
from pipelines import placement
from tests.manifests.overlays import MANIFESTS, Tree, one, overlay
from tests.manifests.pod_security import violations
from tests.ocr_lib.jobs.specs import full, plain


@pytest.mark.parametrize("spec", [plain(), full()], ids=["plain", "full"])
def test_workers_of_a_training_job_are_restricted(spec: object) -> None:
    job = build_paddlejob(spec)  # type: ignore[arg-type]
    worker = job["spec"]["paddleReplicaSpecs"]["Worker"]["template"]["spec"]
    assert not violations(worker)


@pytest.mark.parametrize(
    "change",
    [
        {"securityContext": {}},
        {"hostNetwork": True},
        {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
        {"containers": [{"name": "bare", "image": "x:1"}]},
    ],
)
def test_the_check_finds_what_restricted_refuses(change: Tree) -> None:
    pod = deepcopy(one(overlay("dev"), "Deployment", "triton")["spec"]["template"]["spec"])
    assert violations(pod | change)


def test_the_kind_cluster_has_the_pools_of_the_placement_table() -> None:
    cluster = yaml.safe_load((MANIFESTS / "kind.yaml").read_text())
    pools = set()
    for node in cluster["nodes"]:
        pool = node.get("labels", {}).get(placement.POOL_LABEL)
        if pool is None:
            continue
        pools.add(pool)
        joined = yaml.safe_load(node["kubeadmConfigPatches"][0])
        (taint,) = joined["nodeRegistration"]["taints"]
        assert taint == {"key": placement.POOL_LABEL, "value": pool, "effect": "NoSchedule"}
    assert pools == {step.pool for step in placement.STEPS.values()}
