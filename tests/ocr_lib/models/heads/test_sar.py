import paddle
import pytest

from ocr_lib.models.heads.sar import SARHead, valid_columns
from tests.ocr_lib.models.configured import configured

CLASSES = 6  # five characters and CTC's blank; SAR: unknown 5, start and end 6, padding 7
START = 6


@pytest.fixture
def head() -> SARHead:
    paddle.seed(0)
    return configured(SARHead, 12, CLASSES, enc_dim=8, d_k=8, max_text_length=5, enc_drop_rnn=0.0)


def test_filled_columns_round_up_and_stay_inside() -> None:
    ratios = paddle.to_tensor([0.0, 0.01, 0.5, 0.51, 1.0, 1.2])
    assert valid_columns(ratios, 10).tolist() == [1, 1, 5, 6, 10, 10]


def test_what_was_written_is_what_teaching_it_gives(head: SARHead) -> None:
    head.eval()
    features = paddle.rand([3, 12, 2, 9])
    ratios = paddle.to_tensor([1.0, 0.5, 0.2])
    written = head(features, {"valid_ratio": ratios})
    assert written.shape == [3, 5, CLASSES + 1]
    start = paddle.full([3, 1], START, dtype="int64")
    label = paddle.concat([start, written.argmax(-1)[:, :-1]], axis=1)
    filled = valid_columns(ratios, 9)
    summary = head.encoder(features, filled)
    taught = head.decoder.teach(features, summary, label, filled)
    assert paddle.allclose(paddle.nn.functional.softmax(taught, -1), written, atol=1e-5)


def test_a_sample_does_not_depend_on_its_batch_mates(head: SARHead) -> None:
    head.eval()
    features, ratios = paddle.rand([4, 12, 2, 9]), paddle.to_tensor([1.0, 0.3, 0.6, 0.9])
    together = head(features, {"valid_ratio": ratios})
    for i in range(4):
        alone = head(features[i : i + 1], {"valid_ratio": ratios[i : i + 1]})
        assert paddle.allclose(alone[0], together[i], atol=1e-5)


def test_empty_columns_get_no_attention(head: SARHead) -> None:
    head.eval()
    features = paddle.rand([1, 12, 2, 9])
    changed = features.clone()
    changed[:, :, :, 6:] = 5.0  # beyond column 4 and its 3 x 3 neighbours
    outputs = [head(x, {"valid_ratio": paddle.to_tensor([0.5])}) for x in (features, changed)]
    assert paddle.allclose(*outputs, atol=1e-6)
    assert not paddle.allclose(head(features), head(changed), atol=1e-6)


@pytest.mark.parametrize("arguments", [{"enc_gru": True, "dec_gru": True}, {"enc_bi_rnn": True}])
def test_variants_learn(arguments) -> None:
    head = configured(SARHead, 12, CLASSES, enc_dim=8, d_k=8, pred_concat=False, **arguments)
    head.train()
    batch = {"label_sar": paddle.to_tensor([[START, 1, 2, START, 7]])}
    logits = head(paddle.rand([1, 12, 2, 9]), batch)
    assert logits.shape == [1, 5, CLASSES + 1]
    logits.sum().backward()
    assert head.decoder.prediction.weight.grad is not None
