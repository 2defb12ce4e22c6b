"""The loss of SAR's head against its definition."""

import numpy as np
import pytest

from tests.ocr_lib.losses.part import (
    CLASSES,
    batch,
    log_probs,
    logits,
    loss_of,
)


def test_sar_counts_all_but_padding() -> None:
    end, padding = CLASSES - 1, CLASSES
    label = [[end, 1, 2, end, padding], [end, 0, end, padding, padding]]
    x = logits(2, 5, CLASSES)
    logs = log_probs(x)
    counted = [(r, s, label[r][s + 1]) for r in range(2) for s in range(4)]
    expected = -np.mean([logs[c] for c in counted if c[2] != padding])
    for arguments in ({}, {"ignore_index": padding}):
        loss = loss_of("SARLoss", **arguments)(x, batch(label))["loss"]
        assert float(loss) == pytest.approx(expected, rel=1e-5)
