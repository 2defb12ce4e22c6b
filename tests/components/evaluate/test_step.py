"""evaluate on predictions that were written for it: no network is there to run."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from components.evaluate import step as evaluate
from components.step_context import StepContext
from ocr_lib.data.image import Preprocess
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.errors import DataError
from ocr_lib.evaluation.latency import LatencyAndSize
from ocr_lib.evaluation.predictions import ModelFacts, Predictions
from ocr_lib.gate import Thresholds
from ocr_lib.registry.champion import Champion, champion_key, pin_champion
from ocr_lib.registry.production import Production, write_production
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download, upload
from ocr_lib.storage.s3 import MissingObjectError
from ocr_lib.storage.store import Store
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.recognition import Recognition
from tests.components.trained_run import Data

MODEL = ArtifactRef("s3://ocr/runs/never-read", "e" * 64, {"checkpoint": "latest"})
FACTS = ModelFacts(MODEL.digest, "f" * 64, Charset(tuple("0123456789")), Preprocess(32, (64, 320)))
SERVING = Champion(3, "s3://ocr/registry/m/bundles/3", "c" * 64)
LIMITS = Thresholds(min_accuracy=0.5, min_samples=10, max_accuracy_drop=1.0, max_latency_ratio=2.0)
TIMES = LatencyAndSize(3.0, 2.0, 300, 200)
CODE = """
import json, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("paddle", "onnxruntime", "onnx", "tritonclient"):
            raise ImportError(f"{name} is not in the data image")

sys.meta_path.insert(0, Refuse())
from pathlib import Path
from components.evaluate import step
from components.step_context import StepContext
from ocr_lib.gate import Thresholds
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store

