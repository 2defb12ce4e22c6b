"""The loss of RARE's head against its definition."""

import pytest

from tests.ocr_lib.losses.part import CLASSES, batch, log_probs, logits, loss_of


def test_attention_sums_over_everything() -> None:
    label = [[0, 1, 2, 7, 0]]
    x = logits(1, 5, CLASSES)
    expected = -sum(log_probs(x)[0, step, true] for step, true in enumerate(label[0]))
    loss = loss_of("AttentionLoss")(x, batch(label))["loss"]
    assert float(loss) == pytest.approx(expected, rel=1e-5)
