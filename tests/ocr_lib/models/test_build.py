"""From an Architecture block to a network."""

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models import build_model
from tests.ocr_lib.models.architectures import CRNN_LITE
from tests.ocr_lib.models.own_backbone import OWN_NAME


def test_a_user_plugs_in_a_backbone_by_module_and_class() -> None:
    block = {"name": OWN_NAME, "width": 12}
    allowed = frozenset({block["name"]})
    model = build_model({**CRNN_LITE, "Backbone": block}, num_classes=5, allowed_parts=allowed)
    assert model.backbone.out_channels == 12
    assert model.neck.encoder.lstm.weight_ih_l0.shape[1] == 12


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (
            {"Backbone": {"name": "MobileNetv3"}},
            "Architecture.Backbone.name: is 'MobileNetv3', which is not .*MobileNetV3",
        ),
        (
            {"Backbone": {"name": "MobileNetV3", "scales": 1}},
            "Backbone.scales: is not an argument of MobileNetV3. The nearest .* scale",
        ),
        ({"Backbone": {"name": "MobileNetV3", "scale": 0.6}}, "Backbone.scale: is 0.6, which is"),
        ({"Backbone": {"scale": 0.5}}, "Architecture.Backbone: has no name"),
        ({"Backbone": {"name": "MobileNetV3", "in_channels": 3}}, "Backbone.in_channels: is not"),
        ({"Backbone": {"name": OWN_NAME}}, "Backbone.name: .* is a custom part"),
        ({"Backbone": None}, "Architecture.Backbone: is missing"),
        (
            {"Backbones": None},
            "Architecture.Backbones: is not a known key. The nearest .* Backbone",
        ),
        (
            {"Neck": {"name": "SequenceEncoder", "encoder_type": "rnnn"}},
            "Neck.encoder_type: is rnnn, which is not known. Known: reshape",
        ),
        (
            {"Neck": {"name": "SequenceEncoder"}},
            "Architecture.Neck: SequenceEncoder needs encoder_type",
        ),
        (
            {"Neck": {"name": "SequenceEncoder", "encoder_type": "reshape", "hidden_size": 9}},
            "Neck.hidden_size: is not an argument of Reshape. Leave it out",
        ),
        (
            {"Neck": {"name": "SequenceEncoder", "encoder_type": "rnn", "hidden": 9}},
            "Neck.hidden: is not an argument of EncoderWithRNN. The nearest .* hidden_size",
        ),
    ],
)
def test_a_wrong_block_is_refused_with_its_key_and_the_nearest(architecture, message) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model({**CRNN_LITE, **architecture}, num_classes=5)


def test_errors_of_several_networks_name_their_own_key() -> None:
    student = {**CRNN_LITE, "Backbone": {"name": "MobileNetV3", "scale": 0.6}}
    block = {"name": "DistillationModel", "Models": {"Student": student}}
    with pytest.raises(ConfigError, match=r"^Architecture.Models.Student.Backbone.scale: is 0.6"):
        build_model(block, num_classes=5)
