"""NRTR's head: a transformer that writes a character a step."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import paddle
from paddle import Tensor, nn
from paddle.nn import functional
from paddle.nn.initializer import Constant, XavierNormal

from ocr_lib.config.checks import probability
from ocr_lib.config.location import FieldError
from ocr_lib.models.class_axis import ClassAxis
from ocr_lib.models.targets import Batch, guide_label
from ocr_lib.models.transformer_block import Embeddings, PositionalEncoding, TransformerBlock

START, END = 2, 3


def causal_mask(length: int) -> Tensor:
    """Additive mask that hides what comes later: float32 [length, length]."""
    return paddle.to_tensor(np.triu(np.full((length, length), -np.inf, np.float32), 1))


class Transformer(nn.Layer):
    """Encoder and decoder over a sequence of columns.

    The classes are padding (blank), unknown, start, end, the characters, and one more that
    PaddleOCR allocates and never uses.

    Args:
        config: its arguments.
        num_classes: CTC classes.

    Source: Sheng et al., "NRTR: A No-Recurrence Sequence-to-Sequence Model for Scene Text
    Recognition" (2019); PaddleOCR ppocr/modeling/heads/rec_nrtr_head.py. Evaluation returns the
    probabilities of every step, as the other heads do, not ids and their probability.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            d_model: width of the columns and of the network.
            nhead: attention heads.
            num_encoder_layers: encoder blocks; none where it is not positive.
            beam_size: must not be positive: characters are written greedily.
            num_decoder_layers: decoder blocks.
            max_len: longest text, with start and end.
            dim_feedforward: width of the MLPs.
            attention_dropout_rate: of the attention weights.
            residual_dropout_rate: of embeddings, attention outputs and MLPs.
            scale_embedding: multiplies embeddings by √d_model.
        """

        d_model: int = 512
        nhead: int = 8
        num_encoder_layers: int = 6
        beam_size: int = 0
        num_decoder_layers: int = 6
        max_len: int = 25
        dim_feedforward: int = 1024
        attention_dropout_rate: float = 0.0
        residual_dropout_rate: float = 0.1
        scale_embedding: bool = True

        def __post_init__(self) -> None:
            probability(self, "attention_dropout_rate", "residual_dropout_rate")
            if self.beam_size > 0:
                cause = f"is {self.beam_size}, and beam search is not supported"
                raise FieldError(self, "beam_size", cause, "Set it to 0")

    def __init__(self, config: Config, num_classes: int) -> None:
        super().__init__()
        self.max_len = config.max_len
        self.classes = classes = num_classes + 4
        self.embedding = Embeddings(config.d_model, classes, config.scale_embedding)
        self.positional_encoding = PositionalEncoding(config.d_model, config.residual_dropout_rate)

        def blocks(count: int, to_memory: bool) -> nn.LayerList:
            rates = config.attention_dropout_rate, config.residual_dropout_rate
            return nn.LayerList(
                TransformerBlock(
                    config.d_model, config.nhead, config.dim_feedforward, *rates, to_memory
                )
                for _ in range(count)
            )

        self.encoder = (
            blocks(config.num_encoder_layers, False) if config.num_encoder_layers > 0 else None
        )
        self.decoder = blocks(config.num_decoder_layers, True)
        self.tgt_word_prj = nn.Linear(config.d_model, classes, bias_attr=False)
        self.apply(_init_linear)

    def class_axes(self) -> Iterator[ClassAxis]:
        """Yields the axes of its parameters that have one position a class."""
        yield ClassAxis("embedding.embedding.weight", 0, 4, 1)
        yield ClassAxis("tgt_word_prj.weight", 1, 4, 1)

    def forward(self, columns: Tensor, targets: Batch | None = None) -> Tensor:
        """[N, T, d_model] → logits [N, L - 1, classes] for a label [N, L].

        In evaluation: probabilities [N, max_len - 1, classes], certain of the end after the end.
        """
        memory = self._encode(columns)
        if self.training:
            return self._decode(guide_label(targets)[:, :-1], memory)
        return self._write(memory)

    def _encode(self, columns: Tensor) -> Tensor:
        if self.encoder is None:
            return columns
        columns = self.positional_encoding(columns)
        for block in self.encoder:
            columns = block(columns)
        return columns

    def _decode(self, ids: Tensor, memory: Tensor) -> Tensor:
        """The logits of the character after each of `ids` [N, T]: [N, T, classes]."""
        x = self.positional_encoding(self.embedding(ids))
        mask = causal_mask(ids.shape[1])
        for block in self.decoder:
            x = block(x, memory, mask)
        return self.tgt_word_prj(x)

    def _write(self, memory: Tensor) -> Tensor:
        samples = paddle.shape(memory)[0]
        ids = paddle.full([samples, 1], START, dtype="int64")
        ended = ids == END
        end = functional.one_hot(paddle.full([samples], END, dtype="int64"), self.classes)
        outputs: list[Tensor] = []
        for _ in range(self.max_len - 1):
            if paddle.in_dynamic_mode() and bool(ended.all()):
                outputs.append(end)
                continue
            probs = functional.softmax(self._decode(ids, memory)[:, -1], axis=-1)
            over = ended.astype(probs.dtype)
            outputs.append(probs * (1 - over) + end * over)
            written = outputs[-1].argmax(axis=1, keepdim=True)
            ids = paddle.concat([ids, written], axis=1)
            ended = ended.logical_or(written == END)
        return paddle.stack(outputs, axis=1)


def _init_linear(layer: nn.Layer) -> None:
    if isinstance(layer, nn.Linear):
        XavierNormal()(layer.weight)
        if layer.bias is not None:
            Constant(0.0)(layer.bias)
