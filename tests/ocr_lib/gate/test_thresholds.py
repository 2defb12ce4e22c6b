"""Limits of the gate, as a configuration gives them."""

import math

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.gate import Thresholds


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"min_acuracy": 0.9}, "gate.min_acuracy"),
        ({"min_accuracy": 90}, "gate.min_accuracy"),
        ({"min_accuracy": math.nan}, "gate.min_accuracy"),
        ({"min_samples": 0}, "gate.min_samples"),
        ({"confidence": 1.0}, "gate.confidence"),
        ({"min_accuracy": "high"}, "gate.min_accuracy"),
        ({"min_samples": True}, "gate.min_samples"),
        ({"max_latency_ratio": -1.0}, "gate.max_latency_ratio"),
        ({"proof": "surely"}, "gate.proof"),
    ],
)
def test_thresholds_are_checked(values: dict[str, object], where: str) -> None:
    with pytest.raises(ConfigError, match=where):
        Thresholds.from_dict(values)
