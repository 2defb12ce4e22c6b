import paddle
import pytest

from ocr_lib.models import build_model
from tests.ocr_lib.models.architectures import CRNN_LITE, MULTI_SAR


def test_training_gives_logits_and_evaluation_probabilities() -> None:
    model = build_model(CRNN_LITE, 7)
    images = paddle.rand([2, 3, 32, 64])
    model.train()
    logits = model(images)
    model.eval()
    probs = model(images)
    assert logits.shape == probs.shape == [2, 16, 7]
    assert float(logits.min()) < 0
    assert paddle.allclose(probs.sum(-1), paddle.ones([2, 16]))


def test_all_features_are_returned_in_training_where_asked_for() -> None:
    model = build_model({**CRNN_LITE, "return_all_feats": True}, 7)
    images = paddle.rand([2, 3, 32, 64])
    model.train()
    features = model(images)
    assert features["backbone_out"].shape == [2, 288, 1, 16]
    assert features["neck_out"].shape == [2, 16, 96]
    assert features["head_out"].shape == [2, 16, 7]
    model.eval()
    assert model(images).shape == [2, 16, 7]


def test_grey_images_are_read_where_in_channels_says_so() -> None:
    model = build_model({**CRNN_LITE, "in_channels": 1}, 7)
    assert model(paddle.rand([1, 1, 32, 64])).shape == [1, 16, 7]


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [CRNN_LITE, MULTI_SAR])
def test_an_export_with_open_batch_and_width_computes_the_same(architecture, tmp_path) -> None:
    model = build_model(architecture, 7)
    model.eval()
    spec = [paddle.static.InputSpec([None, 3, 32, None], "float32", "x")]
    paddle.jit.save(
        paddle.jit.to_static(model, input_spec=spec, full_graph=True), str(tmp_path / "m")
    )
    exported = paddle.jit.load(str(tmp_path / "m"))
    twin = build_model(architecture, 7)
    twin.set_state_dict(model.state_dict())
    twin.eval()
    for shape in ([1, 3, 32, 64], [3, 3, 32, 120]):
        images = paddle.rand(shape)
        with paddle.no_grad():
            assert paddle.allclose(exported(images), twin(images), atol=1e-5)
