import paddle

from ocr_lib.models.heads.attention import AttentionHead
from tests.ocr_lib.models.configured import configured


def test_it_writes_a_fixed_number_of_characters() -> None:
    head = configured(AttentionHead, 8, 5, hidden_size=6, max_text_length=4)
    columns = paddle.rand([2, 7, 8])
    head.train()
    assert head(columns).shape == [2, 4, 6]
    head.eval()
    assert paddle.allclose(head(columns).sum(-1), paddle.ones([2, 4]), atol=1e-6)


def test_a_teacher_feeds_the_label_and_not_what_was_written() -> None:
    label = {"label_gtc": paddle.to_tensor([[0, 1, 2, 5]])}
    other = {"label_gtc": paddle.to_tensor([[0, 3, 2, 5]])}
    columns = paddle.rand([1, 7, 8])
    for forcing in (True, False):
        head = configured(
            AttentionHead, 8, 5, hidden_size=6, max_text_length=4, teacher_forcing=forcing
        )
        head.train()
        same = paddle.allclose(head(columns, label), head(columns, other))
        assert bool(same) is not forcing
        assert paddle.allclose(head(columns, label)[:, :2], head(columns, other)[:, :2])
