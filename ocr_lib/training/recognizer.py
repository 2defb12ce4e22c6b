"""Recognizers that run a trained network."""

from collections.abc import Callable

import numpy as np
import paddle
from numpy.typing import NDArray

from ocr_lib.inference.recognizer import Forward, Recognizer
from ocr_lib.training.run_dir import TrainedModel


def trained_recognizer(trained: TrainedModel, forward: Forward | None = None) -> Recognizer:
    """Returns what reads with a trained network, or with another form of it."""
    forward = forward or forward_of(trained.model)
    decode = trained.algorithm.tokenizer.decode
    return Recognizer(trained.preprocess, trained.dictionary, forward, decode=decode)


def forward_of(network: Callable[[paddle.Tensor], paddle.Tensor]) -> Forward:
    """Wraps a paddle network for `Recognizer`: float32 [N, C, H, W] → probabilities [N, T, K]."""

    def forward(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with paddle.no_grad():
            output: NDArray[np.float32] = network(paddle.to_tensor(images)).numpy()
        return output

    return forward
