"""The admission policy of training jobs; `tests/cluster` asks a real API server about it."""

import copy

import pytest

from ocr_lib.jobs.kubernetes_api import GROUP, PLURAL
from ocr_lib.jobs.paddlejob import MANAGED_BY
from ocr_lib.jobs.resources import STAGE
from ocr_lib.storage.access_policy import secret_name
from tests.manifests.admission import Policy
from tests.manifests.overlays import MANIFESTS, OVERLAYS, Tree, build, one, overlay
from tests.manifests.training_jobs import (
    REFUSED,
    REFUSED_JOBS,
    full_paddlejob,
    paddlejob,
    pod_of,
    template_of,
)

NAME = "ocr-training-jobs"
LAUNCHER = "system:serviceaccount:kubeflow:ocr-launcher"
OPERATOR = "system:serviceaccount:kubeflow:training-operator"


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy(one(overlay("dev"), "ValidatingAdmissionPolicy", NAME))


@pytest.mark.parametrize("job", [paddlejob(), full_paddlejob()], ids=["plain", "full"])
def test_a_job_as_the_step_sends_it_and_its_pods_are_let_through(policy: Policy, job: Tree) -> None:
    assert policy.refusals(job, PLURAL, LAUNCHER) == []
    assert policy.refusals(pod_of(job), "pods", OPERATOR) == []


@pytest.mark.parametrize("name", list(REFUSED_JOBS))
def test_a_job_that_takes_more_is_refused(policy: Policy, name: str) -> None:
    job = paddlejob()
    REFUSED_JOBS[name].change(template_of(job))
    (message,) = policy.refusals(job, PLURAL, LAUNCHER)
    assert REFUSED_JOBS[name].message in message


@pytest.mark.parametrize("name", list(REFUSED))
def test_so_is_a_pod_of_one(policy: Policy, name: str) -> None:
    job = paddlejob()
    REFUSED[name].change(template_of(job))
    (message,) = policy.refusals(pod_of(job), "pods", OPERATOR)
    assert REFUSED[name].message in message


def test_a_second_replica_of_another_role_is_looked_at_too(policy: Policy) -> None:
    job = paddlejob()
    replicas = job["spec"]["paddleReplicaSpecs"]
    replicas["Master"] = copy.deepcopy(replicas["Worker"])
    assert policy.refusals(job, PLURAL, LAUNCHER) == []
    REFUSED["a folder of the node"].change(replicas["Master"]["template"])
    assert len(policy.refusals(job, PLURAL, LAUNCHER)) == 1


def test_it_is_about_jobs_of_the_launcher_and_about_pods_with_the_label(policy: Policy) -> None:
    job = paddlejob()
    assert policy.matches(job, PLURAL, LAUNCHER)
    for user in ("kubernetes-admin", OPERATOR, f"{LAUNCHER}-2", f"x:{LAUNCHER}"):
        assert not policy.matches(job, PLURAL, user)
    pod = pod_of(job)
    assert policy.matches(pod, "pods", OPERATOR)
    assert MANAGED_BY.items() <= pod["metadata"]["labels"].items()
    del pod["metadata"]["labels"]["app.kubernetes.io/managed-by"]
    assert not policy.matches(pod, "pods", OPERATOR)
    del pod["metadata"]["labels"]
    assert not policy.matches(pod, "pods", OPERATOR)


def test_the_launcher_starts_no_other_kind_of_job(policy: Policy) -> None:
    (message,) = policy.refusals({"metadata": {}, "spec": {}}, "trainjobs", LAUNCHER)
    assert "as PaddleJobs only" in message


def test_what_the_lists_name_is_let_through() -> None:
    policy = copy.deepcopy(one(overlay("dev"), "ValidatingAdmissionPolicy", NAME))
    lists = {
        "registries": "['ocr-pipelines', 'registry.example/other']",
        "volumeClaims": "['data-seaweedfs-0']",
        "serviceAccounts": "['ocr-pipeline']",
    }
    for variable in policy["spec"]["variables"]:
        variable["expression"] = lists.get(variable["name"], variable["expression"])
    for name in ("an image from elsewhere", "the volume of the object store", "another account"):
        job = paddlejob()
        REFUSED[name].change(template_of(job))
        assert Policy(policy).refusals(job, PLURAL, LAUNCHER) == [], name


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_namespace_of_steps_brings_policy_and_binding(name: str) -> None:
    whole = one(build(MANIFESTS / "steps"), "ValidatingAdmissionPolicy", NAME)["spec"]
    for objects in (overlay(name), build(MANIFESTS / "kubeflow" / name)):
        policy = one(objects, "ValidatingAdmissionPolicy", NAME)["spec"]
        assert policy == whole  # the cluster has one, whichever was applied last
        assert policy["failurePolicy"] == "Fail"
        rules = policy["matchConstraints"]["resourceRules"]
        assert (GROUP, PLURAL) in {(rule["apiGroups"][0], rule["resources"][0]) for rule in rules}
        assert all(rule["operations"] == ["CREATE", "UPDATE"] for rule in rules)
        binding = one(objects, "ValidatingAdmissionPolicyBinding", NAME)["spec"]
        assert binding["validationActions"] == ["Deny"]
        assert "matchResources" not in binding


def test_the_key_that_it_lets_through_is_that_of_training() -> None:
    policy = one(overlay("dev"), "ValidatingAdmissionPolicy", NAME)
    text = str(policy["spec"]["validations"])
    assert secret_name(STAGE) in text
