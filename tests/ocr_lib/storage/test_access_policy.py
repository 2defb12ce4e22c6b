import fnmatch
import json
import re
from pathlib import Path

import pytest

from ocr_lib.serving.client import ServedRecognition
from ocr_lib.serving.feedback.export import read_corrections, write_data_set
from ocr_lib.serving.feedback.recorder import FeedbackRecorder
from ocr_lib.serving.feedback.samples import FeedbackStore
from ocr_lib.storage.access_policy import ACCESS, policy, seaweedfs_config, secret_name
from ocr_lib.storage.s3 import RefusedError
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.secrets import new_secrets
from ocr_lib.storage.store import Store
from pipelines.placement import REOPEN, STEPS
from tests.ocr_lib.serving.tiny_bundle import line_image
from tests.ocr_lib.storage import policy_server


def allowed(stage: str, action: str, key: str = "") -> bool:
    return policy_server.allowed(policy(stage, "ocr"), action, f"ocr/{key}".rstrip("/"))


def test_the_guide_names_what_a_plan_may_read() -> None:
    guide = Path(__file__).parents[3].joinpath("docs/pipeline.md").read_text("utf-8")
    sentence = re.search(r"reads what is below ([^,]+,.+?),\s+and of the pod", guide, re.DOTALL)
    assert sentence is not None
    data = ACCESS["data"]
    assert set(re.findall(r"`(\S+/)`", sentence[1])) == {*data.read, *data.write, *data.create}


@pytest.mark.parametrize(
    ("stage", "key"),
    [
        ("data", "datasets/lines/1/labels/labels.txt"),
        ("train", "runs/r/snapshots/10/latest.pdparams"),
        ("evaluate", "predictions/r/000000000-000000256-0123/candidate.jsonl"),
        ("evaluate", "evaluations/r/report/verdict.json"),
        ("export", "registry/ocr/bundles/1/model.onnx"),
        ("export", "runs/r/parity/1.parity-failure.npz"),
        ("deploy", "registry/ocr/production.json"),
        ("deploy", "triton/ocr/1/model.py"),
        ("serve", "leases/deploy-ocr/1"),
        ("feedback", "feedback/ocr/2026-11-23/0123.json"),
        ("kfp", "kfp/pipeline/run/report.html"),
    ],
)
def test_a_stage_writes_what_its_steps_write(stage: str, key: str) -> None:
    for action in ("s3:PutObject", "s3:GetObject", "s3:DeleteObject"):
        assert allowed(stage, action, key)


# Every kind of object, and who may read (r), create or replace (w) and delete (d) it.
KINDS_OF_OBJECTS = {
    "sources": "sources/train.tar",
    "configs": "configs/mine.yml",
    "pretrained": "pretrained/a.pdparams",
    "specs": f"specs/{'0' * 64}.json",
    "datasets": "datasets/lines/0123/lmdb/shard-000/data.mdb",
    "runs": "runs/r/best_accuracy.pdparams",
    "parity": "runs/r/parity/1.parity-failure.npz",
    "predictions": "predictions/r/0-256/candidate.jsonl",
    "champion": "evaluations/r/champion.json",
    "report": "evaluations/r/report/verdict.json",
    "decisions": "decisions/0123/r.json",
    "bundles": "registry/ocr/bundles/0123/model.onnx",
    "versions": "registry/ocr/versions/1.json",
    "production": "registry/ocr/production.json",
    "triton": "triton/ocr/1/model.py",
    "leases": "leases/deploy-ocr/1",
    "feedback": "feedback/ocr/2026-11-23/0123.json",
    "kfp": "kfp/pipeline/run/report.html",
}
# Which no step uses.
OF_OTHERS = ("datasets/lines/0123/lmdb/tree-manifest.json", "evaluations/r/inputs.json")
REGISTRY = {"bundles": "r", "versions": "r", "production": "r"}
DATA: dict[str, str] = {
    **dict.fromkeys(("sources", "configs", "pretrained", "runs", "parity"), "r"),
    **{**REGISTRY, "specs": "rw", "datasets": "rwd"},
}
TRAIN = {
    **dict.fromkeys(("sources", "pretrained", "specs", "datasets"), "r"),
    **{"runs": "rwd", "parity": "rwd"},
}
EVALUATE = {
    **dict.fromkeys(("specs", "datasets", "runs", "parity"), "r"),
    **{**REGISTRY, "predictions": "rwd", "report": "rwd", "champion": "rw", "decisions": "rw"},
}
EXPORT = {
    **dict.fromkeys(("specs", "datasets", "runs", "champion", "report"), "r"),
    **{"parity": "rwd", "bundles": "rwd"},
}
DEPLOY = {
    **dict.fromkeys(("specs", "datasets", "feedback"), "r"),
    **dict.fromkeys((*REGISTRY, "triton", "leases"), "rwd"),
}
STEP_RIGHTS = {
    **dict.fromkeys(("plan", "gen-label", "pack-lmdb", "preflight"), DATA),
    **dict.fromkeys(("train", "clean-up"), TRAIN),
    **dict.fromkeys(("reopen", "predict", "evaluate"), EVALUATE),
    **{"export": EXPORT, "deploy": DEPLOY},
}
ACTIONS = {"r": "s3:GetObject", "w": "s3:PutObject", "d": "s3:DeleteObject"}


