"""`ocr pipeline rejudge`, against a server that speaks Kubeflow's API."""

from pathlib import Path
from typing import Any

import kfp_server_api as kfp
import pytest

from components.images import NAMES
from ocr_lib.storage.store import Store
from tests.pipelines.cli.pipeline.conftest import Ocr
from tests.pipelines.kfp_api.kfp_server import KfpServer


def test_a_run_of_its_own_pipeline_is_started_for_the_run(
    server: KfpServer, ocr: Ocr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def progress(run: kfp.V2beta1Run) -> None:
        run.state = "SUCCEEDED"

    monkeypatch.chdir(tmp_path)
    server.progress = progress
    code, text = ocr("rejudge", "a-judged-run", "--placement", "one-node")
    assert code == 0
    (run,) = server.state.runs.values()
    assert run.runtime_config.parameters == {"run": "a-judged-run"}
    assert run.display_name.startswith("ocr-rejudge a-judged-run ")
    assert text.splitlines()[-1] == "succeeded"


def compiled(server: KfpServer) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the rejudgement's executors: their containers, and where they run."""
    (version,) = [
        version.pipeline_spec
        for version in server.state.versions.values()
        if version.pipeline_spec["pipeline_spec"]["pipelineInfo"]["name"] == "ocr-rejudge"
    ]
    executors = version["pipeline_spec"]["deploymentSpec"]["executors"]
    platform = version["platform_spec"]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {name: each["container"] for name, each in executors.items()}, platform


@pytest.mark.parametrize(
    ("build", "on_pool", "device"),
    [
        (("--placement", "one-node"), False, None),
        (("--accelerator", "amd.com/gpu", "--train-accelerators", "2"), True, "amd.com/gpu"),
        (("--train-accelerators", "0"), True, None),
    ],
)
def test_it_is_built_as_the_run_was(
    server: KfpServer,
    ocr: Ocr,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    build: tuple[str, ...],
    on_pool: bool,
    device: str | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    images = {name: f"registry.example/{name}@sha256:{'1' * 64}" for name in NAMES}
    named = [word for name in NAMES for word in ("--image", f"{name}={images[name]}")]
    run = ("run", "--detach", "--param", "train_minutes=5", "--service-account", "ocr-pipeline")
    assert ocr(*run, *build, *named)[0] == 0
    (run_id,) = server.state.runs
    other = f"registry.example/other@sha256:{'2' * 64}"
    assert ocr("rejudge", run_id, "--detach", "--image", f"serve={other}")[0] == 0
    containers, platform = compiled(server)
    used = {name.removeprefix("exec-"): each["image"] for name, each in containers.items()}
    assert used == {
        **dict.fromkeys(("reopen", "evaluate"), images["data"]),
        **dict.fromkeys(("predict", "export"), images["train"]),
        "deploy": other,
    }
    assert {"nodeSelector" in each for each in platform.values()} == {on_pool}
    asked = containers["exec-predict"]["resources"].get("accelerator", {})
    assert asked.get("resourceType") == device
    assert {run.service_account for run in server.state.runs.values()} == {"ocr-pipeline"}


def test_a_run_that_the_server_does_not_know_needs_build_options(
    server: KfpServer, ocr: Ocr
) -> None:
    code, text = ocr("rejudge", "a-judged-run")
    assert code == 2
    assert "a-judged-run is no run of this server" in text
    assert "Give --images and --placement" in text
    assert not server.state.runs


def test_on_this_machine_nothing_starts_for_a_run_that_was_never_judged(
    server: KfpServer, ocr: Ocr, store: Store, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code, text = ocr("rejudge", "nosuch", "--local", "--out", str(out))
    assert code == 2
    assert "run: nosuch was never judged. Give the id of a run" in text
    assert not out.exists()
    assert not server.state.runs
