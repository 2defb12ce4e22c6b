import time
from dataclasses import asdict
from pathlib import Path

import pytest
from kfp import dsl

from components.reopen.component import reopen
from ocr_lib.runspec.judged_run import JudgedRun, save_record
from ocr_lib.runspec.options import parse_options
from ocr_lib.storage.artifact_ref import ArtifactRef, read_optional_ref
from ocr_lib.storage.store import Store
from tests.components.run_specs import spec_ref
from tests.ocr_lib.registry.used_bucket import UsedBucket, bucket

__all__ = ["bucket"]

MODEL = ArtifactRef("s3://ocr/runs/reopened", "ab" * 32, {"checkpoint": "latest"})
TEST = ArtifactRef("s3://ocr/datasets/test", "cd" * 32, {"samples": 600})


def run(folder: Path, name: str) -> tuple[list[dict[str, int]], dict[str, dsl.Artifact]]:
    folder.mkdir()
    names = ("spec", "model", "train_lmdb", "validation_lmdb", "test_lmdb")
    outputs = {name: dsl.Artifact(uri=str(folder / name)) for name in names}
    return reopen.python_func(run=name, **outputs), outputs


@pytest.mark.parametrize("validation", [TEST, None])
def test_everything_that_a_run_was_judged_on_is_handed_on(
    store: Store, tmp_path: Path, validation: ArtifactRef | None
) -> None:
    spec = spec_ref(store, options=parse_options({"evaluate": {"max_pods": 2}}))
    record = JudgedRun(spec=spec, model=MODEL, train=TEST, validation=validation, test=TEST)
    save_record(store, "reopened", record)
    partitions, outputs = run(tmp_path / "out", "reopened")
    assert [rows["first"] for rows in partitions] == [0, partitions[0]["last"]]
    assert partitions[-1]["last"] == 600
    found = {name: read_optional_ref(artifact) for name, artifact in outputs.items()}
    assert found == {
        "spec": spec,
        "model": MODEL,
        "train_lmdb": TEST,
        "validation_lmdb": validation,
        "test_lmdb": TEST,
    }
    assert asdict(record)["test"] == asdict(TEST)


def test_a_run_that_is_judged_again_counts_as_used(bucket: UsedBucket, tmp_path: Path) -> None:
    spec = spec_ref(bucket.store)
    record = JudgedRun(spec=spec, model=MODEL, train=TEST, validation=None, test=TEST)
    save_record(bucket.store, "reopened", record)
    bucket.age(100, "evaluations/")
    run(tmp_path / "out", "reopened")
    assert bucket.store.list("evaluations/")[0].modified == pytest.approx(time.time(), abs=600)


def test_a_run_that_was_never_judged_ends_the_step(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        run(tmp_path / "out", "nosuch")
    assert exit_.value.code == 2
    assert capsys.readouterr().err.startswith("reopen: run: nosuch was never judged. Give the id")