@pytest.mark.parametrize("step", list(STEPS | REOPEN))
def test_a_step_may_do_what_the_table_says_and_nothing_else(step: str) -> None:
    stage = (STEPS | REOPEN)[step].key
    found = {
        kind: "".join(letter for letter, action in ACTIONS.items() if allowed(stage, action, key))
        for kind, key in KINDS_OF_OBJECTS.items()
    }
    assert {kind: letters for kind, letters in found.items() if letters} == STEP_RIGHTS[step]


def test_every_prefix_of_every_key_is_in_the_table() -> None:
    named = {access for stage in ACCESS.values() for access in (*stage.read, *stage.write)}
    for prefix in named | {p for stage in ACCESS.values() for p in stage.create}:
        assert any(
            fnmatch.fnmatchcase(key, f"{prefix}*")
            for key in (*KINDS_OF_OBJECTS.values(), *OF_OTHERS)
        ), prefix


@pytest.mark.parametrize("prefix", ["pretrained/", "sources/", "runs/"])
def test_weights_that_the_plan_pins_are_read_by_training_too(prefix: str) -> None:
    for stage in ("data", "train"):
        assert allowed(stage, "s3:GetObject", f"{prefix}a/best_accuracy.pdparams")


@pytest.mark.parametrize("key", ["decisions/0123/run.json", "evaluations/r/champion.json"])
def test_a_decision_and_a_champion_are_created_and_never_changed(key: str) -> None:
    assert allowed("evaluate", "s3:PutObject", key)
    assert allowed("evaluate", "s3:GetObject", key)
    for stage in ACCESS:
        is_expired = stage == "gc" and key.startswith("evaluations/")
        assert allowed(stage, "s3:DeleteObject", key) == is_expired
        assert allowed(stage, "s3:PutObject", key) == (stage == "evaluate")


@pytest.mark.parametrize(
    "key",
    [
        "decisions/0123/run.json",
        "sources/train.tar",
        "configs/own.yml",
        "kfp/pipeline/run/report.html",
        "registry/ocr/production.json",
        "registry/ocr/versions/1.json",
        "triton/README",
        "triton/ocr/config.pbtxt",
    ],
)
def test_garbage_collection_cannot_delete_what_is_never_garbage(key: str) -> None:
    assert not allowed("gc", "s3:DeleteObject", key)


@pytest.mark.parametrize(
    "key",
    [
        "datasets/lines-train/0123/lmdb/tree-manifest.json",
        "runs/r/best_accuracy.pdparams",
        "predictions/r/0/candidate.jsonl",
        "evaluations/r/inputs.json",
        "specs/runs/r.json",
        "feedback/ocr/2026-11-23/0123.image",
        "registry/ocr/bundles/0123/model.onnx",
        "registry/ocr/golden/1/golden.json",
        "triton/ocr_core/1/model.onnx",
    ],
)
def test_garbage_collection_deletes_and_writes_nothing_there(key: str) -> None:
    assert allowed("gc", "s3:DeleteObject", key)
    assert not allowed("gc", "s3:PutObject", key)
    images = ("feedback/", "runs/", "predictions/", "triton/")
    assert allowed("gc", "s3:GetObject", key) == (not key.startswith(images))


def test_a_run_spec_is_written_by_the_plan_and_read_by_every_step() -> None:
    key = f"specs/{'0' * 64}.json"
    for stage in {step.key for step in STEPS.values()}:
        assert allowed(stage, "s3:GetObject", key)
        assert allowed(stage, "s3:PutObject", key) == (stage == "data")
        assert not allowed(stage, "s3:DeleteObject", key)


