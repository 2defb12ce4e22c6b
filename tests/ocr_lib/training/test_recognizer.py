"""Recognizers of trained networks read what the network computes."""

from pathlib import Path

import numpy as np
import paddle
from paddle import nn

from ocr_lib.algorithms import CTC
from ocr_lib.training.recognizer import forward_of, trained_recognizer
from ocr_lib.training.run_dir import TrainedModel
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS, network, png
from tests.ocr_lib.training.line_data import small_config


class Columns(nn.Layer):
    """Reads the grey columns of `barcode` images: [N, 3, 16, W] → [N, T, K]."""

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return paddle.to_tensor(network(x.numpy()))


def test_a_network_is_called_without_gradients() -> None:
    layer = nn.Linear(2, 3)
    values = np.float32([[1, 2]])
    output = forward_of(layer)(values)
    np.testing.assert_array_equal(output, layer(paddle.to_tensor(values)).numpy())
    assert isinstance(output, np.ndarray)
    assert layer.weight.grad is None


def test_it_reads_by_the_networks_own_parts(tmp_path: Path) -> None:
    config = small_config(tmp_path, tmp_path, tmp_path)
    trained = TrainedModel(config, Columns(), DICTIONARY, PREPROCESS, "digest", CTC)
    images = [png(text) for text in ("cab 12", "f")]
    assert [r.text for r in trained_recognizer(trained).read(images)] == ["cab 12", "f"]
    blank = np.zeros((1, 1, DICTIONARY.num_classes), np.float32)
    other = trained_recognizer(trained, lambda batch: blank.repeat(len(batch), 0))
    assert [r.text for r in other.read(images)] == ["", ""]
