"""How many CTC steps a network gives images in training."""

from collections.abc import Iterable

import numpy as np
import paddle

from ocr_lib.algorithms.ctc_steps import time_steps
from ocr_lib.config.custom_parts import custom_layers
from ocr_lib.data.loading.label_encoder import LabelEncoder
from ocr_lib.models import build_model
from ocr_lib.training.plan import TrainPlan
from ocr_lib.training.system import reading_logits

NO_LIMIT = 1 << 30
Size = tuple[int, int]  # height and width in px


def ctc_lengths(
    plan: TrainPlan, sizes: Iterable[Size], channels: int, label_encoder: LabelEncoder
) -> dict[int, int]:
    """Returns padded width → the fewest CTC steps of an image so wide, in training.

    They are known from the configuration; where a part is of the user's own, the network is built
    and asked.

    Args:
        plan: the run: its networks.
        sizes: heights and padded widths that occur, px.
        channels: of the images.
        label_encoder: a head without CTC has no limit.

    Raises:
        ConfigError: the network cannot be built.
    """
    if not label_encoder.ctc:
        return {width: NO_LIMIT for _, width in sizes}
    if not any(custom_layers(plan.architecture)):
        return {w: time_steps(plan.architecture, w, training=True) for _, w in sizes}
    return _measured(plan, sizes, channels, label_encoder)


def _measured(
    plan: TrainPlan, sizes: Iterable[Size], channels: int, label_encoder: LabelEncoder
) -> dict[int, int]:
    classes = label_encoder.dictionary.num_classes
    model = build_model(plan.architecture, classes, plan.allowed_parts)
    model.train()
    label = label_encoder.dictionary.text([1])
    arrays = {**label_encoder.encode([label] * 2), "valid_ratio": np.ones(2, np.float32)}
    batch = {name: paddle.to_tensor(array) for name, array in arrays.items()}
    fewest: dict[int, int] = {}
    with paddle.no_grad():
        for height, width in sizes:
            outputs = model(paddle.zeros([2, channels, height, width]), batch)
            steps = int(reading_logits(outputs, plan.reading_network).shape[1])
            fewest[width] = min(steps, fewest.get(width, steps))
    return fewest
