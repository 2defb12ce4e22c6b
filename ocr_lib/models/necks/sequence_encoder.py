"""From a feature map to a sequence: one vector a column, optionally through an encoder."""

from typing import Any

from paddle import Tensor, nn

from ocr_lib.errors import ConfigError
from ocr_lib.models.necks.rnn import EncoderWithCascadeRNN, EncoderWithFC, EncoderWithRNN
from ocr_lib.models.necks.svtr import EncoderWithSVTR
from ocr_lib.models.parts import Table, call_checked, choose

# Encoders of a sequence [N, T, C].
SEQUENCE_ENCODERS: Table = {
    "fc": EncoderWithFC,
    "rnn": EncoderWithRNN,
    "cascadernn": EncoderWithCascadeRNN,
}
# Encoders of a feature map [N, C, H, W].
MAP_ENCODERS: Table = {"svtr": EncoderWithSVTR}
WHERE = "Architecture.Neck"


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
        in_channels: C.
        encoder_type: "reshape" (nothing more), "fc", "rnn" (two BiLSTM layers), "cascadernn" or
            "svtr".
        **arguments: of the encoder, e.g. `hidden_size`; "reshape" has none.

    Source: PaddleOCR ppocr/modeling/necks/rnn.py.
    """

    def __init__(self, in_channels: int, encoder_type: str, **arguments: Any):
        super().__init__()
        encoders = {**SEQUENCE_ENCODERS, **MAP_ENCODERS}
        choose(encoder_type, ["reshape", *encoders], f"{WHERE}.encoder_type")
        self.reads_map = encoder_type in MAP_ENCODERS
        self.encoder = None
        self.out_channels = in_channels
        if encoder_type == "reshape":
            for key in arguments:
                fix = "Leave it out, or choose another encoder_type"
                raise ConfigError(f"{WHERE}.{key}", "encoder_type reshape has no arguments", fix)
        else:
            part = encoders[encoder_type]
            self.encoder = call_checked(part, arguments, WHERE, in_channels=in_channels)
            self.out_channels = self.encoder.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, 1, W] → [N, W, out_channels]."""
        if self.encoder is None:
            return image_to_sequence(x)
        if self.reads_map:
            return image_to_sequence(self.encoder(x))
        return self.encoder(image_to_sequence(x))
