"""From the `Architecture` block of a configuration to a network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from paddle import nn

from ocr_lib.config.custom_parts import NO_PARTS, AllowedParts
from ocr_lib.config.location import FieldError, SourceLocation
from ocr_lib.config.parse import ComponentConfig, parse
from ocr_lib.models.distillation import DistillationModel
from ocr_lib.models.parts import construct
from ocr_lib.models.rec_model import RecModel
from ocr_lib.models.tables import BACKBONES, HEADS, NECKS, TRANSFORMS

STAGES = {"Transform": TRANSFORMS, "Backbone": BACKBONES, "Neck": NECKS, "Head": HEADS}
# Keys that say what a network is called or is for; none of them changes what is computed.
DESCRIPTION_KEYS = ("model_type", "algorithm", "name")
DISTILLATION = "DistillationModel"


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """The block `Architecture` of a single network.

    Attributes:
        transform: what is done to images first.
        backbone: what makes features of them.
        neck: what makes a sequence of the features.
        head: what makes probabilities of the sequence.
        in_channels: channels of the images.
        return_all_feats: whether training returns the features of every stage.
    """

    IGNORED: ClassVar = DESCRIPTION_KEYS

    transform: ComponentConfig | None = field(default=None, metadata={"key": "Transform"})
    backbone: ComponentConfig = field(metadata={"key": "Backbone"})
    neck: ComponentConfig | None = field(default=None, metadata={"key": "Neck"})
    head: ComponentConfig = field(metadata={"key": "Head"})
    in_channels: int = 3
    return_all_feats: bool = False


@dataclass(frozen=True, kw_only=True)
class MemberConfig(NetworkConfig):
    """One of several networks.

    Attributes:
        pretrained: weights to start from.
        freeze_params: whether its weights stay as they are.
    """

    pretrained: str | None = None
    freeze_params: bool = False


@dataclass(frozen=True, kw_only=True)
class DistillationConfig:
    """The block `Architecture` of several networks.

    Attributes:
        models: the networks by name.
    """

    IGNORED: ClassVar = DESCRIPTION_KEYS

    models: dict[str, Any] = field(metadata={"key": "Models"})

    def __post_init__(self) -> None:
        if not self.models:
            raise FieldError(self, "models", "names no network", "Add Student and Teacher")


def build_model(
    architecture: Mapping[str, Any], num_classes: int, allowed_parts: AllowedParts = NO_PARTS
) -> nn.Layer:
    """Builds a recognition network.

    Args:
        architecture: PaddleOCR's `Architecture` block.
        num_classes: CTC classes: the characters and the blank. Heads that need other special
            symbols add their own.
        allowed_parts: custom parts that may be imported.

    Returns:
        A layer with `forward(images, targets=None)`; see `RecModel` and, where `name` is
        DistillationModel, `DistillationModel`.

    Raises:
        ConfigError: a part or an argument is unknown, a part is not allowed, or parts do not fit
            together.
    """
    location = SourceLocation(("Architecture",), {})
    if architecture.get("name") == DISTILLATION:
        return _build_distillation(architecture, num_classes, location, allowed_parts)
    config = parse(NetworkConfig, architecture, location)
    return _build_stages(config, num_classes, location, allowed_parts)


def _build_distillation(
    architecture: Mapping[str, Any],
    num_classes: int,
    location: SourceLocation,
    allowed_parts: AllowedParts,
) -> DistillationModel:
    models = parse(DistillationConfig, architecture, location).models
    locations = {name: location.child("Models", name) for name in models}
    configs = {name: parse(MemberConfig, models[name], locations[name]) for name in models}
    return DistillationModel(
        {
            name: _build_stages(config, num_classes, locations[name], allowed_parts)
            for name, config in configs.items()
        },
        pretrained={name: c.pretrained for name, c in configs.items() if c.pretrained},
        frozen={name for name, config in configs.items() if config.freeze_params},
    )


def _build_stages(
    config: NetworkConfig, num_classes: int, location: SourceLocation, allowed_parts: AllowedParts
) -> RecModel:
    channels: Any = config.in_channels
    stages = {}
    for stage, table in STAGES.items():
        part = getattr(config, stage.lower())
        if part is not None:
            stages[stage] = construct(
                table,
                part,
                location.child(stage),
                allowed_parts,
                in_channels=channels,
                num_classes=num_classes,
            )
            channels = getattr(stages[stage], "out_channels", None)
    return RecModel(stages, config.return_all_feats)
