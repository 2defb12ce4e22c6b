"""RARE's attention head: a GRU that looks at the columns and writes a character a step."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import paddle
from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.models.class_axis import ClassAxis
from ocr_lib.models.targets import Batch, guide_label


class AttentionGRUCell(nn.Layer):
    """One step: attends to the columns, reads the last character, updates the state."""

    def __init__(self, in_channels: int, hidden_size: int, classes: int) -> None:
        super().__init__()
        self.i2h = nn.Linear(in_channels, hidden_size, bias_attr=False)
        self.h2h = nn.Linear(hidden_size, hidden_size)
        self.score = nn.Linear(hidden_size, 1, bias_attr=False)
        self.rnn = nn.GRUCell(in_channels + classes, hidden_size)

    def forward(self, state: Tensor, columns: Tensor, keys: Tensor, character: Tensor) -> Tensor:
        """State [N, hidden], columns [N, T, C], keys [N, T, hidden], one-hot [N, K] → state."""
        energy = self.score(paddle.tanh(keys + self.h2h(state).unsqueeze(1)))
        weights = functional.softmax(energy, axis=1)
        context = (weights * columns).sum(axis=1)
        return self.rnn(paddle.concat([context, character], axis=1), state)[0]


class AttentionHead(nn.Layer):
    """Writes `max_text_length` characters, each seen the one before.

    Class 0 starts a text, the last class ends it, the characters are between.

    Args:
        config: its arguments.
        in_channels: width of the columns.
        num_classes: CTC classes; one more, the end, is added.

    Source: Shi et al., "Robust Scene Text Recognition with Automatic Rectification" (RARE, 2016);
    PaddleOCR ppocr/modeling/heads/rec_att_head.py. The columns are projected once, not a step.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            hidden_size: of the GRU.
            max_text_length: steps.
            teacher_forcing: feeds the label's characters in training; PaddleOCR feeds back what the
                head itself wrote, which is the default.
        """

        IGNORED: ClassVar = ("l2_decay",)  # PaddleOCR ignores it, too

        hidden_size: int = 256
        max_text_length: int = 25
        teacher_forcing: bool = False

    def __init__(self, config: Config, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.classes = num_classes + 1
        self.hidden_size = config.hidden_size
        self.max_text_length = config.max_text_length
        self.teacher_forcing = config.teacher_forcing
        self.attention_cell = AttentionGRUCell(in_channels, config.hidden_size, self.classes)
        self.generator = nn.Linear(config.hidden_size, self.classes)

    def class_axes(self) -> Iterator[ClassAxis]:
        """Yields the axes of its parameters that have one position a class."""
        inputs = self.attention_cell.i2h.weight.shape[0]  # the GRU reads these first
        yield ClassAxis("attention_cell.rnn.weight_ih", 1, inputs + 1, 1)
        yield ClassAxis("generator.weight", 1, 1, 1)
        yield ClassAxis("generator.bias", 0, 1, 1)

    def forward(self, columns: Tensor, targets: Batch | None = None) -> Tensor:
        """[N, T, C] → [N, steps, classes]: logits in training, probabilities in evaluation."""
        samples = paddle.shape(columns)[0]
        keys = self.attention_cell.i2h(columns)
        state = paddle.zeros([samples, self.hidden_size], dtype=columns.dtype)
        written = paddle.zeros([samples], dtype="int64")
        label = guide_label(targets) if self.training and self.teacher_forcing else None
        outputs = []
        for step in range(self.max_text_length):
            character = functional.one_hot(written, self.classes).astype(columns.dtype)
            state = self.attention_cell(state, columns, keys, character)
            outputs.append(self.generator(state))
            written = outputs[-1].argmax(axis=1) if label is None else label[:, step]
        logits = paddle.stack(outputs, axis=1)
        return logits if self.training else functional.softmax(logits, axis=-1)
