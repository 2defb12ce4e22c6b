"""A CTC head and, in training, one that guides the backbone."""

import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models import build_model
from tests.ocr_lib.models.architectures import MULTI_NRTR, MULTI_SAR, TINY_BACKBONE


def test_a_multi_head_gives_its_own_neck_as_the_networks() -> None:
    model = build_model({**MULTI_SAR, "return_all_feats": True}, 7)
    model.train()
    batch = {"label_sar": paddle.to_tensor([[7, 1, 7, 8]]), "valid_ratio": paddle.ones([1])}
    features = model(paddle.rand([1, 3, 32, 64]), batch)
    assert features["neck_out"].shape == [1, 16, 8]
    assert set(features["head_out"]) == {"ctc", "ctc_neck", "sar"}
    assert features["head_out"]["sar"].shape == [1, 4, 8]


def test_a_multi_head_pools_the_sequence_of_svtr() -> None:
    backbone = {
        "name": "SVTRNet",
        "img_size": [48, 64],
        "embed_dim": [16, 16, 16],
        "depth": [1, 1, 1],
        "num_heads": [1, 1, 1],
        "mixer": ["Conv", "Conv", "Global"],
        "local_mixer": [[5, 5], [5, 5], [5, 5]],
        "last_stage": False,
    }
    head = {**MULTI_NRTR["Head"], "use_pool": True, "use_pos": True}
    model = build_model({"Backbone": backbone, "Head": head}, 7)
    images = paddle.rand([2, 3, 48, 64])
    model.train()
    outputs = model(images, {"label_gtc": paddle.to_tensor([[2, 4, 3], [2, 3, 0]])})
    assert outputs["ctc"].shape == [2, 8, 7]
    assert outputs["nrtr"].shape == [2, 2, 11]
    model.eval()
    assert model(images).shape == [2, 8, 7]


@pytest.mark.parametrize(
    ("head_list", "message"),
    [
        ([{"SARHead": {"enc_dim": 8}}], "Architecture.Head.head_list: has no CTCHead"),
        (
            [{"CTCHeads": {}}],
            "Head.head_list.0: is 'CTCHeads', which is not known. The nearest .* CTCHead",
        ),
        (
            [{"CTCHead": {"Necks": {}}}],
            "head_list.0.CTCHead.Necks: is not an argument of CTCHead. The nearest .* Neck",
        ),
        (
            [{"CTCHead": {"Neck": {"name": "svtr", "dim": 8}}}],
            "CTCHead.Neck.dim: is not an argument of EncoderWithSVTR. The nearest .* dims",
        ),
        ([{"CTCHead": {}, "SARHead": {}}], "Write one name with its arguments"),
        (
            [{"CTCHead": {}}, {"SARHead": {"dec_bi_rnn": True}}],
            "head_list.1.SARHead.dec_bi_rnn: is True, and only false is available",
        ),
    ],
)
def test_a_wrong_multi_head_is_refused(head_list, message) -> None:
    architecture = {
        "Backbone": TINY_BACKBONE,
        "Head": {"name": "MultiHead", "head_list": head_list},
    }
    with pytest.raises(ConfigError, match=message):
        build_model(architecture, 7)