values = json.loads(sys.argv[1])
sets = {name: ArtifactRef(**values[name]) for name in ("model", "train", "validation", "test")}
request = step.EvaluateRequest(
    run=values["run"],
    **sets,
    predictions=[ArtifactRef(**part) for part in values["predictions"]],
    limits=Thresholds(**values["limits"]),
)
found, pointer = step.evaluate(StepContext(Store.from_env(), Path(sys.argv[2])), request)
found.write_reports(f"{sys.argv[2]}/verdict.md", f"{sys.argv[2]}/report.html")
assert not {"paddle", "onnxruntime"} & set(sys.modules)
print(json.dumps([found.verdict.passed, found.candidate.accuracy, pointer.uri]))
"""


@pytest.fixture
def run(tmp_path: Path) -> str:
    return tmp_path.name


class Site:
    """A test set with predictions on it."""

    def __init__(self, store: Store, data: Data, run: str, folder: Path) -> None:
        self.store, self.data, self.run, self.folder = store, data, run, folder
        self.labels = list(LmdbDataset(download(store, data.test, folder / "labels")).labels())

    def predictions(self, first: int, last: int, wrong: int = 0, **changes: Any) -> Predictions:
        """Returns predictions that say what the labels say, but for the first `wrong` ones."""
        read = [
            Recognition("9" if index < wrong else self.labels[index], 0.9)
            for index in range(first, last)
        ]
        made = Predictions(
            model=FACTS,
            dataset_digest=self.data.test.digest,
            indices=range(first, last),
            recognitions=read,
            seconds=2.0,
        )
        return replace(made, **changes)

    def upload(self, **files: Predictions) -> ArtifactRef:
        """Uploads a partition."""
        number = len(list(self.folder.iterdir()))
        folder = self.folder / f"partition-{number}"
        folder.mkdir()
        for name, predictions in files.items():
            predictions.save(folder / f"{name}.jsonl")
        return upload(self.store, folder, f"predictions/{self.run}/{number}")

    def request(self, *parts: ArtifactRef) -> evaluate.EvaluateRequest:
        return evaluate.EvaluateRequest(
            run=self.run,
            model=MODEL,
            train=self.data.train,
            validation=self.data.validation,
            test=self.data.test,
            predictions=parts,
            limits=LIMITS,
        )

    def evaluate(self, *parts: ArtifactRef) -> tuple[evaluate.EvaluationResult, ArtifactRef]:
        work = self.folder / f"work-{len(list(self.folder.iterdir()))}"
        work.mkdir()
        return evaluate.evaluate(StepContext(self.store, work), self.request(*parts))


@pytest.fixture
def site(store: Store, data: Data, run: str, tmp_path: Path) -> Site:
    return Site(store, data, run, tmp_path)


def serve(site: Site) -> None:
    production = Production(site.run, *asdict(SERVING).values(), [], "2026-11-28T00:00:00+00:00")
    write_production(site.store, production, None)


def test_the_verdict_is_about_what_was_predicted(site: Site) -> None:
    pin_champion(site.store, site.run, site.run)
    half = len(site.labels) // 2
    parts = [
        site.upload(candidate=site.predictions(half, len(site.labels), wrong=3)),
        site.upload(candidate=site.predictions(0, half, wrong=3)),
    ]
    found, pointer = site.evaluate(*parts)
    assert found.candidate.accuracy == pytest.approx(1 - 3 / len(site.labels))
    assert (found.candidate.seconds, found.candidate.leaked) == (4.0, 0)
    assert (found.champion, found.costs, found.verdict.passed) == (None, None, True)
    assert pointer.uri == site.store.uri(f"evaluations/{site.run}/report")
    assert pointer.metadata["weights_sha256"] == FACTS.weights_sha256
    assert pointer.metadata["champion_digest"] == "none"
    verdict = download(site.store, pointer, site.folder / "back") / "verdict.json"
    assert json.loads(verdict.read_text())["passed"] is True


def test_times_are_read_and_judged(site: Site) -> None:
    serve(site)
    assert pin_champion(site.store, site.run, site.run) == SERVING
    champion = replace(FACTS, digest=SERVING.digest)
    count = len(site.labels)
    served = site.predictions(0, count, wrong=5, model=champion)
    slow = replace(TIMES, latency_ms=5.0)
    for times, passed in ((TIMES, True), (slow, False)):
        part = site.upload(candidate=site.predictions(0, count, latency=times), champion=served)
        found, pointer = site.evaluate(part)
        assert (found.costs, found.verdict.passed) == (times, passed)
        assert found.champion is not None
        assert found.champion.accuracy == pytest.approx(1 - 5 / count)
        assert pointer.metadata["champion_version"] == "3"


def test_partitions_that_do_not_fit_are_refused(site: Site) -> None:
    serve(site)
    count = len(site.labels)
    whole = site.upload(candidate=site.predictions(0, count))
    with pytest.raises(MissingObjectError, match=r"champion\.json"):
        site.evaluate(whole)  # nothing was pinned: nothing was predicted either
    pin_champion(site.store, site.run, site.run)
    with pytest.raises(DataError, match=r"champion\.jsonl: cannot be read"):
        site.evaluate(whole)
    own = site.predictions(0, count)
    with pytest.raises(DataError, match="predicted with model eeeeeeeeeeee, not cccccccccccc"):
        site.evaluate(site.upload(candidate=own, champion=own))
    other = replace(FACTS, digest="a" * 64)
    for faulty, complaint in (
        (site.predictions(0, count, model=other), "with model aaaaaaaaaaaa, not eeeeeeeeeeee"),
        (site.predictions(0, count, dataset_digest="b" * 64), "with data set bbbbbbbbbbbb, not"),
        (site.predictions(0, count - 1), f"sample {count} of {count} was not predicted"),
        (site.predictions(1, count), f"sample 1 of {count} was not predicted"),
    ):
        with pytest.raises(DataError, match=complaint):
            site.evaluate(site.upload(candidate=faulty))
    with pytest.raises(DataError, match="sample 1 was predicted twice"):
        site.evaluate(whole, whole)
    with pytest.raises(DataError, match="there is no partition"):
        site.evaluate()


def test_no_paddle_and_no_onnxruntime_are_needed(site: Site) -> None:
    pin_champion(site.store, site.run, site.run)
    part = site.upload(candidate=site.predictions(0, len(site.labels), wrong=1))
    request = site.request(part)
    values = {
        "run": site.run,
        "predictions": [asdict(part)],
        "limits": {"min_accuracy": 0.5, "min_samples": 10, "max_accuracy_drop": 1.0},
        **{name: asdict(getattr(request, name)) for name in ("model", "train", "test")},
        "validation": asdict(site.data.validation),
    }
    work = site.folder / "fresh"
    work.mkdir()
    result = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(values), str(work)],
        check=True,
        capture_output=True,
        text=True,
        timeout=240,
    )
    passed, accuracy, uri = json.loads(result.stdout.splitlines()[-1])
    assert (passed, accuracy) == (True, pytest.approx(1 - 1 / len(site.labels)))
    assert uri == site.store.uri(f"evaluations/{site.run}/report")
    assert (work / "report.html").stat().st_size > 1000
    assert site.store.exists(champion_key(site.run))
