"""The loss of a multi-head."""

import paddle
import pytest

from tests.ocr_lib.losses.part import CLASSES, NRTR_LABEL, batch, logits, loss_of


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
