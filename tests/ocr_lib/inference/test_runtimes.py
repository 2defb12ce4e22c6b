"""Reading images with an exported model."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from ocr_lib.inference.bundle import BundleError
from ocr_lib.inference.runtimes import onnx_forward, onnx_runtime, open_bundle
from tests.ocr_lib.serving.tiny_bundle import CHARACTERS, line_image, write_bundle


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "tiny")


def test_an_opened_bundle_reads_with_its_own_preprocessing(tiny: Path) -> None:
    found = open_bundle(tiny).read([line_image("abc"), line_image("é中"), b"text"])
    assert [result.text for result in found] == ["abc", "é中", ""]
    assert found[2].error


@pytest.mark.parametrize("optimised", [True, False])
@pytest.mark.parametrize("threads", [1, 2])
def test_probabilities_depend_on_neither_threads_nor_batch(
    tiny: Path, threads: int, optimised: bool
) -> None:
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (5, 3, 32, 96)).astype(np.float32)
    expected = onnx_runtime(tiny)(images)
    assert expected.shape == (5, 12, len(CHARACTERS) + 1)
    forward = onnx_forward(tiny / "model.onnx", threads, optimised=optimised)
    np.testing.assert_allclose(forward(images), expected, atol=1e-6)
    np.testing.assert_allclose(
        np.concatenate([forward(i[None]) for i in images]), expected, atol=1e-6
    )
    assert forward(images).dtype == np.float32


def test_a_changed_file_is_refused_unless_it_was_checked_before(tiny: Path) -> None:
    model = onnx.load(tiny / "model.onnx")
    model.doc_string = "changed"
    onnx.save(model, tiny / "model.onnx")
    with pytest.raises(BundleError, match=r"model\.onnx: not the file that was exported"):
        open_bundle(tiny)
    assert open_bundle(tiny, verify=False).read([line_image("a")])[0].text == "a"


def test_another_runtime_gets_folder_and_threads(tiny: Path) -> None:
    asked = []

    def runtime(root: Path, threads: int):
        asked.append((root, threads))
        return onnx_runtime(root, threads)

    assert open_bundle(tiny, runtime, threads=3).read([line_image("cab")])[0].text == "cab"
    assert asked == [(tiny, 3)]
