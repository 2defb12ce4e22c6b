"""The CTC head: class scores of every column."""

from collections.abc import Iterator
from dataclasses import dataclass

from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.models.class_axis import ClassAxis
from ocr_lib.models.layers import BatchNorm, linear_attrs
from ocr_lib.models.targets import Batch


def guide_layer(channels: int) -> nn.Sequential:
    """A depthwise and a pointwise convolution over the columns: [N, C, T] → the same shape."""
    depthwise = nn.Conv1D(channels, channels, 5, padding=2, groups=channels, bias_attr=False)
    pointwise = nn.Conv1D(channels, channels, 1, bias_attr=False)
    return nn.Sequential(
        depthwise,
        BatchNorm(channels),
        nn.Hardswish(),
        pointwise,
        BatchNorm(channels),
        nn.Hardswish(),
    )


class CTCHead(nn.Layer):
    """One linear layer, or two with `mid_channels`, from features to CTC classes.

    With `use_guide` two convolutions over the columns come first, as in PP-OCRv6 tiny.

    Args:
        config: its arguments.
        in_channels: width of the features.
        num_classes: characters and blank (class 0).

    Source: Graves et al., "Connectionist Temporal Classification" (2006); PaddleOCR
    ppocr/modeling/heads/rec_ctc_head.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            fc_decay: L2 weight decay of this head alone.
            mid_channels: width between two layers; one layer without it.
            use_guide: two convolutions over the columns before them.
            return_feats: returns what the last layer reads as well, in training (center loss).
        """

        fc_decay: float = 0.0004
        mid_channels: int | None = None
        use_guide: bool = False
        return_feats: bool = False

    def __init__(self, config: Config, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.return_feats = config.return_feats
        self.mid_channels = config.mid_channels
        self.guide_layer = guide_layer(in_channels) if config.use_guide else None
        if config.mid_channels is None:
            self.fc = nn.Linear(
                in_channels, num_classes, *linear_attrs(in_channels, config.fc_decay)
            )
        else:
            self.fc1 = nn.Linear(
                in_channels, config.mid_channels, *linear_attrs(in_channels, config.fc_decay)
            )
            self.fc2 = nn.Linear(
                config.mid_channels,
                num_classes,
                *linear_attrs(config.mid_channels, config.fc_decay),
            )

    def class_axes(self) -> Iterator[ClassAxis]:
        """Yields the axes of its parameters that have one position a class."""
        last = "fc" if self.mid_channels is None else "fc2"
        yield ClassAxis(f"{last}.weight", 1, 1, 0)
        yield ClassAxis(f"{last}.bias", 0, 1, 0)

    def forward(
        self,
        x: Tensor,
        targets: Batch | None = None,  # noqa: ARG002
    ) -> Tensor | tuple[Tensor, Tensor]:
        """[N, T, C] → logits [N, T, classes] in training, probabilities in evaluation.

        With `return_feats`, in training: the last layer's input and the logits.
        """
        if self.guide_layer is not None:
            x = self.guide_layer(x.transpose([0, 2, 1])).transpose([0, 2, 1])
        if self.mid_channels is None:
            logits = self.fc(x)
        else:
            x = self.fc1(x)
            logits = self.fc2(x)
        if not self.training:
            return functional.softmax(logits, axis=-1)
        return (x, logits) if self.return_feats else logits
