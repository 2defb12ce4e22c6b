"""Exported forms that are wrong in the ways that happen, each caught and named."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from ocr_lib.data.image import Image, Preprocess
from ocr_lib.errors import DataError, ExportError
from ocr_lib.export.parity import certify
from ocr_lib.inference.bundle import Bundle
from ocr_lib.inference.recognizer import Forward, Recognizer
from ocr_lib.inference.runtimes import onnx_forward
from ocr_lib.training import TrainedModel, forward_of
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS, network, png
from tests.ocr_lib.export.probs import IMAGES, Probs, compare, nudged, shifted_last_image
from tests.ocr_lib.export.random_weights import random_weights


def test_rounding_passes_and_is_reported(tmp_path: Path) -> None:
    (tmp_path / "failure.npz").touch()  # of an attempt before
    parity = compare(nudged, tmp_path)
    assert parity["max_abs_diff"] == pytest.approx(1e-5, rel=0.01)
    assert parity["max_rel_diff"] == pytest.approx(1e-5 / (0.1 / 11), rel=0.01)
    assert parity["texts_equal"] is True
    assert [part["width"] for part in parity["agreements"]] == [64, 128, 256]
    assert not (tmp_path / "failure.npz").exists()


def weak(batch: Probs) -> Probs:
    """A wrong constant somewhere: the same texts with other probabilities."""
    return network(batch) * np.float32(0.99)


def batch_statistics(batch: Probs) -> Probs:
    """Normalises by the batch, as a network left in training mode does."""
    return network(batch - batch.mean() + network_mean)


network_mean = np.float32(0.5)


def not_a_number(batch: Probs) -> Probs:
    probs = network(batch)
    probs[0, 0, 0] = np.nan
    return probs


@pytest.mark.parametrize("wrong", [weak, batch_statistics, shifted_last_image, not_a_number])
def test_wrong_forms_are_caught(wrong: Callable[[Probs], Probs], tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="x at width 64 differs from the trained network"):
        compare(wrong, tmp_path)
    with np.load(tmp_path / "failure.npz") as kept:
        assert sorted(kept) == ["answer", "expected", "input"]
        assert kept["input"].shape == (4, 3, 16, 64)


def test_equal_within_tolerance_but_another_text(tmp_path: Path) -> None:
    def tie(batch: Probs) -> Probs:  # two classes as likely, one hair apart
        probs = np.full_like(network(batch), 0.05)
        probs[..., 1:3] = 0.4
        return probs

    def other(batch: Probs) -> Probs:
        probs = tie(batch)
        probs[..., 2] += np.float32(1e-6)
        return probs

    with pytest.raises(ExportError, match=r"read in one batch it says 'b' .* 'a'"):
        certify(tie, {"x": other}, PREPROCESS, DICTIONARY, IMAGES, tmp_path / "f.npz")


def test_images_that_cannot_be_decoded_are_left_out(tmp_path: Path) -> None:
    assert compare(nudged, tmp_path, {"bad": b"x", **IMAGES})["images"] == list(IMAGES)
    with pytest.raises(DataError, match="no image"):
        compare(nudged, tmp_path, {"bad": b"x"})


def test_lines_are_kept_with_their_digest(tmp_path: Path) -> None:
    lines = compare(network, tmp_path)["lines"]
    assert [(line["image"], line["text"]) for line in lines] == [
        (name, name.removesuffix(".png")) for name in IMAGES
    ]
    assert lines[0]["sha256"] == hashlib.sha256(png("a")).hexdigest()


def check(
    trained: TrainedModel,
    images: dict[str, bytes],
    path: Path,
    *,
    forward: Forward | None = None,
    served: Preprocess | None = None,
) -> dict[str, Any]:
    """Certifies a form of the trained network beside the network itself."""
    reference = forward_of(trained.model)
    return certify(
        reference,
        {"x": forward or reference},
        trained.preprocess,
        trained.dictionary,
        images,
        path / "failure.npz",
        served=served,
    )


class ShiftedPadding(Preprocess):
    """Pads one pixel on the left."""

    def batch(self, images: list[Image], width: int) -> NDArray[np.float32]:
        return np.roll(super().batch(images, width), 1, axis=3)


class WiderByOne(Preprocess):
    """Rounds the width up once too often, so that there is a pixel less of padding."""

    def resized_width(self, width: int, height: int) -> int:
        return min(self.buckets[-1], super().resized_width(width, height) + 1)


class GreyPadding(Preprocess):
    """Pads one pixel with black instead of mid-grey."""

    def batch(self, images: list[Image], width: int) -> NDArray[np.float32]:
        out = super().batch(images, width)
        for row, image in zip(out, images, strict=True):
            row[:, :, image.shape[1] : image.shape[1] + 1] = -1.0
        return out


@pytest.mark.parametrize("kind", [ShiftedPadding, WiderByOne, GreyPadding])
def test_one_pixel_of_padding(
    kind: type[Preprocess], trained: TrainedModel, images: dict[str, bytes], tmp_path: Path
) -> None:
    served = kind.from_dict(trained.preprocess.to_dict())
    wanted = r"makes another input at width \d+: image \d\.png differs by .* columns from \d+ on"
    with pytest.raises(ExportError, match=wanted):
        check(trained, images, tmp_path, served=kind(**vars(served)))
    with np.load(tmp_path / "failure.npz") as kept:
        assert not np.array_equal(kept["answer"], kept["expected"])


def test_another_height_of_input(
    trained: TrainedModel, images: dict[str, bytes], tmp_path: Path
) -> None:
    values = trained.preprocess.to_dict() | {"height": trained.preprocess.height + 1}
    with pytest.raises(ExportError, match="makes an input of"):
        check(trained, images, tmp_path, served=Preprocess.from_dict(values))


def test_an_onnx_file_with_a_fixed_width(
    bundle: Bundle, trained: TrainedModel, images: dict[str, bytes], tmp_path: Path
) -> None:
    model = onnx.load(bundle.root / "model.onnx")
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 64
    onnx.save(model, tmp_path / "fixed.onnx")
    with pytest.raises(ExportError, match=r"x does not run at width 128: .*"):
        check(trained, images, tmp_path, forward=onnx_forward(tmp_path / "fixed.onnx"))


def test_an_export_of_other_weights(
    trained: TrainedModel, images: dict[str, bytes], tmp_path: Path
) -> None:
    other = forward_of(random_weights(trained))
    with pytest.raises(ExportError, match="x at width 64 differs from the trained network"):
        check(trained, images, tmp_path, forward=other)


def test_the_certificate_keeps_what_is_read(
    trained: TrainedModel, images: dict[str, bytes], tmp_path: Path
) -> None:
    found = check(trained, images, tmp_path)
    reader = Recognizer(trained.preprocess, trained.dictionary, forward_of(trained.model))
    answers = reader.read(list(images.values()))
    assert [line["text"] for line in found["lines"]] == [answer.text for answer in answers]
    assert [line["score"] for line in found["lines"]] == [answer.score for answer in answers]
    assert found["batches"] == ["one batch", "alone", "threes", "fives"]
    assert found["max_score_diff"] < 1e-5
