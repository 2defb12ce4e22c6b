"""One pod or many: the same figures, slices, characters and worst lines, to the last bit."""

from dataclasses import replace
from pathlib import Path

import pytest

from components.evaluate import step as evaluate
from components.step_context import StepContext
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.errors import DataError
from ocr_lib.evaluation import predictions as readings
from ocr_lib.evaluation.evaluate import evaluate as evaluate_at_once
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.inference.bundle import Bundle
from ocr_lib.registry.champion import open_champion
from ocr_lib.registry.production import promoted, record_version, write_production
from ocr_lib.report.evaluation_result import Evaluation
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download
from ocr_lib.storage.store import Store
from ocr_lib.training import load_run
from ocr_lib.training.recognizer import trained_recognizer
from tests.components.evaluate.conftest import Data
from tests.components.packed import pack_lines
from tests.components.read_whole import read_parts
from tests.ocr_lib.serving.tiny_bundle import write_bundle

pytestmark = pytest.mark.slow
NAME, CHUNK = "spread", 3
LIMITS = evaluate.thresholds(0.0, 0.0, 10, 1.0, {"max_latency_ratio": 1e6})


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "CHUNK", CHUNK)


def serve(store: Store, name: str, bundle: Path) -> tuple[str, str]:
    """Puts a bundle into production; returns its address and digest."""
    digest = Bundle.open(bundle).digest
    uri = store.put_tree(bundle, f"registry/{name}/bundles/{digest}")
    record = record_version(store, name, uri, digest, {})
    write_production(store, promoted(name, record, None), None)
    return uri, digest


def judge(
    store: Store, model: ArtifactRef, data: Data, parts: list[ArtifactRef], work: Path
) -> Evaluation:
    work.mkdir()
    request = evaluate.Request(
        model=model,
        train=data.train,
        validation=data.validation,
        test=data.test,
        readings=parts,
        limits=LIMITS,
    )
    return evaluate.evaluate(StepContext(store, work), request)[0]


def timeless(report: EvalReport | None) -> EvalReport:
    assert report is not None
    return replace(report, seconds=0.0)


def test_however_many_pods_read_the_report_is_that_of_one(
    store: Store, data: Data, model: ArtifactRef, tmp_path: Path
) -> None:
    dataset = LmdbDataset(download(store, data.test, tmp_path / "test"))
    trained = load_run(download(store, model, tmp_path / "trained"), "latest")
    candidate = replace(evaluate_at_once(trained_recognizer(trained), dataset), leaked=0)
    bundle = write_bundle(tmp_path / "bundle", tuple("0123"))
    champion = open_champion(store, *serve(store, NAME, bundle), tmp_path / "champion")
    watch = [line.index for line in candidate.worst]
    served = evaluate_at_once(champion, dataset, watch=watch)
    assert len({line.recognition.text for line in candidate.worst}) > 10
    for pods, expected in ((1, 1), (2, 2), (3, 3), (7, 7), (len(dataset) + 1, 9)):
        parts = read_parts(store, model, data.test, NAME, tmp_path / f"parts-{pods}", pods)
        assert len(parts) == expected
        found = judge(store, model, data, parts[::-1], tmp_path / f"judged-{pods}")
        assert timeless(found.candidate) == timeless(candidate)
        assert timeless(found.champion) == timeless(served)


def test_parts_on_either_side_of_a_deployment_are_refused(
    store: Store, data: Data, model: ArtifactRef, tmp_path: Path
) -> None:
    before = read_parts(store, model, data.test, "late", tmp_path / "before", 2)
    serve(store, "late", write_bundle(tmp_path / "bundle"))
    after = read_parts(store, model, data.test, "late", tmp_path / "after", 2)
    with pytest.raises(DataError, match=r"read with serving model \w+, not none: a model was dep"):
        judge(store, model, data, [before[0], after[1]], tmp_path / "mixed")


def test_parts_of_other_lines_are_refused(
    store: Store, data: Data, model: ArtifactRef, tmp_path: Path
) -> None:
    other = pack_lines(store, tmp_path / "other", [f"{i}" for i in range(900, 926)])
    parts = read_parts(store, model, other, "other", tmp_path / "parts")
    with pytest.raises(DataError, match="were read with data"):
        judge(store, model, data, parts, tmp_path / "judged")
