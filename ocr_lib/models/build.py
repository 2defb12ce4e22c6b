"""From the `Architecture` block of a configuration to a network."""

from collections.abc import Iterable, Mapping
from typing import Any

from paddle import nn

from ocr_lib.config.custom_parts import NO_PARTS, AllowedParts
from ocr_lib.errors import ConfigError
from ocr_lib.models.distillation import DistillationModel
from ocr_lib.models.parts import construct, nearest
from ocr_lib.models.rec_model import RecModel
from ocr_lib.models.tables import BACKBONES, HEADS, NECKS, TRANSFORMS

STAGES = {"Transform": TRANSFORMS, "Backbone": BACKBONES, "Neck": NECKS, "Head": HEADS}
# Keys that say what a network is called or is for; none of them changes what is computed.
DESCRIPTION_KEYS = frozenset({"model_type", "algorithm", "name"})
OTHER_KEYS = frozenset({"in_channels", "return_all_feats"})
TRAINING_KEYS = frozenset({"pretrained", "freeze_params"})
DISTILLATION = "DistillationModel"


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
    if architecture.get("name") == DISTILLATION:
        return _build_distillation(architecture, num_classes, allowed_parts)
    return _build_stages(architecture, num_classes, "Architecture", allowed_parts)


def _build_distillation(
    architecture: Mapping[str, Any], num_classes: int, allowed_parts: AllowedParts
) -> DistillationModel:
    _check_keys(architecture, ["Models", *DESCRIPTION_KEYS], "Architecture")
    models = architecture.get("Models")
    if not models:
        raise ConfigError("Architecture.Models", "no network is named", "Add Student and Teacher")
    return DistillationModel(
        {
            name: _build_stages(
                block, num_classes, f"Architecture.Models.{name}", allowed_parts, TRAINING_KEYS
            )
            for name, block in models.items()
        },
        pretrained={name: m["pretrained"] for name, m in models.items() if m.get("pretrained")},
        frozen={name for name, block in models.items() if block.get("freeze_params")},
    )


def _build_stages(
    architecture: Mapping[str, Any],
    num_classes: int,
    where: str,
    allowed_parts: AllowedParts,
    more_keys: Iterable[str] = (),
) -> RecModel:
    _check_keys(architecture, [*STAGES, *DESCRIPTION_KEYS, *OTHER_KEYS, *more_keys], where)
    channels = architecture.get("in_channels", 3)
    stages = {}
    for stage, table in STAGES.items():
        block = architecture.get(stage)
        if block is None:
            if stage in ("Backbone", "Head"):
                raise ConfigError(f"{where}.{stage}", "it is missing", f"Name a {stage.lower()}")
            continue
        stages[stage] = construct(
            table,
            block,
            f"{where}.{stage}",
            allowed_parts,
            in_channels=channels,
            num_classes=num_classes,
        )
        channels = getattr(stages[stage], "out_channels", None)
    return RecModel(stages, architecture.get("return_all_feats", False))


def _check_keys(architecture: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    known = list(known)
    for key in architecture:
        if key not in known:
            fix = f"{nearest(key, known)}Use {', '.join(sorted(known))}"
            raise ConfigError(f"{where}.{key}", f"unknown key {key!r}", fix)
