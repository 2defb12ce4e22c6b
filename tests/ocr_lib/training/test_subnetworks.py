"""One of several networks, and its part of a checkpoint."""

from collections.abc import Mapping

import numpy as np
import pytest
from paddle import nn

from ocr_lib.models.distillation import DistillationModel
from ocr_lib.training.checkpoint import NAME_TABLE
from ocr_lib.training.subnetworks import part_of, sub_network

WEIGHT, OTHER = np.zeros((2, 2)), np.ones((2, 2))


def test_a_network_is_found_by_its_name() -> None:
    student, teacher = nn.Linear(2, 2), nn.Linear(2, 2)
    model = DistillationModel({"Student": student, "Teacher": teacher}, pretrained={}, frozen=set())
    assert sub_network(model, "Teacher") is teacher
    assert sub_network(student, "") is student


@pytest.mark.parametrize(
    ("params", "name", "expected"),
    [
        ({"weight": WEIGHT, "x": OTHER}, "Teacher", {"weight": WEIGHT, "x": OTHER}),
        ({"Teacher.weight": WEIGHT, "Student.weight": OTHER}, "Teacher", {"weight": WEIGHT}),
        ({"Student.weight": OTHER, "Other.weight": WEIGHT}, "Teacher", {"weight": OTHER}),
        ({"foreign": WEIGHT, NAME_TABLE: {}}, "", {"foreign": WEIGHT}),
    ],
)
def test_the_part_of_a_network(
    params: Mapping[str, np.ndarray], name: str, expected: Mapping[str, np.ndarray]
) -> None:
    part = part_of(params, nn.Linear(2, 2), name)
    assert set(part) == set(expected)
    for key, value in expected.items():
        assert part[key] is value
