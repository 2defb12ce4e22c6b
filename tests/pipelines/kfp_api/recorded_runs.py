"""Runs that a real server answered for, and their steps."""

import json
from datetime import UTC, datetime
from typing import Any

from pipelines.kfp_api.outline import outline_of
from pipelines.kfp_api.rounds import RunProgress, progress_in_details, progress_in_workflow
from pipelines.kfp_api.steps import FINAL, RunStep, steps_of
from pipelines.kfp_api.workflow import read_workflow
from tests.pipelines.kfp_api.kfp_server import RECORDED, read_model

OUTLINE = outline_of(json.loads((RECORDED / "pipeline.json").read_text("utf-8")))


NOW = datetime(2026, 11, 28, 7, tzinfo=UTC)


NOT_RUN_BUT_PLAN = {
    task.name: "NOT RUN" for task in OUTLINE.tasks if task.name not in ("plan", "clean-up")
}


FIRST_STEPS = {"plan": "SUCCEEDED", "gen-label": "SUCCEEDED", "pack-lmdb": "SUCCEEDED"}


STATES: dict[str, dict[str, str]] = {
    "refused": {
        **{"plan": "SUCCEEDED", "gen-label": "CACHED", "pack-lmdb": "CACHED"},
        **{"preflight": "SUCCEEDED", "train": "SUCCEEDED", "read-lines": "SUCCEEDED"},
        **{"evaluate": "SUCCEEDED", "export": "SKIPPED", "deploy": "SKIPPED"},
        "clean-up": "SUCCEEDED",
    },
    "unchanged": {
        **{task.name: "SKIPPED" for task in OUTLINE.tasks},
        **{"plan": "SUCCEEDED", "clean-up": "SUCCEEDED"},
    },
    "failed": {
        **NOT_RUN_BUT_PLAN,
        **{"plan": "SUCCEEDED", "gen-label": "FAILED", "clean-up": "SUCCEEDED"},
    },
    "driver_failed": {**NOT_RUN_BUT_PLAN, "plan": "FAILED", "clean-up": "SUCCEEDED"},
    "canceled": {**NOT_RUN_BUT_PLAN, "plan": "FAILED", "clean-up": "SUCCEEDED"},
    "clean_up_failed": {**NOT_RUN_BUT_PLAN, "plan": "FAILED", "clean-up": "FAILED"},
    "running": {"plan": "RUNNING"},
    "unschedulable": {**FIRST_STEPS, "preflight": "PENDING"},
}


def recorded(name: str) -> tuple[Any, dict[str, Any]]:
    value = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    return read_model(value["run"], "V2beta1Run"), value["workflow"]


def progress(name: str, source: str) -> RunProgress:
    run, manifest = recorded(name)
    if source == "list of tasks":
        return progress_in_details(run.run_details.task_details, OUTLINE)
    workflow = read_workflow(json.dumps(manifest))
    assert workflow is not None
    return progress_in_workflow(workflow, OUTLINE)


def steps(name: str, source: str) -> dict[str, RunStep]:
    ended = recorded(name)[0].state in FINAL
    found = steps_of(progress(name, source), OUTLINE, ended=ended, now=NOW)
    return {step.task.name: step for step in found}
