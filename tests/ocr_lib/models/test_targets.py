"""The labels a network is taught with, by name."""

import paddle
import pytest

from ocr_lib.errors import DataError
from ocr_lib.models import build_model
from ocr_lib.models.targets import guide_label
from tests.ocr_lib.models.architectures import MULTI_SAR


def test_a_guiding_head_without_its_label_says_so() -> None:
    model = build_model(MULTI_SAR, 7)
    model.train()
    with pytest.raises(DataError, match="label_gtc: the batch has no label"):
        model(paddle.rand([1, 3, 32, 64]), {})


def test_the_label_of_an_attention_head_goes_by_either_name() -> None:
    label = paddle.to_tensor([[2, 4, 3]], dtype="int32")
    for name in ("label_gtc", "label_sar"):
        found = guide_label({name: label, "label_ctc": label + 1})
        assert found.dtype == paddle.int64
        assert found.tolist() == [[2, 4, 3]]


@pytest.mark.parametrize("batch", [None, {}, {"label_ctc": paddle.ones([1, 2])}])
def test_a_batch_without_one_says_what_to_configure(batch) -> None:
    with pytest.raises(DataError, match="Use MultiLabelEncode"):
        guide_label(batch)
