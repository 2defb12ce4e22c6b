"""Exported forms that are wrong in the ways that happen, each caught and named."""

import hashlib
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_lib.errors import DataError, ExportError
from ocr_lib.export.parity import certify
from ocr_lib.export.parity_trial import compositions
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS, network, png

Probs = NDArray[np.float32]
IMAGES = {f"{text}.png": png(text) for text in ("a", "abc 123", "f" * 20, "ab" * 15)}


def compare(
    backend: Callable[[Probs], Probs], path: Path, images: dict[str, bytes] = IMAGES
) -> dict[str, Any]:
    return certify(network, {"x": backend}, PREPROCESS, DICTIONARY, images, path / "failure.npz")


def nudged(batch: Probs) -> Probs:
    return network(batch) + np.float32(1e-5)


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


def shifted_last_image(batch: Probs) -> Probs:
    """Reads the padding's width wrong for the last image of a batch."""
    probs = network(batch)
    if len(probs) > 1:
        probs[-1] = np.roll(probs[-1], 1, axis=1)
    return probs


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


def test_the_worst_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=rf"most on image {'ab' * 15}\.png: read in one batch it"):
        compare(shifted_last_image, tmp_path)


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


def test_a_fixed_width_is_named(tmp_path: Path) -> None:
    def fixed(batch: Probs) -> Probs:
        return network(batch)[:, :8]

    with pytest.raises(ExportError, match="fixed a size that must stay open"):
        compare(fixed, tmp_path)


def test_a_form_that_does_not_run_is_named(tmp_path: Path) -> None:
    def refuses(batch: Probs) -> Probs:
        raise ValueError("Got: 64 Expected: 320")

    with pytest.raises(ExportError, match="x does not run at width 64: Got: 64 Expected: 320"):
        compare(refuses, tmp_path)


def test_images_that_cannot_be_decoded_are_left_out(tmp_path: Path) -> None:
    assert compare(nudged, tmp_path, {"bad": b"x", **IMAGES})["images"] == list(IMAGES)
    with pytest.raises(DataError, match="no image"):
        compare(nudged, tmp_path, {"bad": b"x"})


def test_a_score_that_depends_on_the_batch(tmp_path: Path) -> None:
    def slightly(batch: Probs) -> Probs:
        """A line alone is a little less sure: each probability is within its tolerance."""
        return network(batch) * np.float32(1.0 if len(batch) > 1 else 1.0 - 9e-4)

    with pytest.raises(ExportError, match="read in alone it says"):
        compare(slightly, tmp_path)


def test_every_composition_reads_every_line_once() -> None:
    for images in (1, 2, 5, 16):
        found = compositions(images)
        assert all(
            sorted(chain.from_iterable(groups)) == list(range(images)) for groups in found.values()
        )
    assert {len(group) for groups in found.values() for group in groups} == {1, 3, 5, 16}


def test_logits_are_compared(tmp_path: Path) -> None:
    parity = compare(nudged, tmp_path)
    assert parity["max_logit_diff"] == pytest.approx(1e-5 / (0.1 / 11), rel=0.01)
    assert 0 < parity["max_logit_rel_diff"] < parity["max_logit_diff"]


def test_lines_are_kept_with_their_digest(tmp_path: Path) -> None:
    lines = compare(network, tmp_path)["lines"]
    assert [(line["image"], line["text"]) for line in lines] == [
        (name, name.removesuffix(".png")) for name in IMAGES
    ]
    assert lines[0]["sha256"] == hashlib.sha256(png("a")).hexdigest()
