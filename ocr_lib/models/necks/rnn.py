"""Encoders of a sequence of columns: LSTMs in both directions, or one linear layer."""

from collections.abc import Sequence

from paddle import Tensor, nn

from ocr_lib.models.layers import linear_attrs


class EncoderWithRNN(nn.Layer):
    """Two bidirectional LSTM layers: [N, T, C] → [N, T, 2 · hidden_size].

    Source: Shi et al., "An End-to-End Trainable Neural Network for Image-based Sequence
    Recognition" (CRNN, 2015); PaddleOCR ppocr/modeling/necks/rnn.py.
    """

    def __init__(self, in_channels: int, hidden_size: int = 48):
        super().__init__()
        self.out_channels = hidden_size * 2
        self.lstm = nn.LSTM(in_channels, hidden_size, num_layers=2, direction="bidirectional")

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] → [N, T, out_channels]."""
        return self.lstm(x)[0]


class EncoderWithFC(nn.Layer):
    """One linear layer a column: [N, T, C] → [N, T, hidden_size]."""

    def __init__(self, in_channels: int, hidden_size: int = 48):
        super().__init__()
        self.out_channels = hidden_size
        weight_attr, bias_attr = linear_attrs(in_channels, l2_decay=1e-5)
        self.fc = nn.Linear(in_channels, hidden_size, weight_attr, bias_attr)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] → [N, T, out_channels]."""
        return self.fc(x)


class BidirectionalLSTM(nn.Layer):
    """A bidirectional LSTM, and a linear layer after it where `with_linear`."""

    def __init__(self, in_channels: int, hidden_size: int, out_channels: int, with_linear: bool):
        super().__init__()
        self.rnn = nn.LSTM(in_channels, hidden_size, direction="bidirectional")
        self.linear = nn.Linear(hidden_size * 2, out_channels) if with_linear else None

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] → [N, T, out_channels], or [N, T, 2 · hidden_size] without the linear layer."""
        y = self.rnn(x)[0]
        return y if self.linear is None else self.linear(y)


class EncoderWithCascadeRNN(nn.Layer):
    """A chain of bidirectional LSTMs, each with its own output width.

    Args:
        in_channels: width of the input.
        hidden_size: of every LSTM.
        out_channels: output width of each stage.
        num_layers: number of stages.
        with_linear: whether a linear layer maps a stage's output to its width; without it the
            widths must be `2 · hidden_size`.

    Source: PaddleOCR ppocr/modeling/necks/rnn.py.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: Sequence[int],
        hidden_size: int = 48,
        num_layers: int = 2,
        with_linear: bool = False,
    ):
        super().__init__()
        widths = [in_channels, *out_channels]
        self.out_channels = widths[num_layers]
        self.encoder = nn.Sequential(
            *(
                BidirectionalLSTM(widths[i], hidden_size, widths[i + 1], with_linear)
                for i in range(num_layers)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] → [N, T, out_channels]."""
        return self.encoder(x)
