"""A text recogniser: transform, backbone, neck and head, one after another."""

from collections.abc import Mapping
from typing import Any

from paddle import Tensor, nn

from ocr_lib.models.targets import Batch


class RecModel(nn.Layer):
    """A text recogniser in four stages, each but the backbone and the head optional.

    Each stage announces its `out_channels`, which the next one gets as `in_channels`; the head is
    called with the features and the targets.

    Parameter names start with the stage (`transform.`, `backbone.`, `neck.`, `head.`), as in
    PaddleOCR, so that its published weights load.

    Args:
        stages: stage name → layer, in the order of the forward pass.
        return_all_feats: whether training returns the features of every stage (distillation
            compares them).

    Source: PaddleOCR ppocr/modeling/architectures/base_model.py.
    """

    def __init__(self, stages: Mapping[str, nn.Layer], return_all_feats: bool = False) -> None:
        super().__init__()
        self.transform = stages.get("Transform")
        self.backbone = stages["Backbone"]
        self.neck = stages.get("Neck")
        self.head = stages["Head"]
        self.return_all_feats = return_all_feats

    def forward(self, images: Tensor, targets: Batch | None = None) -> Any:
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
