"""SAR's head: an LSTM reads the columns, a second one writes while it looks at the map."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import paddle
from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.config.checks import probability
from ocr_lib.models.class_axis import ClassAxis
from ocr_lib.models.targets import Batch, guide_label


def valid_columns(valid_ratio: Tensor, columns: int) -> Tensor:
    """How many columns each image fills: int64 [N], at least 1.

    Args:
        valid_ratio: width of the image over the padded width, float32 [N].
        columns: width of the feature map.
    """
    filled = paddle.ceil(valid_ratio.astype("float32") * columns)
    return filled.clip(1, columns).astype("int64")


class SAREncoder(nn.Layer):
    """Sums the image up in one vector: the LSTM's output at its last filled column."""

    def __init__(
        self, channels: int, hidden: int, bidirectional: bool, dropout: float, use_gru: bool
    ) -> None:
        super().__init__()
        rnn = nn.GRU if use_gru else nn.LSTM
        direction = "bidirectional" if bidirectional else "forward"
        self.rnn_encoder = rnn(channels, hidden, 2, direction, dropout=dropout)
        width = hidden * (1 + bidirectional)
        self.linear = nn.Linear(width, width)

    def forward(self, features: Tensor, filled: Tensor | None) -> Tensor:
        """Map [N, C, H, W] and filled columns int64 [N] → [N, width]."""
        columns = features.max(axis=2).transpose([0, 2, 1])
        outputs = self.rnn_encoder(columns)[0]
        if filled is None:
            return self.linear(outputs[:, -1])
        rows = paddle.arange(filled.shape[0])
        return self.linear(outputs.gather_nd(paddle.stack([rows, filled - 1], axis=1)))


