"""One exported form at one width beside the trained network."""

from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from ocr_lib.errors import ExportError
from ocr_lib.export.parity_trial import compositions
from tests.ocr_lib.barcode import network
from tests.ocr_lib.export.probs import Probs, compare, nudged, shifted_last_image


def test_the_worst_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=rf"most on image {'ab' * 15}\.png: read in one batch it"):
        compare(shifted_last_image, tmp_path)


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
