"""`ocr pipeline rejudge`, against a server that speaks Kubeflow's API."""

from pathlib import Path

import kfp_server_api as kfp
import pytest

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


def test_on_this_machine_nothing_starts_for_a_run_that_was_never_judged(
    server: KfpServer, ocr: Ocr, store: Store, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code, text = ocr("rejudge", "nosuch", "--local", "--out", str(out))
    assert code == 2
    assert "run: nosuch was never judged. Give the id of a run" in text
    assert not out.exists()
    assert not server.state.runs
