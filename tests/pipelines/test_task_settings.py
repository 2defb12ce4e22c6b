"""Every pod of the package: as whom, with which secrets, for how long."""

from pathlib import Path

import pytest
import yaml

from ocr_lib.jobs.resources import TOKEN_SECRET
from ocr_lib.settings import Settings
from ocr_lib.storage.access_policy import ACCESS, secret_name
from ocr_lib.storage.pod_env import (
    CA_CONFIG_MAP,
    CA_FOLDER,
    STORE_CONFIG_KEYS,
    TRITON_CLIENT_FOLDER,
    TRITON_CLIENT_SECRET,
    TRITON_CONFIG_KEYS,
    TRITON_CONFIG_MAP,
)
from ocr_lib.storage.secrets import TRITON_SECRET
from pipelines.compile import MAX_COMPONENT_BYTES
from pipelines.placement import POOL_LABEL, STEPS, PlacementName
from pipelines.task_settings import USER_ID
from tests.pipelines.trees import Tree

DAY_S = 24 * 3600


@pytest.mark.parametrize("step", list(STEPS))
def test_a_pod_is_no_root_and_stays_in_its_pool_where_there_are_any(
    pods: dict[str, Tree], placement: PlacementName, step: str
) -> None:
    pod, pool = pods[step], STEPS[step].pool
    assert pod["securityContext"] == {
        "runAsUser": str(USER_ID),
        "runAsGroup": str(USER_ID),
        "runAsNonRoot": True,
    }
    if placement == "one-node":
        assert not {"nodeSelector", "tolerations"} & set(pod)
        return
    assert pod["nodeSelector"]["labels"] == {POOL_LABEL: pool}
    toleration = {"key": POOL_LABEL, "operator": "Equal", "value": pool, "effect": "NoSchedule"}
    assert pod["tolerations"] == [toleration]


@pytest.mark.parametrize("step", list(STEPS))
def test_a_pod_ends_in_time(pods: dict[str, Tree], step: str) -> None:
    assert 0 < int(pods[step]["activeDeadlineSeconds"]) <= 7 * DAY_S


@pytest.mark.parametrize("step", list(STEPS))
def test_secrets_are_references_to_the_key_of_the_step(
    documents: list[Tree], pods: dict[str, Tree], step: str
) -> None:
    assert STEPS[step].key in ACCESS
    given = {
        entry["envVar"]: secret["secretName"]
        for secret in pods[step]["secretAsEnv"]
        for entry in secret["keyToEnv"]
    }
    store = secret_name(STEPS[step].key)
    expected = {"AWS_ACCESS_KEY_ID": store, "AWS_SECRET_ACCESS_KEY": store}
    if step == "deploy":  # the only step that changes what the servers serve
        expected["OCR_TRITON_ADMIN_KEY"] = TRITON_SECRET
    assert given == expected


@pytest.mark.parametrize("step", list(STEPS))
def test_a_step_mounts_the_secrets_of_what_it_does_alone(pods: dict[str, Tree], step: str) -> None:
    """The token that starts jobs, and the certificate that the servers may ask for."""
    mounted = [
        (item["secretName"], item["mountPath"], item["optional"])
        for item in pods[step].get("secretAsVolume", ())
    ]
    folder = str(Path(Settings().kubernetes_token_file).parent)
    expected = {
        "train": [(TOKEN_SECRET, folder, True)],
        "clean-up": [(TOKEN_SECRET, folder, True)],
        "deploy": [(TRITON_CLIENT_SECRET, TRITON_CLIENT_FOLDER, True)],
    }
    assert mounted == expected.get(step, [])


@pytest.mark.parametrize("step", list(STEPS))
def test_the_certificates_to_trust_are_there_where_the_namespace_has_them(
    pods: dict[str, Tree], step: str
) -> None:
    (volume,) = pods[step]["configMapAsVolume"]
    assert (volume["configMapName"], volume["mountPath"]) == (CA_CONFIG_MAP, CA_FOLDER)
    assert volume["optional"] is True
    store, *_ = pods[step]["configMapAsEnv"]
    assert {item["envVar"] for item in store["keyToEnv"]} == set(STORE_CONFIG_KEYS.values())
    assert "OCR_CA_FILE" in STORE_CONFIG_KEYS.values()


@pytest.mark.parametrize("step", list(STEPS))
def test_the_step_that_asks_the_servers_knows_how_to_reach_them(
    pods: dict[str, Tree], step: str
) -> None:
    """Where the namespace says so: without the ConfigMap they are reached without TLS."""
    _, *others = pods[step]["configMapAsEnv"]
    if step != "deploy":
        assert not others
        return
    (triton,) = others
    assert (triton["configMapName"], triton["optional"]) == (TRITON_CONFIG_MAP, True)
    assert {i["configMapKey"]: i["envVar"] for i in triton["keyToEnv"]} == TRITON_CONFIG_KEYS


@pytest.mark.parametrize("step", list(STEPS))
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
