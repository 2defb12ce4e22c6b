"""A `Loss` block and random outputs for the tests of losses."""

from typing import Any

import numpy as np
import paddle

from ocr_lib.config.schema import ComponentConfig
from ocr_lib.losses import build_loss


def loss_of(name: str, **args: Any) -> paddle.nn.Layer:
    return build_loss(ComponentConfig(name, args))


def logits(*shape: int, seed: int = 0) -> paddle.Tensor:
    return paddle.to_tensor(np.random.default_rng(seed).normal(0, 2, shape).astype(np.float32))


def softmax(x: np.ndarray) -> np.ndarray:
    exp = np.exp(x - x.max(-1, keepdims=True))
    return exp / exp.sum(-1, keepdims=True)


NRTR_LABEL = [[2, 4, 5, 3, 0, 0], [2, 6, 3, 0, 0, 0]]  # start 2, end 3, padding 0


CLASSES = 8


def batch(label: list[list[int]]) -> dict[str, paddle.Tensor]:
    return {"label_gtc": paddle.to_tensor(label)}


def log_probs(x: paddle.Tensor) -> np.ndarray:
    return np.log(softmax(x.numpy().astype(np.float64)))
