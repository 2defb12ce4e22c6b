"""Encoders of a sequence of columns: LSTMs in both directions, or one linear layer."""

from dataclasses import dataclass

from paddle import Tensor, nn

from ocr_lib.config.location import FieldError
from ocr_lib.models.layers import linear_attrs


class EncoderWithRNN(nn.Layer):
    """Two bidirectional LSTM layers: [N, T, C] → [N, T, 2 · hidden_size].

    Source: Shi et al., "An End-to-End Trainable Neural Network for Image-based Sequence
    Recognition" (CRNN, 2015); PaddleOCR ppocr/modeling/necks/rnn.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            hidden_size: width of the layers.
        """

        hidden_size: int = 48

    def __init__(self, config: Config, in_channels: int) -> None:
        super().__init__()
        self.out_channels = config.hidden_size * 2
        self.lstm = nn.LSTM(
            in_channels, config.hidden_size, num_layers=2, direction="bidirectional"
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] → [N, T, out_channels]."""
        return self.lstm(x)[0]


class EncoderWithFC(nn.Layer):
    """One linear layer a column: [N, T, C] → [N, T, hidden_size]."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            hidden_size: width of the layers.
        """

        hidden_size: int = 48

    def __init__(self, config: Config, in_channels: int) -> None:
        super().__init__()
        self.out_channels = config.hidden_size
        weight_attr, bias_attr = linear_attrs(in_channels, l2_decay=1e-5)
        self.fc = nn.Linear(in_channels, config.hidden_size, weight_attr, bias_attr)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] → [N, T, out_channels]."""
        return self.fc(x)


class BidirectionalLSTM(nn.Layer):
    """A bidirectional LSTM, and a linear layer after it where `with_linear`."""

    def __init__(
        self, in_channels: int, hidden_size: int, out_channels: int, with_linear: bool
    ) -> None:
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
        config: its arguments.
        in_channels: width of the input.

    Source: PaddleOCR ppocr/modeling/necks/rnn.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            out_channels: output width of each stage.
            hidden_size: of every LSTM.
            num_layers: number of stages.
            with_linear: whether a linear layer maps a stage's output to its width; without it the
                widths must be `2 · hidden_size`.
        """

        out_channels: tuple[int, ...]
        hidden_size: int = 48
        num_layers: int = 2
        with_linear: bool = False

        def __post_init__(self) -> None:
            if len(self.out_channels) < self.num_layers:
                cause = f"is {list(self.out_channels)}, for {self.num_layers} layers"
                raise FieldError(self, "out_channels", cause, "Give a width for each layer")

    def __init__(self, config: Config, in_channels: int) -> None:
        super().__init__()
        widths = [in_channels, *config.out_channels]
        self.out_channels = widths[config.num_layers]
        self.encoder = nn.Sequential(
            *(
                BidirectionalLSTM(widths[i], config.hidden_size, widths[i + 1], config.with_linear)
                for i in range(config.num_layers)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] → [N, T, out_channels]."""
        return self.encoder(x)
