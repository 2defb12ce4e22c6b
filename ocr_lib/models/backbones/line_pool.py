"""The last pooling of PP-OCRv4's backbones: a feature map becomes one row of columns."""

from paddle import Tensor
from paddle.nn import functional

TRAIN_COLUMNS = 40


def pool_to_line(x: Tensor, training: bool, train_columns: int | None) -> Tensor:
    """Averages over the whole height and pairs of columns: [N, C, H, W] → [N, C, 1, W/2].

    In training PaddleOCR makes 40 columns of any width: a label with more characters (and blanks
    between equal neighbours) than that cannot be learnt however wide the image is, and an image
    narrower than the pool stretches. `train_columns=None` keeps the width in training as well.

    Args:
        x: float32 [N, C, H, W].
        training: whether the network is in training mode.
        train_columns: columns in training; None: half of W, as in evaluation.
    """
    if training and train_columns is not None:
        return functional.adaptive_avg_pool2d(x, [1, train_columns])
    return functional.avg_pool2d(x, [x.shape[2], 2])
