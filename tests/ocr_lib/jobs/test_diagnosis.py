import json

import pytest

from ocr_lib.jobs.diagnosis import FINAL, FIXES, WAITING, read_events, read_pods
from tests.ocr_lib.jobs.cluster_objects import Tree, container, ended, pod

UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
}
DISRUPTED = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "EvictionByEvictionAPI",
    "message": "Eviction API: evicting",
}


def said(kind: str, cause: str) -> str:
    return json.dumps({"kind": kind, "cause": cause})


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        ({"phase": "Pending", "conditions": [UNSCHEDULABLE]}, "unschedulable", "3 Insufficient"),
        (
            {"containerStatuses": container(state={"waiting": {"reason": "ImagePullBackOff"}})},
            "image",
            "image ocr/train:1 cannot be pulled",
        ),
        (
            {
                "containerStatuses": container(
                    state={
                        "waiting": {
                            "reason": "CreateContainerConfigError",
                            "message": 'secret "x" not found',
                        }
                    }
                )
            },
            "start",
            'secret "x" not found',
        ),
        (
            {"containerStatuses": container(1, lastState=ended(137, reason="OOMKilled"))},
            "oom",
            "more memory than its limit",
        ),
        (
            {"containerStatuses": container(state=ended(2, said("data", "a.yml:3: no.")))},
            "data",
            "a.yml:3: no. Then run",
        ),
        (
            {"containerStatuses": container(1, lastState=ended(1, said("nonfinite", "loss nan")))},
            "nonfinite",
            "loss nan",
        ),
        (
            {"containerStatuses": container(1, lastState=ended(250, "one\nlast words\n"))},
            "crash",
            "exit code 250: last words",
        ),
        ({"conditions": [DISRUPTED]}, "evicted", "EvictionByEvictionAPI"),
        (
            {"phase": "Failed", "reason": "Evicted", "message": "low on memory"},
            "evicted",
            "evicted by its node (low on memory)",
        ),
    ],
)
def test_it_is_said_in_plain_words(status: Tree, kind: str, words: str) -> None:
    (finding,) = read_pods([pod(1, **status)])
    assert finding.kind == kind
    assert words in str(finding)
    assert str(finding).startswith("worker-1: ")


@pytest.mark.parametrize(
    "status",
    [
        {"phase": "Running", "containerStatuses": container(state={"running": {}})},
        {"phase": "Pending"},
        {"phase": "Succeeded", "containerStatuses": container(state=ended(0))},
        {
            "phase": "Pending",
            "containerStatuses": container(state={"waiting": {"reason": "ContainerCreating"}}),
        },
    ],
)
def test_what_is_well_is_passed_over(status: Tree) -> None:
    assert read_pods([pod(**status)]) == []


def test_words_of_somebody_else_do_not_count() -> None:
    for message in ('{"kind": "magic", "cause": "x"}', '{"kind": "data"}', "[]", '"data"'):
        (finding,) = read_pods([pod(containerStatuses=container(state=ended(1, message)))])
        assert finding.kind == "crash"


def test_refused_pods_are_in_the_events() -> None:
    refused = {
        "reason": "FailedCreatePod",
        "message": 'pods "a" is forbidden: violates PodSecurity "restricted:latest"',
    }
    normal = {"reason": "SuccessfulCreatePod", "message": "Created pod: a"}
    (finding,) = read_events([normal, refused])
    assert finding.kind == "refused"
    assert "violates PodSecurity" in str(finding)
    assert read_events([normal]) == []


def test_every_kind_has_a_next_step() -> None:
    assert set(FIXES) >= FINAL | WAITING