class ParallelSARDecoder(nn.Layer):
    """Writes characters; each step attends to the whole feature map.

    Args:
        channels: of the feature map.
        classes: characters, unknown, start/end and padding, in this order.
        hidden: width of the encoder's vector and of the LSTM.
        d_k: width of the attention.
        dropout: of the LSTM.
        pred_dropout: of the prediction.
        use_gru: a GRU in place of the LSTM.
        max_text_length: steps in evaluation.
        pred_concat: predicts from state, glimpse and summary, not from the glimpse alone.
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        hidden: int,
        d_k: int,
        dropout: float,
        pred_dropout: float,
        use_gru: bool,
        max_text_length: int,
        pred_concat: bool,
    ) -> None:
        super().__init__()
        self.start, self.padding = classes - 2, classes - 1
        self.max_text_length = max_text_length
        self.pred_concat = pred_concat
        self.conv1x1_1 = nn.Linear(hidden, d_k)
        self.conv3x3_1 = nn.Conv2D(channels, d_k, 3, padding=1)
        self.conv1x1_2 = nn.Linear(d_k, 1)
        rnn = nn.GRU if use_gru else nn.LSTM
        self.rnn_decoder = rnn(hidden, hidden, 2, dropout=dropout)
        self.embedding = nn.Embedding(classes, hidden, padding_idx=self.padding)
        self.pred_dropout = nn.Dropout(pred_dropout)
        width = 2 * hidden + channels if pred_concat else channels
        self.prediction = nn.Linear(width, classes - 1)

    def teach(
        self, features: Tensor, summary: Tensor, label: Tensor, filled: Tensor | None
    ) -> Tensor:
        """Logits with the label as input: [N, L, classes - 1] for a label [N, L]."""
        inputs = paddle.concat([summary.unsqueeze(1), self.embedding(label)], axis=1)
        states = self.rnn_decoder(inputs)[0]
        logits = self._predict(states, self._keys(features), features, summary, filled)
        return self.pred_dropout(logits)[:, 1:]

    def write(self, features: Tensor, summary: Tensor, filled: Tensor | None) -> Tensor:
        """Probabilities, each character fed back: [N, max_text_length, classes - 1]."""
        keys = self._keys(features)
        samples = paddle.shape(summary)[0]
        zeros = paddle.zeros([samples, summary.shape[1]], dtype=summary.dtype)
        state = (zeros, zeros) if isinstance(self.rnn_decoder, nn.LSTM) else zeros
        _, states = self._step(summary, [state, state])
        written = paddle.full([samples], self.start, dtype="int64")
        outputs = []
        for _ in range(self.max_text_length):
            output, states = self._step(self.embedding(written), states)
            logits = self._predict(output.unsqueeze(1), keys, features, summary, filled)[:, 0]
            outputs.append(functional.softmax(logits, axis=-1))
            written = outputs[-1].argmax(axis=1)
        return paddle.stack(outputs, axis=1)

    def _step(self, x: Tensor, states: list[Any]) -> tuple[Tensor, list[Any]]:
        """One step [N, C] → [N, hidden], by cells: Paddle2ONNX loses the states of a whole RNN."""
        first, second = states
        x, first = self.rnn_decoder[0].cell(x, first)
        x, second = self.rnn_decoder[1].cell(x, second)
        return x, [first, second]

    def _keys(self, features: Tensor) -> Tensor:
        """[N, C, H, W] → [N, 1, H, W, d_k]."""
        return self.conv3x3_1(features).transpose([0, 2, 3, 1]).unsqueeze(1)

    def _predict(
        self,
        states: Tensor,
        keys: Tensor,
        features: Tensor,
        summary: Tensor,
        filled: Tensor | None,
    ) -> Tensor:
        """States [N, T, hidden] → logits [N, T, classes - 1]."""
        query = self.conv1x1_1(states).unsqueeze([2, 3])
        scores = self.conv1x1_2(paddle.tanh(keys + query)).squeeze(-1)
        if filled is not None:
            empty = paddle.arange(features.shape[3]) >= filled.unsqueeze(1)
            scores = scores.masked_fill(empty.unsqueeze([1, 2]), float("-inf"))
        weights = functional.softmax(scores.flatten(2), axis=-1)
        glimpse = paddle.matmul(weights, features.flatten(2), transpose_y=True)
        if not self.pred_concat:
            return self.prediction(glimpse)
        everywhere = summary.unsqueeze(1).expand([-1, states.shape[1], -1])
        return self.prediction(paddle.concat([states, glimpse, everywhere], axis=2))


class SARHead(nn.Layer):
    """Show, attend and read: a two-dimensional attention decoder.

    Args:
        config: its arguments.
        in_channels: channels of the feature map.
        num_classes: CTC classes. The head's are the characters, then unknown, start/end, padding.

    Source: Li et al., "Show, Attend and Read" (2019); PaddleOCR
    ppocr/modeling/heads/rec_sar_head.py. The mask of padded columns is one tensor, not a loop over
    the batch, and evaluation keeps the LSTM's state where PaddleOCR resets it at every step.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            enc_dim: width of both LSTMs.
            max_text_length: steps in evaluation.
            enc_bi_rnn: whether the encoder reads in both directions.
            enc_drop_rnn: dropout between the encoder's layers.
            enc_gru: a GRU in the encoder.
            dec_bi_rnn: must be false: a decoder cannot read what it has not written.
            dec_drop_rnn: dropout between the decoder's layers.
            dec_gru: a GRU in the decoder.
            d_k: width of the attention.
            pred_dropout: dropout of the prediction.
            pred_concat: predicts from state, glimpse and summary.
        """

        enc_dim: int = 512
        max_text_length: int = 30
        enc_bi_rnn: bool = False
        enc_drop_rnn: float = 0.1
        enc_gru: bool = False
        dec_bi_rnn: Literal[False] = False
        dec_drop_rnn: float = 0.0
        dec_gru: bool = False
        d_k: int = 512
        pred_dropout: float = 0.1
        pred_concat: bool = True

        def __post_init__(self) -> None:
            probability(self, "enc_drop_rnn", "dec_drop_rnn", "pred_dropout")

    def __init__(self, config: Config, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.encoder = SAREncoder(
            in_channels, config.enc_dim, config.enc_bi_rnn, config.enc_drop_rnn, config.enc_gru
        )
        self.decoder = ParallelSARDecoder(
            channels=in_channels,
            classes=num_classes + 2,
            hidden=config.enc_dim * (1 + config.enc_bi_rnn),
            d_k=config.d_k,
            dropout=config.dec_drop_rnn,
            pred_dropout=config.pred_dropout,
            use_gru=config.dec_gru,
            max_text_length=config.max_text_length,
            pred_concat=config.pred_concat,
        )

    def class_axes(self) -> Iterator[ClassAxis]:
        """Yields the axes of its parameters that have one position a class."""
        yield ClassAxis("decoder.embedding.weight", 0, 0, 3)
        yield ClassAxis("decoder.prediction.weight", 1, 0, 2)
        yield ClassAxis("decoder.prediction.bias", 0, 0, 2)

    def forward(self, features: Tensor, targets: Batch | None = None) -> Tensor:
        """Map [N, C, H, W] → logits [N, L, classes - 1], or probabilities in evaluation.

        `targets` holds the label in training and, where known, `valid_ratio` [N].
        """
        filled = None
        if targets is not None and "valid_ratio" in targets:
            filled = valid_columns(targets["valid_ratio"], features.shape[3])
        summary = self.encoder(features, filled)
        if self.training:
            return self.decoder.teach(features, summary, guide_label(targets), filled)
        return self.decoder.write(features, summary, filled)
