import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from ocr_lib.storage.access_policy import ACCESS, secret_name
from ocr_lib.storage.secrets import TRITON_SECRET
from ocr_lib.storage.store import Store
from pipelines.cli.main import main
from pipelines.placement import STEPS


def test_secrets_are_what_kubectl_creates(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "secrets", "--kind", "minio"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["kind"] == "List"
    names = {item["metadata"]["name"] for item in printed["items"]}
    assert names == {*(f"ocr-store-{stage}" for stage in (*ACCESS, "admin")), "ocr-triton-admin"}


def test_secrets_of_several_namespaces_have_the_same_keys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    where = ["--namespace", "ocr-dev", "--steps-namespace", "kubeflow", "--steps-namespace", "team"]
    assert main(["store", "secrets", *where]) == 0
    found: dict[str, dict[str, dict[str, str]]] = {}
    for item in json.loads(capsys.readouterr().out)["items"]:
        space = found.setdefault(item["metadata"]["namespace"], {})
        space[item["metadata"]["name"]] = item["stringData"]
    installation = found.pop("ocr-dev")
    assert {"ocr-store-admin", "ocr-store-serve", "seaweedfs-identities"} <= set(installation)
    assert set(found) == {"kubeflow", "team"}
    steps = {secret_name(step.key) for step in STEPS.values()}
    for space in found.values():
        assert set(space) == {*steps, secret_name("kfp"), TRITON_SECRET}
        assert space.items() <= installation.items()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps-namespace", "kubeflow"], "--steps-namespace: needs --namespace"),
        (["--namespace", "a", "--steps-namespace", "a"], "named twice"),
        (["--namespace", "A b"], "no name of a namespace"),
    ],
)
def test_namespaces_that_make_no_sense_are_refused(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", "secrets", *options]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert not shown.out


def test_secrets_are_not_shown_on_a_terminal() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pipelines.cli.main", "store", "secrets"]
    run = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, timeout=240, check=False)
    os.close(theirs)
    os.close(ours)
    assert run.returncode == 2
    assert b"kubectl" in run.stderr


def test_a_policy_is_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "policy", "train", "--bucket", "lines"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["Version"] == "2012-10-17"
    assert "arn:aws:s3:::lines/runs/*" in json.dumps(document)


def test_setup_makes_bucket_and_model_repository_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCR_S3_BUCKET", "fresh")
    for _ in range(2):
        assert main(["store", "setup"]) == 0
        assert "fresh/triton is ready" in capsys.readouterr().out
    assert Store.from_env().exists("triton/README")


def test_a_store_that_is_no_minio_gives_out_no_keys(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stage in ACCESS:
        (tmp_path / stage).mkdir()
        for name in ("accesskey", "secretkey"):
            (tmp_path / stage / name).write_text(stage)
    assert main(["store", "setup", "--minio-keys", str(tmp_path)]) == 1
    assert "is MinIO" in capsys.readouterr().err
