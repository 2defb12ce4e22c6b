"""The losses of SAR's, NRTR's and RARE's heads against their definitions."""

import numpy as np
import paddle
import pytest

from tests.ocr_lib.losses.part import logits, loss_of, softmax

NRTR_LABEL = [[2, 4, 5, 3, 0, 0], [2, 6, 3, 0, 0, 0]]  # start 2, end 3, padding 0
CLASSES = 8


def batch(label: list[list[int]]) -> dict[str, paddle.Tensor]:
    return {"label_gtc": paddle.to_tensor(label)}


def log_probs(x: paddle.Tensor) -> np.ndarray:
    return np.log(softmax(x.numpy().astype(np.float64)))


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


def test_attention_sums_over_everything() -> None:
    label = [[0, 1, 2, 7, 0]]
    x = logits(1, 5, CLASSES)
    expected = -sum(log_probs(x)[0, step, true] for step, true in enumerate(label[0]))
    loss = loss_of("AttentionLoss")(x, batch(label))["loss"]
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_a_multi_loss_weighs_its_parts() -> None:
    entries = [{"CTCLoss": None}, {"NRTRLoss": {"smoothing": False}}]
    outputs = {"ctc": logits(2, 9, CLASSES), "nrtr": logits(2, 5, CLASSES, seed=1)}
    labels = {
        **batch(NRTR_LABEL),
        "label_ctc": paddle.to_tensor([[1, 2], [3, 0]], dtype="int32"),
        "length": paddle.to_tensor([2, 1]),
    }
    one = loss_of("MultiLoss", loss_config_list=entries)(outputs, labels)
    weighed = loss_of("MultiLoss", loss_config_list=entries, weight_1=0.5, weight_2=3.0)
    other = weighed(outputs, labels)
    assert float(other["CTCLoss"]) == pytest.approx(0.5 * float(one["CTCLoss"]))
    assert float(other["NRTRLoss"]) == pytest.approx(3.0 * float(one["NRTRLoss"]))
    total = float(other["CTCLoss"]) + float(other["NRTRLoss"])
    assert float(other["loss"]) == pytest.approx(total)