@pytest.mark.parametrize("stage", [stage for stage in ACCESS if stage != "deploy"])
@pytest.mark.parametrize(
    "key", ["registry/ocr/production.json", "registry/ocr/versions/1.json", "triton/ocr/1/model.py"]
)
def test_only_deployments_change_what_serves(stage: str, key: str) -> None:
    marks_as_pruned = stage == "gc" and "/versions/" in key
    assert allowed(stage, "s3:PutObject", key) == marks_as_pruned
    assert allowed(stage, "s3:DeleteObject", key) == (stage == "gc" and key.startswith("triton/"))


def test_the_steps_that_judge_cannot_touch_the_run_that_they_judge() -> None:
    for action in ("s3:PutObject", "s3:DeleteObject"):
        assert not allowed("evaluate", action, "runs/r/best_accuracy.pdparams")
    assert allowed("evaluate", "s3:GetObject", "runs/r/best_accuracy.pdparams")
    assert not allowed("export", "s3:PutObject", "runs/r/best_accuracy.pdparams")


def test_a_trainer_cannot_touch_the_data_it_learns_from() -> None:
    assert allowed("train", "s3:GetObject", "datasets/a/1/lmdb/data.mdb")
    assert not allowed("train", "s3:PutObject", "datasets/a/1/lmdb/data.mdb")


@pytest.mark.parametrize("stage", list(ACCESS))
def test_kept_lines_are_read_by_deployments_and_changed_with_their_own_key(stage: str) -> None:
    key = "feedback/ocr/2026-11-23/0123.image"
    assert allowed(stage, "s3:GetObject", key) == (stage in ("deploy", "feedback"))
    assert allowed(stage, "s3:PutObject", key) == (stage == "feedback")
    assert allowed(stage, "s3:DeleteObject", key) == (stage in ("feedback", "gc"))
    assert not allowed("feedback", "s3:GetObject", "datasets/a/1/lmdb/data.mdb")


def test_the_feedback_commands_need_their_key_alone(
    store: Store, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with policy_server.PolicyServer(s3_server.endpoint, policy("feedback", "ocr")) as server:
        monkeypatch.setenv("OCR_S3_ENDPOINT", server.endpoint)
        with FeedbackRecorder(Store.from_env(), "rights") as recorder:
            recorder.offer(line_image("abc"), ServedRecognition("abc", 0.1, (), None, version=1))
        assert (recorder.recorded, recorder.problem) == (1, "")
        kept = FeedbackStore(Store.from_env(), "rights")
        write_data_set(kept, tmp_path / "unsure")
        filled = tmp_path / "filled.txt"
        filled.write_text((tmp_path / "unsure/to_label.txt").read_text().rstrip() + "\tabc\n")
        assert read_corrections(kept, filled) == 1
        assert kept.prune(-1) == 1
        with pytest.raises(RefusedError, match="AccessDenied"):
            Store.from_env().put_json("registry/rights/production.json", {})


@pytest.mark.parametrize("stage", list(ACCESS))
def test_every_stage_may_look_what_there_is_and_reaches_no_other_bucket(stage: str) -> None:
    assert allowed(stage, "s3:ListBucket")
    for statement in policy(stage, "ocr")["Statement"]:
        for resource in statement["Resource"]:
            assert resource == "arn:aws:s3:::ocr" or resource.startswith("arn:aws:s3:::ocr/")


def test_steps_name_keys_that_there_are() -> None:
    assert {step.key for step in STEPS.values()} <= set(ACCESS)


def test_seaweedfs_has_the_same_policies() -> None:
    keys = {stage: (f"{stage}-key", "secret") for stage in (*ACCESS, "admin")}
    config = seaweedfs_config("ocr", keys)
    policies = {item["name"]: json.loads(item["content"]) for item in config["policies"]}
    for identity in config["identities"]:
        stage = identity["name"].removeprefix("ocr-")
        assert identity["credentials"][0]["accessKey"] == f"{stage}-key"
        if stage == "admin":
            assert identity["actions"] == ["Admin"]
        else:
            (name,) = identity["policyNames"]
            assert policies[name] == policy(stage, "ocr")
            assert "actions" not in identity


def test_keys_are_new_each_time_and_long() -> None:
    one, two = (
        {item["metadata"]["name"]: item["stringData"] for item in new_secrets("seaweedfs", "ocr")}
        for _ in range(2)
    )
    assert set(one) == set(two)
    for stage in ACCESS:
        assert one[secret_name(stage)] != two[secret_name(stage)]
        assert len(one[secret_name(stage)]["secretkey"]) == 40
    assert one["ocr-triton-admin"] != two["ocr-triton-admin"]
    assert json.loads(one["seaweedfs-identities"]["s3.json"])["identities"]
