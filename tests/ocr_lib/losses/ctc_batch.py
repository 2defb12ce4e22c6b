"""A batch of labels for CTC losses."""

import paddle

LABELS = [[1, 2], [2, 2], [1, 0]]


LENGTHS = [2, 2, 1]


BATCH = {
    "label_ctc": paddle.to_tensor(LABELS, dtype="int32"),
    "length": paddle.to_tensor(LENGTHS, dtype="int64"),
}
