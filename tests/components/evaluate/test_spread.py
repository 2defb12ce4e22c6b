"""One pod or many: the same figures, slices, characters and worst lines, to the last bit."""

from dataclasses import replace
from pathlib import Path

import pytest

from components.evaluate import step as evaluate
from components.step_context import StepContext
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.evaluation import predict as predicting
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate import Thresholds
from ocr_lib.registry.champion import open_champion
from ocr_lib.report.evaluation_result import EvaluationResult
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download
from ocr_lib.storage.store import Store
from ocr_lib.training import load_run
from ocr_lib.training.recognizer import trained_recognizer
from tests.components.predicted import predict_parts
from tests.components.trained_run import Data, put_into_production
from tests.ocr_lib.evaluated import evaluate as evaluate_at_once
from tests.ocr_lib.serving.tiny_bundle import write_bundle

pytestmark = pytest.mark.slow
NAME, CHUNK = "spread", 3
LIMITS = Thresholds(min_samples=10, max_accuracy_drop=1.0, max_latency_ratio=1e6)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "CHUNK", CHUNK)


def judge(
    store: Store, model: ArtifactRef, data: Data, run: str, parts: list[ArtifactRef], work: Path
) -> EvaluationResult:
    work.mkdir()
    request = evaluate.EvaluateRequest(
        run=run,
        model=model,
        train=data.train,
        validation=data.validation,
        test=data.test,
        predictions=parts,
        limits=LIMITS,
    )
    return evaluate.evaluate(StepContext(store, work), request)[0]


def timeless(report: EvalReport | None) -> EvalReport:
    assert report is not None
    return replace(report, seconds=0.0)


def test_however_many_pods_predict_the_report_is_that_of_one_process(
    store: Store, data: Data, model: ArtifactRef, tmp_path: Path
) -> None:
    dataset = LmdbDataset(download(store, data.test, tmp_path / "test"))
    trained = load_run(download(store, model, tmp_path / "trained"), "latest")
    candidate = replace(evaluate_at_once(trained_recognizer(trained), dataset), leaked=0)
    bundle = write_bundle(tmp_path / "bundle", tuple("0123"))
    champion = put_into_production(store, NAME, bundle)
    recognizer = open_champion(store, champion, tmp_path / "champion")
    watch = [sample.index for sample in candidate.worst]
    served = evaluate_at_once(recognizer, dataset, watch=watch)
    assert len({sample.recognition.text for sample in candidate.worst}) > 10
    for pods, expected in ((1, 1), (2, 2), (3, 3), (7, 7), (len(dataset) + 1, 9)):
        run = f"{tmp_path.name}-{pods}"
        parts = predict_parts(store, model, data.test, run, NAME, tmp_path / f"parts-{pods}", pods)
        assert len(parts) == expected
        found = judge(store, model, data, run, parts[::-1], tmp_path / f"judged-{pods}")
        assert timeless(found.candidate) == timeless(candidate)
        assert timeless(found.champion) == timeless(served)
        assert found.costs is not None  # of the first partition
