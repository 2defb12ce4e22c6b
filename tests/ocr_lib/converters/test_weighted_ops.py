"""One weighted operation of a graph."""

import numpy as np

from ocr_lib.converters.weighted_ops import WeightedOp


def test_messages_name_kind_shape_and_output() -> None:
    step = WeightedOp("linear", "out", {"weight": np.zeros((4, 3), np.float32)})
    assert step.describe() == "linear [4, 3] (out)"
    assert not step.after_weights
