"""The PaddleJob that is sent; after a change that is meant:
`python -m tests.ocr_lib.jobs.test_paddlejob > tests/ocr_lib/jobs/paddlejob.yaml`.
"""

import gzip
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.jobs.paddlejob import (
    ANNOTATION_DIGEST,
    MAX_NAME,
    JobSpec,
    Pods,
    build_paddlejob,
    job_name,
    run_label,
)
from tests.ocr_lib.jobs.specs import RUN, full, plain

GOLDEN = Path(__file__).with_name("paddlejob.yaml")
# The operator's openAPIV3Schema of kubeflow.org_paddlejobs (training-operator v1.8.1, Apache-2.0),
# without its descriptions.
SCHEMA = Path(__file__).with_name("paddlejob-crd-v1.8.1.json.gz")


def dump() -> str:
    jobs = [build_paddlejob(plain()), build_paddlejob(full())]
    return yaml.safe_dump_all(jobs, sort_keys=False, width=100)


def pod_of(spec: JobSpec) -> dict[str, Any]:
    template = build_paddlejob(spec)["spec"]["paddleReplicaSpecs"]["Worker"]["template"]
    pod: dict[str, Any] = template["spec"]
    return pod


def closed(schema: Any) -> Any:
    """Refuses unknown keys where the schema lists them, as the API server's strict mode does."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        schema["additionalProperties"] = False
    return schema


def test_the_jobs_are_the_golden_ones() -> None:
    assert dump() == GOLDEN.read_text("utf-8")


@pytest.mark.parametrize("spec", [plain(), full()], ids=["plain", "full"])
def test_the_operators_schema_accepts_it(spec: JobSpec) -> None:
    schema = json.loads(gzip.decompress(SCHEMA.read_bytes()))
    schema["properties"]["metadata"] = {"type": "object", "additionalProperties": True}
    template = schema["properties"]["spec"]["properties"]["paddleReplicaSpecs"][
        "additionalProperties"
    ]["properties"]["template"]["properties"]
    template["metadata"] = {"type": "object", "additionalProperties": True}
    checker = jsonschema.Draft202012Validator(closed(schema))
    assert [error.message for error in checker.iter_errors(build_paddlejob(spec))] == []


@pytest.mark.parametrize("spec", [plain(), full()], ids=["plain", "full"])
def test_kubernetes_schema_accepts_its_pods(spec: JobSpec) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": pod_of(spec)}
    kubernetes_validate.validate(pod, "1.34", strict=True)


@pytest.mark.parametrize("spec", [plain(), full()], ids=["plain", "full"])
def test_pods_are_restricted(spec: JobSpec) -> None:
    pod = pod_of(spec)
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(set(volume) & {"emptyDir"} for volume in pod["volumes"])


def test_a_deadline_is_always_set() -> None:
    policy = build_paddlejob(plain())["spec"]["runPolicy"]
    assert policy["activeDeadlineSeconds"] == 168 * 3600
    assert policy["ttlSecondsAfterFinished"] > 0
    assert policy["backoffLimit"] > 0


def test_secrets_are_named_not_written() -> None:
    secret = [e for e in pod_of(full())["containers"][0]["env"] if "SECRET" in e["name"]]
    assert [set(item) for item in secret] == [{"name", "valueFrom"}]


def test_gpus_of_a_worker_are_its_ranks() -> None:
    gpus = {"limits": {"nvidia.com/gpu": "8", "rdma/hca": "1", "memory": "1Gi"}}
    assert Pods(resources=gpus).devices == 8
    assert Pods().devices == 1


def test_the_digest_is_of_the_job_not_of_the_attempt() -> None:
    def digest(spec: JobSpec) -> str:
        return str(build_paddlejob(spec)["metadata"]["annotations"][ANNOTATION_DIGEST])

    assert digest(full()) == digest(replace(full(), attempt=5))
    assert digest(full()) != digest(replace(full(), workers=5))
    assert digest(full()) != digest(replace(full(), image="other"))


@given(st.text(min_size=1, max_size=80))
def test_names_are_labels_that_the_operator_takes(run: str) -> None:
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", job_name(run))
    assert len(job_name(run)) <= MAX_NAME
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", run_label(run))


def test_the_name_tells_runs_apart() -> None:
    assert job_name(RUN) == f"ocr-train-{RUN}"
    assert len({job_name(run) for run in ("a/b", "a-b", "A-b", "a_b", "a" * 60, "a" * 61)}) == 6


if __name__ == "__main__":
    sys.stdout.write(dump())
