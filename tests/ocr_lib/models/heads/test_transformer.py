import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models.heads.multi import NRTRGuide
from ocr_lib.models.heads.transformer import END, START, Transformer
from tests.ocr_lib.models.configured import configured

CLASSES = 6


@pytest.fixture
def head() -> Transformer:
    paddle.seed(0)
    return configured(
        Transformer,
        num_classes=CLASSES,
        d_model=16,
        nhead=2,
        num_encoder_layers=1,
        num_decoder_layers=2,
        max_len=6,
        dim_feedforward=32,
    )


def test_what_was_written_is_what_teaching_it_gives(head: Transformer) -> None:
    head.eval()
    columns = paddle.rand([3, 7, 16])
    written = head(columns)
    assert written.shape[2] == CLASSES + 4
    ids = paddle.concat([paddle.full([3, 1], START, dtype="int64"), written.argmax(-1)], axis=1)
    logits = head._decode(ids[:, :-1], head._encode(columns))
    before_end = (ids[:, :-1] != END).astype("float32").unsqueeze(-1)
    taught = paddle.nn.functional.softmax(logits, -1)
    assert paddle.allclose(taught * before_end, written * before_end, atol=1e-5)


def test_after_the_end_there_is_only_the_end(head: Transformer) -> None:
    head.eval()
    head.decoder[-1].norm3.weight.set_value(paddle.zeros([16]))
    head.decoder[-1].norm3.bias.set_value(paddle.ones([16]))
    only_the_end = paddle.nn.functional.one_hot(paddle.to_tensor([END] * 16), CLASSES + 4)
    head.tgt_word_prj.weight.set_value(only_the_end)
    written = head(paddle.rand([2, 7, 16]))
    assert written.shape == [2, 5, CLASSES + 4]
    assert float(written[:, 0, END].max()) < 1.0
    assert bool((written[:, 1:, END] == 1.0).all())


def test_a_character_does_not_see_those_after_it(head: Transformer) -> None:
    head.train()
    for layer in head.sublayers():
        if isinstance(layer, paddle.nn.Dropout):
            layer.p = 0.0
    columns = paddle.rand([1, 7, 16])
    one, other = (
        head(columns, {"label_gtc": paddle.to_tensor([[START, 4, 5, last, END, 0]])})
        for last in (6, 7)
    )
    assert one.shape == [1, 5, CLASSES + 4]
    assert paddle.allclose(one[:, :3], other[:, :3], atol=1e-6)
    assert not paddle.allclose(one[:, 3:], other[:, 3:], atol=1e-6)


def test_the_guide_is_a_decoder_alone() -> None:
    guide = configured(NRTRGuide, num_classes=CLASSES, nrtr_dim=64, num_decoder_layers=1)
    assert guide.encoder is None
    assert guide.decoder[0].self_attn.heads == 2


def test_beam_search_is_refused() -> None:
    with pytest.raises(ConfigError, match="beam_size: is 4, and beam search is not supported"):
        configured(Transformer, num_classes=CLASSES, beam_size=4)
