"""An exported network in Paddle's inference engine and in ONNX Runtime."""

from pathlib import Path

import numpy as np
import pytest

from ocr_lib.data.dataset import open_dataset
from ocr_lib.export.paddle_runtime import RUNTIMES
from ocr_lib.inference.bundle import Bundle
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.training import forward_of, load_run


@pytest.mark.parametrize("backend", ["onnx", "paddle"])
def test_exported_model_reads_as_the_trained_one(
    bundle: Bundle, run_dir: Path, backend: str
) -> None:
    trained = load_run(run_dir)
    dataset = open_dataset(trained.config.eval)
    images = [dataset.sample(i).image for i in range(len(dataset))]
    reader = Recognizer(trained.preprocess, trained.dictionary, forward_of(trained.model))
    expected, answers = (
        reader.read(images),
        open_bundle(bundle.root, RUNTIMES[backend]).read(images),
    )
    assert [answer.text for answer in answers] == [answer.text for answer in expected]
    scores = [[answer.score for answer in many] for many in (answers, expected)]
    np.testing.assert_allclose(*scores, atol=1e-5)
