import pytest
from paddle import nn

from ocr_lib.errors import ConfigError
from ocr_lib.models import build_model
from ocr_lib.models.parts import choose, construct
from tests.ocr_lib.models.architectures import CRNN_LITE


class OwnBackbone(nn.Layer):
    def __init__(self, in_channels: int, width: int = 8):
        super().__init__()
        self.out_channels = width
        self.conv = nn.Conv2D(in_channels, width, 32, stride=(32, 4), padding=(0, 14))

    def forward(self, x):
        return self.conv(x)


def test_a_user_plugs_in_a_backbone_by_module_and_class() -> None:
    block = {"name": f"{__name__}:OwnBackbone", "width": 12}
    allowed = frozenset({block["name"]})
    model = build_model({**CRNN_LITE, "Backbone": block}, num_classes=5, allowed_parts=allowed)
    assert model.backbone.out_channels == 12
    assert model.neck.encoder.lstm.weight_ih_l0.shape[1] == 12


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (
            {"Backbone": {"name": "MobileNetv3"}},
            "Architecture.Backbone.name: unknown name .*MobileNetV3",
        ),
        (
            {"Backbone": {"name": "MobileNetV3", "scales": 1}},
            "Backbone.scales: .*Did you mean scale?",
        ),
        ({"Backbone": {"name": "MobileNetV3", "scale": 0.6}}, "Backbone.scale: unknown value 0.6"),
        ({"Backbone": {"scale": 0.5}}, "Backbone.name: no name is given"),
        ({"Backbone": {"name": "MobileNetV3", "in_channels": 3}}, "Backbone.in_channels: unknown"),
        ({"Backbone": {"name": f"{__name__}:OwnBackbone"}}, "Backbone.name: .* is a custom part"),
        ({"Backbone": None}, "Architecture.Backbone: it is missing"),
        ({"Backbones": None}, "Architecture.Backbones: unknown key.*Did you mean Backbone?"),
        (
            {"Neck": {"name": "SequenceEncoder", "encoder_type": "rnnn"}},
            "encoder_type: .*mean rnn?",
        ),
        ({"Neck": {"name": "SequenceEncoder"}}, "Neck.encoder_type: SequenceEncoder needs it"),
        (
            {"Neck": {"name": "SequenceEncoder", "encoder_type": "reshape", "hidden_size": 9}},
            "Neck.hidden_size: encoder_type reshape has no arguments",
        ),
        (
            {"Neck": {"name": "SequenceEncoder", "encoder_type": "rnn", "hidden": 9}},
            "Neck.hidden: unknown argument 'hidden'. Did you mean hidden_size?",
        ),
    ],
)
def test_a_wrong_block_is_refused_with_its_key_and_the_nearest(architecture, message) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model({**CRNN_LITE, **architecture}, num_classes=5)


def test_supplied_arguments_that_a_part_does_not_take_are_left_out() -> None:
    layer = construct(
        {"Linear": nn.Linear}, {"name": "Linear", "out_features": 2}, "X", in_features=3, spare=1
    )
    assert layer.weight.shape == [3, 2]


def test_choose_returns_the_value_or_names_the_known_ones() -> None:
    assert choose("a", ["a", "b"], "X") == "a"
    with pytest.raises(ConfigError, match="Use one of a, b"):
        choose("zzz", ["a", "b"], "X")
