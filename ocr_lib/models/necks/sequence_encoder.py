"""From a feature map to a sequence: one vector a column, optionally through an encoder."""

from dataclasses import dataclass, field
from typing import Any

from paddle import Tensor, nn

from ocr_lib.config.checks import one_of
from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import ANY_KEYS
from ocr_lib.errors import ConfigError
from ocr_lib.models.necks.rnn import EncoderWithCascadeRNN, EncoderWithFC, EncoderWithRNN
from ocr_lib.models.necks.svtr import EncoderWithLightSVTR, EncoderWithSVTR
from ocr_lib.models.parts import Table, build


@dataclass(frozen=True)
class Reshape:
    """What `reshape` takes: nothing."""


# Encoders of a sequence [N, T, C].
SEQUENCE_ENCODERS: Table = {
    "fc": EncoderWithFC,
    "rnn": EncoderWithRNN,
    "cascadernn": EncoderWithCascadeRNN,
}
# Encoders of a feature map [N, C, H, W].
MAP_ENCODERS: Table = {"svtr": EncoderWithSVTR, "lightsvtr": EncoderWithLightSVTR}
ENCODERS: Table = {"reshape": Reshape, **SEQUENCE_ENCODERS, **MAP_ENCODERS}
NECK = SourceLocation(("Architecture", "Neck"), {})


def image_to_sequence(x: Tensor) -> Tensor:
    """[N, C, 1, W] → [N, W, C].

    Raises:
        ConfigError: the backbone left a height other than 1.
    """
    if x.shape[2] not in (1, -1):
        raise ConfigError(
            "Architecture.Backbone",
            f"its output is {x.shape[2]} rows high, and a sequence needs 1",
            "Use the image height the backbone is made for (32 or 48), or other strides",
        )
    return x.squeeze(2).transpose([0, 2, 1])


class SequenceEncoder(nn.Layer):
    """Turns [N, C, 1, W] into [N, W, C'].

    Args:
        config: its arguments.
        in_channels: C.
        location: where the configuration describes it.

    Source: PaddleOCR ppocr/modeling/necks/rnn.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            encoder_type: "reshape" (nothing more), "fc", "rnn" (two BiLSTM layers), "cascadernn",
                "svtr" or "lightsvtr".
            arguments: of the encoder, e.g. `hidden_size`; "reshape" has none.
        """

        encoder_type: str
        arguments: dict[str, Any] = field(default_factory=dict, metadata=ANY_KEYS)

        def __post_init__(self) -> None:
            one_of(self, ENCODERS, "encoder_type")

    def __init__(self, config: Config, in_channels: int, location: SourceLocation = NECK) -> None:
        super().__init__()
        self.reads_map = config.encoder_type in MAP_ENCODERS
        encoder = ENCODERS[config.encoder_type]
        built = build(encoder, config.arguments, location, in_channels=in_channels)
        self.encoder = None if config.encoder_type == "reshape" else built
        self.out_channels = in_channels if self.encoder is None else built.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, 1, W] → [N, W, out_channels]."""
        if self.encoder is None:
            return image_to_sequence(x)
        if self.reads_map:
            return image_to_sequence(self.encoder(x))
        return self.encoder(image_to_sequence(x))
