"""No certificate, no bundle."""

from pathlib import Path

import numpy as np
import pytest

from ocr_lib.errors import CheckpointError, ExportError
from ocr_lib.export import run as export_run
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store
from tests.components.judged import context, exported, judge
from tests.components.trained_run import Data


def test_other_weights_than_were_evaluated_are_not_exported(
    store: Store, data: Data, model: ArtifactRef, tmp_path: Path
) -> None:
    _, found = judge(store, model, data, "m", tmp_path / "one")
    other = ArtifactRef(found.uri, found.digest, {**found.metadata, "weights_sha256": "0" * 64})
    with pytest.raises(CheckpointError, match=f"but {'0' * 64} were evaluated"):
        exported(context(store, tmp_path / "two"), model, data, other, "m")


def test_the_tensors_of_a_failed_certificate_are_uploaded(
    store: Store,
    data: Data,
    model: ArtifactRef,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The ONNX form forgets a tenth of every probability."""
    _, found = judge(store, model, data, "m", tmp_path / "one")
    real = export_run.onnx_forward

    def wrong(path: Path) -> object:
        forward = real(path)
        return lambda batch: forward(batch) * np.float32(0.9)

    monkeypatch.setattr(export_run, "onnx_forward", wrong)
    with pytest.raises(ExportError, match="uploaded as s3://") as error:
        exported(context(store, tmp_path / "two"), model, data, found, "m")
    uri = str(error.value).rpartition("uploaded as ")[2].rstrip(".")
    with np.load(store.get_file(uri, tmp_path / "kept.npz")) as kept:
        assert sorted(kept) == ["answer", "expected", "input"]
