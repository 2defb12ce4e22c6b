"""From the `Architecture` block of a configuration to a network."""

from collections.abc import Mapping
from typing import Any

from paddle import Tensor, nn

from ocr_lib.errors import ConfigError
from ocr_lib.models.parts import construct, nearest
from ocr_lib.models.tables import BACKBONES, HEADS, NECKS, TRANSFORMS

STAGES = {"Transform": TRANSFORMS, "Backbone": BACKBONES, "Neck": NECKS, "Head": HEADS}
# Keys that say what a network is called or is for; none of them changes what is computed.
DESCRIPTION_KEYS = frozenset({"model_type", "algorithm", "name"})
OTHER_KEYS = frozenset({"in_channels", "return_all_feats"})


class RecModel(nn.Layer):
    """A text recogniser in four stages, each but the backbone and the head optional.

    Parameter names start with the stage (`transform.`, `backbone.`, `neck.`, `head.`), as in
    PaddleOCR, so that its published weights load.

    Args:
        stages: stage name → layer, in the order of the forward pass.
        return_all_feats: whether training returns the features of every stage (distillation
            compares them).

    Source: PaddleOCR ppocr/modeling/architectures/base_model.py.
    """

    def __init__(self, stages: Mapping[str, nn.Layer], return_all_feats: bool = False):
        super().__init__()
        self.transform = stages.get("Transform")
        self.backbone = stages["Backbone"]
        self.neck = stages.get("Neck")
        self.head = stages["Head"]
        self.return_all_feats = return_all_feats

    def forward(self, images: Tensor, targets: dict[str, Tensor] | None = None) -> Any:
        """Recognises a batch.

        Args:
            images: float32 [N, C, H, W], normalised.
            targets: the labels of the batch by name, for heads that are taught with them.

        Returns:
            What the head returns: CTC gives logits [N, T, classes] in training and probabilities
            in evaluation. With `return_all_feats`, in training, a dict of `backbone_out`,
            `neck_out` and `head_out`.
        """
        if self.transform is not None:
            images = self.transform(images)
        backbone_out = self.backbone(images)
        neck_out = backbone_out if self.neck is None else self.neck(backbone_out)
        output = self.head(neck_out, targets)
        if not (self.return_all_feats and self.training):
            return output
        if isinstance(output, dict):  # a multi-head's own neck stands in for the network's
            neck_out = output.get("ctc_neck", neck_out)
        return {"backbone_out": backbone_out, "neck_out": neck_out, "head_out": output}


def build_model(architecture: Mapping[str, Any], num_classes: int) -> nn.Layer:
    """Builds a recognition network.

    Args:
        architecture: PaddleOCR's `Architecture` block.
        num_classes: CTC classes: the characters and the blank. Heads that need other special
            symbols add their own.

    Returns:
        A layer with `forward(images, targets=None)`; see `RecModel`.

    Raises:
        ConfigError: a part or an argument is unknown, or parts do not fit together.
    """
    return _build_stages(architecture, num_classes, "Architecture")


def _build_stages(architecture: Mapping[str, Any], num_classes: int, where: str) -> RecModel:
    _check_keys(architecture, where)
    channels = architecture.get("in_channels", 3)
    stages = {}
    for stage, table in STAGES.items():
        block = architecture.get(stage)
        if block is None:
            if stage in ("Backbone", "Head"):
                raise ConfigError(f"{where}.{stage}", "it is missing", f"name a {stage.lower()}")
            continue
        stages[stage] = construct(
            table, block, f"{where}.{stage}", in_channels=channels, num_classes=num_classes
        )
        channels = getattr(stages[stage], "out_channels", None)
    return RecModel(stages, architecture.get("return_all_feats", False))


def _check_keys(architecture: Mapping[str, Any], where: str) -> None:
    known = [*STAGES, *DESCRIPTION_KEYS, *OTHER_KEYS]
    for key in architecture:
        if key not in known:
            fix = f"{nearest(key, known)}use {', '.join(sorted(known))}"
            raise ConfigError(f"{where}.{key}", f"unknown key {key!r}", fix)
