"""The admission policy on a real API server; nothing but the API server is asked, by dry runs.

It needs no training operator: where the cluster does not know PaddleJobs, their definition is added
and removed again.
"""

import gzip
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocr_lib.jobs.resources import TOKEN_SECRET
from tests.cluster.harness import until
from tests.manifests.overlays import MANIFESTS, build
from tests.manifests.training_jobs import (
    REFUSED,
    REFUSED_JOBS,
    Refused,
    full_paddlejob,
    paddlejob,
    pod_of,
    template_of,
)
from tests.ocr_lib.jobs.test_paddlejob import SCHEMA

pytestmark = pytest.mark.cluster
Tree = dict[str, Any]
POLICY = "ocr-training-jobs"
RIGHTS = ("ServiceAccount", "Role", "RoleBinding")
EFFECTIVE_S = 60.0


def kubectl(*arguments: str, content: Tree | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["kubectl", *arguments],
        input=json.dumps(content) if content else None,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def done(*arguments: str, content: Tree | None = None) -> None:
    run = kubectl(*arguments, content=content)
    assert run.returncode == 0, f"kubectl {' '.join(arguments)}: {run.stderr}"


@pytest.fixture(scope="module")
def space() -> Iterator[str]:
    """Makes a namespace with the policy, and yields its name once the policy is in force."""
    if not os.environ.get("KUBECONFIG") or not shutil.which("kubectl"):
        pytest.skip("no cluster: set KUBECONFIG, and put kubectl on the PATH")
    name = f"ocr-test-{secrets.token_hex(3)}"
    defined = not kubectl("get", "crd", "paddlejobs.kubeflow.org").returncode
    installed = not kubectl("get", "validatingadmissionpolicy", POLICY).returncode
    try:
        if not defined:
            done("create", "-f", "-", content=definition())
            known = ("get", "paddlejobs.kubeflow.org", "-n", "default")
            until(lambda: not kubectl(*known).returncode, EFFECTIVE_S, "PaddleJobs to be known")
        done("create", "namespace", name)
        for account in ("default", "ocr-pipeline"):  # the first one may be there already
            kubectl("create", "serviceaccount", account, "-n", name)
        for item in build(MANIFESTS / "steps"):
            if item["metadata"]["name"] == POLICY:
                done("apply", "--server-side", "-f", "-", content=item)
            if item["kind"] in RIGHTS:
                for subject in item.get("subjects", ()):
                    subject = {**subject, "namespace": name}
                    item = {**item, "subjects": [subject]}
                done("apply", "--server-side", "-n", name, "-f", "-", content=item)
        case = REFUSED["the node's network"]
        until(
            lambda: case.message in answer(name, changed(case))[1],
            EFFECTIVE_S,
            "a policy that is in force",
        )
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false")
        if not installed:
            kubectl("delete", "validatingadmissionpolicybinding", POLICY)
            kubectl("delete", "validatingadmissionpolicy", POLICY)
        if not defined:
            kubectl("delete", "crd", "paddlejobs.kubeflow.org")


def definition() -> Tree:
    """Returns the definition of PaddleJobs, with the operator's own schema."""
    schema = json.loads(gzip.decompress(Path(SCHEMA).read_bytes()))
    version = {"name": "v1", "served": True, "storage": True}
    names = {"kind": "PaddleJob", "plural": "paddlejobs", "singular": "paddlejob"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "paddlejobs.kubeflow.org"},
        "spec": {
            "group": "kubeflow.org",
            "scope": "Namespaced",
            "names": names,
            "versions": [{**version, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def answer(space: str, content: Tree, account: str = "ocr-launcher") -> tuple[int, str]:
    """Sends an object as an account of the namespace, which needs rights for a dry run too."""
    as_account = f"--as=system:serviceaccount:{space}:{account}"
    groups = ("--as-group=system:masters", "--as-group=system:serviceaccounts")
    run = kubectl(
        *("create", "--dry-run=server", "--validate=ignore", "-n", space, "-f", "-"),
        *(as_account, *groups),
        content=content,
    )
    return run.returncode, run.stderr


def changed(case: Refused) -> Tree:
    job = paddlejob()
    case.change(template_of(job))
    return job


@pytest.mark.parametrize("job", [paddlejob(), full_paddlejob()], ids=["plain", "full"])
def test_a_job_as_the_step_sends_it_and_its_pods_are_let_through(space: str, job: Tree) -> None:
    assert answer(space, job) == (0, "")
    assert answer(space, pod_of(job), "training-operator")[0] == 0


@pytest.mark.parametrize("name", list(REFUSED_JOBS))
def test_a_job_that_takes_more_is_refused_and_told_why(space: str, name: str) -> None:
    code, said = answer(space, changed(REFUSED_JOBS[name]))
    assert code
    assert "ValidatingAdmissionPolicy 'ocr-training-jobs'" in said
    assert REFUSED_JOBS[name].message in said


@pytest.mark.parametrize("name", list(REFUSED))
def test_so_is_a_pod_of_one_as_any_account(space: str, name: str) -> None:
    code, said = answer(space, pod_of(changed(REFUSED[name])), "training-operator")
    assert code
    if "former name" not in name:  # the server fills in the present one
        assert REFUSED[name].message in said


def test_what_others_train_is_none_of_its_business(space: str) -> None:
    job = changed(REFUSED["an image from elsewhere"])
    assert answer(space, job, "another") == (0, "")
    pod = pod_of(job)
    del pod["metadata"]["labels"]
    assert answer(space, pod, "training-operator")[0] == 0


@pytest.mark.parametrize(
    ("account", "verb", "resource", "may"),
    [
        ("ocr-launcher", "create", "paddlejobs.kubeflow.org", True),
        ("ocr-launcher", "delete", "paddlejobs.kubeflow.org", True),
        ("ocr-launcher", "get", "secrets/ocr-store-deploy", False),
        ("ocr-launcher", "create", "pods", False),
        ("ocr-pipeline", "get", "secrets/ocr-store-kfp", True),
        ("ocr-pipeline", "create", "paddlejobs.kubeflow.org", False),
        ("ocr-pipeline", "delete", "paddlejobs.kubeflow.org", False),
        ("ocr-pipeline", "get", f"secrets/{TOKEN_SECRET}", False),
        ("ocr-pipeline", "create", "serviceaccounts/ocr-launcher/token", False),
    ],
)
def test_the_right_on_jobs_is_the_launcher_s_alone(
    space: str, account: str, verb: str, resource: str, may: bool
) -> None:
    who = f"--as=system:serviceaccount:{space}:{account}"
    run = kubectl("auth", "can-i", verb, resource, "-n", space, who)
    assert run.stdout.strip() == ("yes" if may else "no"), run.stderr


def test_the_token_of_the_launcher_is_made_by_the_cluster(space: str) -> None:
    items = {item["kind"]: item for item in build(MANIFESTS / "steps") if is_launcher_s(item)}
    done("create", "--dry-run=server", "-n", space, "-f", "-", content=items["Secret"])


def is_launcher_s(item: Tree) -> bool:
    return item["metadata"]["name"] in (TOKEN_SECRET, "ocr-launcher")
