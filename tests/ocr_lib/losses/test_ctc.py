import itertools

import numpy as np
import paddle
import pytest

from tests.ocr_lib.losses.ctc_batch import BATCH, LABELS, LENGTHS
from tests.ocr_lib.losses.part import logits, loss_of, softmax


def path_losses(probs: np.ndarray) -> np.ndarray:
    """The definition: the probabilities of all paths that read as the label, summed."""
    steps, classes = probs.shape[1:]
    losses = []
    for row, label, length in zip(probs, LABELS, LENGTHS, strict=True):
        total = 0.0
        for path in itertools.product(range(classes), repeat=steps):
            read = [k for k, _ in itertools.groupby(path) if k]
            if read == label[:length]:
                total += float(np.prod(row[np.arange(steps), path]))
        losses.append(-np.log(total))
    return np.array(losses)


def test_it_is_the_probability_of_all_paths() -> None:
    x = logits(3, 4, 3)
    expected = path_losses(softmax(x.numpy()))
    assert float(loss_of("CTCLoss")(x, BATCH)["loss"]) == pytest.approx(expected.mean(), rel=1e-5)
    focal = (expected * (1 - np.exp(-expected)) ** 2).mean()
    loss = loss_of("CTCLoss", use_focal_loss=True)(x, BATCH)["loss"]
    assert float(loss) == pytest.approx(focal, rel=1e-5)


def test_padding_of_the_labels_does_not_count() -> None:
    x, loss = logits(3, 6, 3), loss_of("CTCLoss")
    wide = {**BATCH, "label_ctc": paddle.nn.functional.pad(BATCH["label_ctc"], [0, 5])}
    assert float(loss(x, wide)["loss"]) == pytest.approx(float(loss(x, BATCH)["loss"]))
