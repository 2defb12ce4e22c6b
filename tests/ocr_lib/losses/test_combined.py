"""A weighted list of losses."""

import paddle
import pytest

from ocr_lib.errors import ConfigError
from tests.ocr_lib.losses.part import logits, loss_of

BATCH = {
    "label_ctc": paddle.to_tensor([[1, 2], [3, 0]], dtype="int32"),
    "length": paddle.to_tensor([2, 1]),
}


def test_parts_are_weighed_named_and_summed() -> None:
    x = logits(2, 5, 6)
    parts = [{"CTCLoss": {"weight": 2.0}}, {"ACELoss": {"weight": 0.5}}]
    losses = loss_of("CombinedLoss", loss_config_list=parts)(x, BATCH)
    ctc = float(loss_of("CTCLoss")(x, BATCH)["loss"])
    ace = float(loss_of("EnhancedCTCLoss", use_ace_loss=True)(x, BATCH)["loss_ace"]) / 0.1
    assert set(losses) == {"loss", "loss_ace"}  # the CTC loss is called `loss`, as is the sum
    assert float(losses["loss_ace"]) == pytest.approx(0.5 * ace, rel=1e-5)
    assert float(losses["loss"]) == pytest.approx(2 * ctc + 0.5 * ace, rel=1e-5)


def test_one_loss_may_occur_twice() -> None:
    x = logits(2, 5, 6)
    parts = [{"CTCLoss": {"weight": 1.0}}, {"CTCLoss": {"weight": 2.0}}]
    losses = loss_of("CombinedLoss", loss_config_list=parts)(x, BATCH)
    ctc = float(loss_of("CTCLoss")(x, BATCH)["loss"])
    assert float(losses["loss"]) == pytest.approx(3 * ctc, rel=1e-5)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"CTCLoss": {}}, r"loss_config_list\.0\.CTCLoss: CTCLoss needs weight"),
        ({"CTCLoss": {"weight": "much"}}, r"CTCLoss\.weight: is 'much'"),
        ({"CTCLos": {"weight": 1.0}}, r"loss_config_list\.0: .*nearest known name is CTCLoss"),
        ({"CTCLoss": {"weight": 1.0, "focal": True}}, r"CTCLoss\.focal: is not an argument"),
    ],
)
def test_a_wrong_part_is_refused_by_its_key(part, message) -> None:
    with pytest.raises(ConfigError, match=message):
        loss_of("CombinedLoss", loss_config_list=[part])
