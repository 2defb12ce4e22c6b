"""Predicting partitions of a test set with a real run, and with a champion or without."""

from pathlib import Path

import pytest

from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.errors import DataError
from ocr_lib.evaluation import predict as predicting
from ocr_lib.evaluation.predictions import CANDIDATE, CHAMPION, Predictions
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download
from ocr_lib.storage.s3 import DigestError, MissingObjectError
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import MANIFEST_NAME
from ocr_lib.training import load_run
from ocr_lib.training.recognizer import trained_recognizer
from tests.components.predicted import predict_parts
from tests.components.trained_run import Data, put_into_production
from tests.ocr_lib.serving.tiny_bundle import write_bundle

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "CHUNK", 5)


def loaded(store: Store, part: ArtifactRef, name: str, folder: Path) -> Predictions:
    return Predictions.load(download(store, part, folder) / name)


def test_without_a_champion_the_candidate_alone_predicts(
    store: Store, data: Data, model: ArtifactRef, tmp_path: Path
) -> None:
    (part,) = predict_parts(
        store, model, data.test, model.metadata["run"], "new", tmp_path / "work"
    )
    assert part.uri.startswith(store.uri(f"predictions/{model.metadata['run']}/000000000-"))
    found = loaded(store, part, CANDIDATE, tmp_path / "part")
    with pytest.raises(DataError, match=r"champion\.jsonl"):
        loaded(store, part, CHAMPION, tmp_path / "part")
    dataset = LmdbDataset(download(store, data.test, tmp_path / "test"))
    trained = load_run(download(store, model, tmp_path / "run"), "latest")
    images = [dataset.sample(index).image for index in range(len(dataset))]
    expected = trained_recognizer(trained).read(images)
    assert [one.text for one in found.recognitions] == [one.text for one in expected]
    assert found.indices == range(len(dataset))
    assert (found.model.digest, found.model.weights_sha256) == (model.digest, trained.digest)
    assert (found.dataset_digest, found.latency) == (data.test.digest, None)


def test_the_first_partition_times_both_models_and_all_are_about_one_champion(
    store: Store, data: Data, model: ArtifactRef, tmp_path: Path
) -> None:
    run, name = model.metadata["run"], "pinned"
    one = put_into_production(store, name, write_bundle(tmp_path / "one", tuple("0123")))
    first = predict_parts(store, model, data.test, run, name, tmp_path / "first", 2)
    store.remove(f"registry/{name}/production.json")
    two = write_bundle(tmp_path / "two", tuple("0123"), sharpness=9.0)
    put_into_production(store, name, two)
    again = predict_parts(store, model, data.test, run, name, tmp_path / "again", 3)
    files = [
        loaded(store, part, CHAMPION, tmp_path / f"part-{number}")
        for number, part in enumerate([*first, *again])
    ]
    assert {file.model.digest for file in files} == {one.digest}
    times = [
        loaded(store, part, CANDIDATE, tmp_path / f"part-{number}").latency
        for number, part in enumerate(first)
    ]
    assert times[0] is not None
    assert times[0].latency_ms > 0
    assert times[1] is None


def test_a_rerun_returns_finished_partitions_and_predicts_the_others(
    store: Store, data: Data, model: ArtifactRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = model.metadata["run"]
    parts = predict_parts(store, model, data.test, run, "rerun", tmp_path / "one", 2)
    gone = ArtifactRef(f"{model.uri}-gone", model.digest, model.metadata)
    # Nothing is downloaded for a finished partition: its run directory need not be there.
    assert predict_parts(store, gone, data.test, run, "rerun", tmp_path / "two", 2) == parts
    store.remove(f"{parts[1].uri}/{MANIFEST_NAME}")
    with pytest.raises(MissingObjectError, match="no complete upload"):
        predict_parts(store, gone, data.test, run, "rerun", tmp_path / "three", 2)
    redone = predict_parts(store, model, data.test, run, "rerun", tmp_path / "four", 2)
    assert [part.uri for part in redone] == [part.uri for part in parts]
    assert redone[0] == parts[0]
    store.put_bytes(f"{parts[1].uri}/{CANDIDATE}", b"damaged")
    with pytest.raises(DigestError, match=r"Run the step that writes it again"):
        store.get_tree(parts[1].uri, tmp_path / "damaged")
    redone = predict_parts(store, model, data.test, run, "rerun", tmp_path / "five", 2)
    assert store.get_tree(redone[1].uri, tmp_path / "damaged").is_dir()


def test_other_weights_data_or_champion_are_another_partition(
    store: Store, data: Data, model: ArtifactRef, tmp_path: Path
) -> None:
    run = model.metadata["run"]
    (part,) = predict_parts(store, model, data.test, run, "others", tmp_path / "one")
    (other,) = predict_parts(store, model, data.validation, run, "others", tmp_path / "two")
    put_into_production(store, "others", write_bundle(tmp_path / "bundle", tuple("0123")))
    (later,) = predict_parts(store, model, data.test, f"{run}-2", "others", tmp_path / "three")
    assert len({part.uri, other.uri, later.uri}) == 3
    names = {uri.rpartition("-")[2] for uri in (part.uri, other.uri, later.uri)}
    assert len(names) == 3
