"""ResNet31 makes a map of a text line, for SAR's attention."""

import pytest

from ocr_lib.models.backbones.resnet31 import ResNet31
from tests.ocr_lib.models.backbones.columns import columns
from tests.ocr_lib.models.configured import configured

SMALL = {"layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16, 16, 16, 16]}


@pytest.mark.parametrize(
    ("arguments", "features"), [({}, [16, 6, 10]), ({"last_stage_pool": True}, [16, 3, 5])]
)
def test_an_image_becomes_a_map(arguments, features) -> None:
    assert columns(configured(ResNet31, **SMALL, **arguments), 3, 48, 40) == features


def test_more_layers_have_more_parameters() -> None:
    sizes = [
        len(configured(ResNet31, **{**SMALL, "layers": [n, 1, 1, 1]}).parameters())
        for n in (1, 2, 3)
    ]
    assert sizes[1] - sizes[0] == sizes[2] - sizes[1] > 0
