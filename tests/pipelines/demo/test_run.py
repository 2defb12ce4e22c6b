"""The whole pipeline on this machine: real steps, a real object store, a real Triton."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.registry.golden_images import golden_images
from ocr_lib.registry.production import read_production
from ocr_lib.runspec.judged_run import load_record, save_record
from ocr_lib.runspec.spec_store import load_spec, save_spec
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.serving.rollout import deploy
from ocr_lib.serving.triton_env import triton_venv
from pipelines.demo.console import ANSI
from pipelines.demo.dag import run_dag
from pipelines.demo.options import DemoOptions
from pipelines.demo.run import run_demo
from pipelines.demo.services import services
from pipelines.titles import REJUDGE_TITLES, TITLES
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not triton_venv().is_dir(), reason="no Triton here: make setup"),
]
TEXTS = ["".join(text) for text in itertools.product("abc", repeat=4)]
PARAMETERS: dict[str, Any] = {
    "train_minutes": 0.0,
    "options": {
        "config_overrides": ["Global.epoch_num=1"],
        "gate": {"min_accuracy": 0.0, "min_norm_edit_dis": 0.0, "min_samples": 10},
    },
}


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> DemoOptions:
    """Lines that the bundle of `tiny_bundle` reads without a mistake."""
    root = tmp_path_factory.mktemp("whole")
    for name, texts in (("train", TEXTS[:60]), ("test", TEXTS[60:])):
        (root / name).mkdir()
        for text in texts:
            (root / name / f"{text}.png").write_bytes(line_image(text))
        labels = "".join(f'{text}.png, "{text}"\n' for text in texts)
        (root / name / "gt.txt").write_text(labels)
    return DemoOptions(
        out=root / "demo", train=root / "train", test=root / "test", parameters=PARAMETERS
    )


@pytest.fixture(scope="module")
def first(options: DemoOptions) -> dict[str, Any]:
    return run_demo(options)


def test_a_first_model_is_accepted_and_answers(options: DemoOptions, first: dict[str, Any]) -> None:
    assert first == json.loads((options.out / "summary.json").read_text("utf-8"))
    assert first["gate"]["passed"]
    assert "no model serves yet" in str(first["gate"]["reasons"])
    assert first["samples"] == len(TEXTS) - 60
    assert first["model_version"] == 1
    assert first["parity"]["texts_equal"]
    assert first["parity"]["max_abs_diff"] < 1e-3
    assert first["triton"]["equal"]
    assert {answer["truth"] for answer in first["triton"]["answers"]} <= set(TEXTS[60:])
    assert list(first["seconds"]["steps"]) == list(TITLES)
    assert "<html" in Path(first["report"]).read_text("utf-8")


def test_a_second_run_meets_the_first_ones_model(
    options: DemoOptions, first: dict[str, Any]
) -> None:
    second = run_demo(options)
    assert "evaluated on the same lines" in str(second["gate"]["reasons"])
    assert second["gate"]["passed"]  # as good as the champion, which it equals
    assert second["model_version"] == 2
    assert second["accuracy"] == first["accuracy"]


def test_a_run_of_nothing_new_ends_at_its_first_step_and_tidies_up(
    options: DemoOptions, first: dict[str, Any]
) -> None:
    again = replace(options, parameters={**PARAMETERS, "skip_if_unchanged": True})
    with pytest.raises(ConfigError, match="nothing is new since the serving model"):
        run_demo(again)
    log = (options.out / "pipeline.log").read_text("utf-8")
    ran = [task for task in TITLES if f"Executing task '{task}'" in ANSI.sub("", log)]
    assert ran == ["plan", "clean-up"]


def test_a_run_is_judged_again_without_training(
    options: DemoOptions, first: dict[str, Any], tmp_path: Path
) -> None:
    with services(options.out, options.model_name) as running:
        before = read_production(running.store, options.model_name)
        records = [item for item in running.store.list("evaluations/") if "inputs" in item.key]
        oldest = min(records, key=lambda item: item.modified).key.split("/")[1]
        judged = load_record(running.store, oldest)
        spec = replace(  # this Triton has another port than that run's
            load_spec(running.store, judged.spec.digest), triton_urls=(running.triton_url,)
        )
        moved = replace(judged, spec=save_spec(running.store, spec))
        save_record(running.store, oldest, moved)
        again = run_dag({"run": oldest}, running.environment, tmp_path, rejudge=True)
        after = read_production(running.store, options.model_name)
        assert before is not None
        assert after is not None
        lineages = [
            running.store.get_json(f"{production.bundle}/bundle.json")["lineage"]
            for production in (before, after)
        ]
    assert list(again.seconds) == list(REJUDGE_TITLES)
    assert after.version == before.version + 1  # as good as the champion, which it equals
    assert lineages[1]["champion_version"] == str(before.version)
    assert lineages[1]["run"] == oldest
    assert lineages[1]["spec"] == spec.digest


def test_a_worse_model_is_refused_and_the_champion_answers_on(
    options: DemoOptions, first: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    with services(options.out, options.model_name) as running:
        uri = running.store.put_tree(bundle, "registry/champion")
        golden = golden_images(bundle, {text: line_image(text) for text in TEXTS[:3]})
        with (
            TritonAdmin(running.triton_url) as stranger,
            pytest.raises(ServiceError, match="management key"),
        ):
            stranger.unload(options.model_name)
        monkeypatch.setenv("OCR_TRITON_ADMIN_KEY", running.environment["OCR_TRITON_ADMIN_KEY"])
        deploy(
            uri,
            options.model_name,
            golden,
            store=running.store,
            endpoints=[running.triton_url],
            force="a test",
        )
        champion = read_production(running.store, options.model_name)
    assert champion is not None

    refused = run_demo(options)  # ends without an error
    assert not refused["gate"]["passed"]
    assert "accuracy drop" in [
        reason["name"] for reason in refused["gate"]["reasons"] if not reason["passed"]
    ]
    assert refused["model_version"] == champion.version
    assert refused["parity"] is None
    assert [a["triton"] for a in refused["triton"]["answers"]] == [
        a["truth"] for a in refused["triton"]["answers"]
    ]
    with services(options.out, options.model_name) as running:
        assert read_production(running.store, options.model_name) == champion
        with RecognitionClient(running.triton_url, options.model_name) as recognizer:
            assert recognizer.read(line_image("abca")).text == "abca"


def test_a_demo_that_is_ended_leaves_nothing_running(options: DemoOptions, tmp_path: Path) -> None:
    out = tmp_path / "ended"
    command = ["--train", str(options.train), "--test", str(options.test), "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli.main", "demo", *command],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "OCR_TEST_MARK": str(out)},
    )
    assert process.stdout
    for line in process.stdout:
        if line.startswith("[5/10]"):
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=240)
    assert process.returncode == 128 + signal.SIGTERM
    ends = time.monotonic() + 30
    while left := _processes_with(f"OCR_TEST_MARK={out}"):  # a kill takes its time to arrive
        assert time.monotonic() < ends, left
        time.sleep(0.05)
    assert not (out / "summary.json").exists()


def _processes_with(variable: str) -> list[str]:
    """Returns the command lines of processes that have a variable in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if variable.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text("utf-8", "replace"))
        except OSError:
            continue  # it ended meanwhile, or is not ours
    return found
