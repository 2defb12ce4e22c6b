"""Every pod of the package: where it runs, as whom, with which secrets, for how long."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.shared.access import ACCESS, secret_name
from components.shared.store_secrets import TRITON_SECRET
from pipelines.compile import MAX_COMPONENT_BYTES, compile_pipeline
from pipelines.placement import PLACEMENTS, POOL_LABEL, USER_ID

Tree = dict[str, Any]
STEPS = list(PLACEMENTS)
DAY_S = 24 * 3600


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[Tree]:
    path = tmp_path_factory.mktemp("package") / "package.yaml"
    compile_pipeline(path)
    return list(yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader))


@pytest.fixture(scope="module")
def containers(documents: list[Tree]) -> dict[str, Tree]:
    executors = documents[0]["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): value["container"] for name, value in executors.items()}


@pytest.fixture(scope="module")
def pods(documents: list[Tree]) -> dict[str, Tree]:
    executors = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): value for name, value in executors.items()}


def test_every_step_has_a_place_and_no_other_pod_runs(
    pods: dict[str, Tree], containers: dict[str, Tree]
) -> None:
    assert set(pods) == set(containers) == set(STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_a_pod_is_no_root_and_stays_in_its_pool(pods: dict[str, Tree], step: str) -> None:
    pod, place = pods[step], PLACEMENTS[step]
    assert pod["securityContext"] == {
        "runAsUser": str(USER_ID),
        "runAsGroup": str(USER_ID),
        "runAsNonRoot": True,
    }
    assert pod["nodeSelector"]["labels"] == {POOL_LABEL: place.pool}
    toleration = {
        "key": POOL_LABEL,
        "operator": "Equal",
        "value": place.pool,
        "effect": "NoSchedule",
    }
    assert pod["tolerations"] == [toleration]


@pytest.mark.parametrize("step", STEPS)
def test_a_pod_ends_in_time(pods: dict[str, Tree], step: str) -> None:
    assert 0 < int(pods[step]["activeDeadlineSeconds"]) <= 7 * DAY_S


@pytest.mark.parametrize("step", STEPS)
def test_secrets_are_references_to_the_key_of_the_step(
    documents: list[Tree], pods: dict[str, Tree], step: str
) -> None:
    assert PLACEMENTS[step].key in ACCESS
    given = {
        entry["envVar"]: secret["secretName"]
        for secret in pods[step]["secretAsEnv"]
        for entry in secret["keyToEnv"]
    }
    store = secret_name(PLACEMENTS[step].key)
    expected = {"AWS_ACCESS_KEY_ID": store, "AWS_SECRET_ACCESS_KEY": store}
    if step == "deploy":  # the only step that changes what the servers serve
        expected["OCR_TRITON_ADMIN_KEY"] = TRITON_SECRET
    assert given == expected


@pytest.mark.parametrize("step", STEPS)
def test_a_container_asks_for_what_it_needs(containers: dict[str, Tree], step: str) -> None:
    resources = containers[step]["resources"]
    assert resources["resourceCpuRequest"] == PLACEMENTS[step].cpu
    assert resources["resourceMemoryRequest"] == resources["resourceMemoryLimit"]
    devices = resources.get("accelerator", {}).get("resourceCount", "0")
    assert int(devices) == PLACEMENTS[step].accelerators


@pytest.mark.parametrize("step", STEPS)
def test_a_container_carries_little_code_and_no_secret(
    containers: dict[str, Tree], step: str
) -> None:
    container = containers[step]
    text = "".join(container["command"] + container["args"])
    assert len(text.encode()) < MAX_COMPONENT_BYTES / 10
    assert "pip install" not in text
    assert not container.get("env")


def test_no_pod_asks_for_the_host(documents: list[Tree]) -> None:
    text = yaml.safe_dump(documents[1])
    for word in ("hostPath", "hostNetwork", "privileged", "capabilities"):
        assert word not in text


@pytest.mark.parametrize(
    ("options", "variables"), [(["--train-accelerators", "0"], {}), ([], {"OCR_ACCELERATOR": ""})]
)
def test_a_cluster_without_devices_is_asked_for_none(
    options: list[str], variables: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "package.yaml"
    command = ["-m", "pipelines.cli", "pipeline", "compile", "--out", str(out), *options]
    environment = {**os.environ, **variables}
    subprocess.run([sys.executable, *command], check=True, timeout=240, env=environment)
    assert "accelerator" not in out.read_text("utf-8")
