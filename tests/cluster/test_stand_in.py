"""The order in which a package's steps run, without a cluster: outcomes are made up."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.compile import compile_pipeline
from pipelines.titles import TITLES
from tests.cluster.kfp_pod import pod
from tests.cluster.kfp_stand_in import FAILED, SUCCEEDED, Outcome, StandIn, Step, read_report

ROUNDS = ["gen-label", "pack-lmdb", "gen-label", "pack-lmdb"]
JUDGED = ["plan", *ROUNDS, "preflight", "train", "predict", "predict", "evaluate"]
SHARES = [{"first": 0, "last": 256}, {"first": 256, "last": 320}]
GO: dict[str, Any] = {
    "Output": True,
    "partitions": [{"parts": [1]}, {"parts": [2]}],
    "preflight_settings": {},
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    path = tmp_path_factory.mktemp("package") / "package.yaml"
    compile_pipeline(path)
    return list(yaml.safe_load_all(Path(path).read_text("utf-8")))


@pytest.mark.parametrize(
    ("plan", "passed", "broken", "expected"),
    [
        (GO, True, "", [*JUDGED, "export", "deploy", "clean-up"]),
        (GO, False, "", [*JUDGED, "clean-up"]),
        ({**GO, "Output": False}, True, "", ["plan", "clean-up"]),
        (GO, True, "preflight", ["plan", *ROUNDS, "preflight", "clean-up"]),
    ],
    ids=["accepted", "refused", "nothing new", "a step fails"],
)
def test_steps_run_in_the_package_s_order(
    package: list[dict[str, Any]],
    plan: dict[str, Any],
    passed: bool,
    broken: str,
    expected: list[str],
) -> None:
    outputs = {"plan": plan, "preflight": {"Output": SHARES}, "evaluate": {"Output": passed}}
    steps: dict[str, Step] = {}
    ran: list[str] = []

    def execute(step: Step) -> Outcome:
        steps[step.task] = step
        ran.append(step.task)
        assert pod("p", step)["spec"]["containers"][0]["image"] == step.container["image"]
        if step.task == broken:
            return Outcome(FAILED)
        return read_report(step, {"parameterValues": outputs.get(step.task, {})})

    state = StandIn(package[0], package[1], "s3://bucket/kfp", execute).run({"train_workers": 3})
    assert state == (FAILED if broken else SUCCEEDED)
    assert ran == expected
    assert set(ran) <= set(TITLES)
    told = steps["clean-up"].executor_input["inputs"]["parameterValues"]["status"]
    assert told["state"] == ("FAILED" if broken else "COMPLETE")
    given = steps["plan"].executor_input["inputs"]["parameterValues"]
    assert given["train_workers"] == 3
    assert given["config"] == "cpu_line"
    if "preflight" in steps:
        shards = steps["preflight"].executor_input["inputs"]["artifacts"]["shards"]["artifacts"]
        assert len(shards) == len(plan["partitions"])


def test_the_train_step_hands_its_settings_on(package: list[dict[str, Any]]) -> None:
    found: dict[str, Any] = {}

    def execute(step: Step) -> Outcome:
        if step.task == "train":
            found.update(pod("p", step)["spec"], told=step.executor_input)
            return Outcome(FAILED)
        return read_report(step, {"parameterValues": GO if step.task == "plan" else {}})

    StandIn(package[0], package[1], "s3://bucket/kfp", execute).run({})
    handed = found["told"]["inputs"]["parameterValues"]["task_config"]
    assert handed["nodeSelector"] == {"ocr/pool": "gpu-train"}
    assert "nodeSelector" not in found  # the step itself only watches
    names = {item["name"] for item in handed["env"]}
    assert names <= {item["name"] for item in found["containers"][0]["env"]}
