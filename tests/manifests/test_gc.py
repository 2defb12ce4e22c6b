"""Garbage collection as a CronJob: the policy that it mounts, and what it runs."""

from pathlib import Path

import pytest
import yaml

from ocr_lib.registry.retention import RetentionPolicy, load_policy
from ocr_lib.storage.access_policy import secret_name
from tests.manifests.overlays import OVERLAYS, Tree, containers, one, overlay


def cron_job(name: str) -> Tree:
    job: Tree = one(overlay(name), "CronJob", "ocr-gc")["spec"]
    return job


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_policy_is_the_default_one_with_every_key(name: str, tmp_path: Path) -> None:
    text = one(overlay(name), "ConfigMap", "ocr-retention")["data"]["retention.yml"]
    (tmp_path / "retention.yml").write_text(text)
    assert load_policy(tmp_path / "retention.yml") == RetentionPolicy()
    assert list(yaml.safe_load(text)) == list(yaml.safe_load(RetentionPolicy().to_yaml()))


@pytest.mark.parametrize("name", OVERLAYS)
def test_it_deletes_by_that_policy_with_a_key_of_its_own(name: str) -> None:
    job = cron_job(name)
    assert not job.get("suspend")
    assert job["concurrencyPolicy"] == "Forbid"
    pod = job["jobTemplate"]["spec"]["template"]
    (container,) = containers(pod)
    assert "--delete" in container["command"]
    (mount,) = [one for one in container["volumeMounts"] if one["name"] == "policy"]
    assert f"--policy={mount['mountPath']}/retention.yml" in container["command"]
    secrets = {
        one["valueFrom"]["secretKeyRef"]["name"]
        for one in container["env"]
        if "secretKeyRef" in one["valueFrom"]
    }
    assert secrets == {secret_name("gc")}
