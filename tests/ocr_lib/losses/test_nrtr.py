"""The losses of NRTR's head against their definition."""

import numpy as np
import pytest

from tests.ocr_lib.losses.part import (
    CLASSES,
    NRTR_LABEL,
    batch,
    log_probs,
    logits,
    loss_of,
)


@pytest.mark.parametrize("smoothing", [True, False])
def test_nrtr_counts_characters_and_ends(smoothing: bool) -> None:
    x = logits(2, 5, CLASSES)
    logs, expected = log_probs(x), []
    for row, label in enumerate(NRTR_LABEL):
        for step, true in enumerate(label[1:]):
            if true:
                target = np.full(CLASSES, 0.1 / (CLASSES - 1) if smoothing else 0.0)
                target[true] = 0.9 if smoothing else 1.0
                expected.append(-(target * logs[row, step]).sum())
    loss = loss_of("NRTRLoss", smoothing=smoothing)(x, batch(NRTR_LABEL))["loss"]
    assert float(loss) == pytest.approx(np.mean(expected), rel=1e-5)
    same = loss_of("CELoss", smoothing=smoothing, ignore_index=0)(x, batch(NRTR_LABEL))["loss"]
    assert float(same) == pytest.approx(float(loss))


def test_nrtr_does_not_see_how_far_labels_are_padded() -> None:
    x, loss = logits(2, 5, CLASSES), loss_of("NRTRLoss")
    cut = [label[:4] for label in NRTR_LABEL]
    expected = float(loss(x, batch(NRTR_LABEL))["loss"])
    assert float(loss(x[:, :3], batch(cut))["loss"]) == pytest.approx(expected)


def test_plain_cross_entropy_counts_padding_up_to_the_longest_label() -> None:
    x = logits(2, 5, CLASSES)
    logs = log_probs(x)
    steps = [(r, s, NRTR_LABEL[r][s + 1]) for r in range(2) for s in range(3)]
    expected = -np.mean([logs[step] for step in steps])
    loss = loss_of("CELoss")(x, batch(NRTR_LABEL))["loss"]
    assert float(loss) == pytest.approx(expected, rel=1e-5)
