"""A network that never learnt."""

from typing import Any

import paddle

from ocr_lib.models import build_model
from ocr_lib.training import TrainedModel


def random_weights(trained: TrainedModel) -> Any:
    paddle.seed(3)
    model = build_model(trained.config.architecture, trained.dictionary.num_classes)
    model.eval()
    return model
