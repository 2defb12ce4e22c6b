"""Files of weights that Paddle wrote, whole and cut off."""

from pathlib import Path

import paddle
import pytest
from paddle import nn

from ocr_lib.export.paddle_format import save_paddle, save_paddle2
from ocr_lib.export.paddle_weights import is_whole


class Heads(nn.Layer):
    """A network with a head for training only, which is not exported, and a scalar."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.norm, self.head = nn.Linear(4, 8), nn.BatchNorm1D(8), nn.Linear(8, 100)
        self.scale = self.create_parameter([])

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.norm(self.body(x)) * self.scale


@pytest.fixture(scope="module", params=[save_paddle, save_paddle2], ids=["3", "2"])
def weights(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = Heads()
    model.eval()
    folder = tmp_path_factory.mktemp("weights")
    request.param(model, [None, 4], folder)
    return folder / "inference.pdiparams"


def test_what_paddle_wrote_is_whole(weights: Path) -> None:
    assert is_whole(weights)


def test_what_is_cut_off_is_not(weights: Path, tmp_path: Path) -> None:
    content = weights.read_bytes()
    cut = tmp_path / "cut.pdiparams"
    for length in (0, 1, 19, 22, 30, len(content) // 2, len(content) - 1):
        cut.write_bytes(content[:length])
        assert not is_whole(cut), length


@pytest.mark.parametrize("content", [b"text, not weights" * 9, b"\xff" * 64])
def test_other_files_are_not(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    assert not is_whole(tmp_path / "other")
