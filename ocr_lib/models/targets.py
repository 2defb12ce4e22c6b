"""The labels a network is taught with, by name."""

from paddle import Tensor

from ocr_lib.algorithms import ALGORITHMS, CTC
from ocr_lib.errors import DataError

Batch = dict[str, Tensor]
TARGETS = dict.fromkeys(a.target for a in ALGORITHMS.values() if a is not CTC)


def guide_label(batch: Batch | None) -> Tensor:
    """Returns the label of a head that writes one character after another: int64 [N, L].

    It is called `label_gtc`, or `label_sar`; its ids are those of the head.

    Raises:
        DataError: the batch has none.
    """
    for key in TARGETS:
        if batch is not None and key in batch:
            return batch[key].astype("int64")
    raise DataError(
        "label_gtc",
        "the batch has no label for the attention head",
        "Use MultiLabelEncode in Train.dataset.transforms, or a CTCHead alone",
    )
