import pytest
from paddle import nn

from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import ComponentConfig
from ocr_lib.errors import ConfigError
from ocr_lib.models.parts import build, construct
from tests.ocr_lib.models.own_backbone import OwnBackbone


def test_supplied_arguments_that_a_part_does_not_take_are_left_out() -> None:
    config = ComponentConfig("Linear", {"out_features": 2})
    layer = construct(
        {"Linear": nn.Linear}, config, SourceLocation(("X",), {}), in_features=3, spare=1
    )
    assert layer.weight.shape == [3, 2]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"width": "wide"}, r"^X.width: is 'wide'. Write a whole number"),
        ({"widht": 3}, r"^X.widht: is not an argument of OwnBackbone. The nearest .* is width"),
    ],
)
def test_arguments_of_a_custom_part_are_checked_by_its_annotations(args, message) -> None:
    with pytest.raises(ConfigError, match=message):
        build(OwnBackbone, args, SourceLocation(("X",), {}), in_channels=3)
