"""The evaluation that runs during training: the same code as everywhere else, a share a rank."""

from collections.abc import Callable
from typing import Any

import numpy as np
import paddle

from ocr_lib.config.schema import Config
from ocr_lib.data.concat import Selection
from ocr_lib.data.dataset import Dataset, open_dataset
from ocr_lib.data.roles import MAX_READ, NOT_VALIDATION, lowest_hashes
from ocr_lib.evaluation.evaluate import evaluate
from ocr_lib.evaluation.metrics import EPS, RecMetric
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.training.log import RunLog
from ocr_lib.training.parallel import Parallel

Evaluate = Callable[[], dict[str, float]]
FIGURES = ("acc", "norm_edit_dis")


def validation_dataset(config: Config, log: RunLog) -> Dataset | None:
    """Opens the validation set, the configuration's Eval; None where it names none.

    Of a large one the 20,000 samples with the lowest hashes are read: more cost time and make no
    better choice.
    """
    if not config.eval.dataset.named:
        return None
    dataset = open_dataset(config.eval, NOT_VALIDATION)
    if len(dataset) <= MAX_READ:
        return dataset
    log.info(f"{MAX_READ} of {len(dataset)} validation samples are read: the lowest hashes")
    return Selection(dataset, lowest_hashes(dataset.keys, MAX_READ))


def build_evaluation(
    recognizer: Recognizer, dataset: Dataset, metric: RecMetric, parallel: Parallel
) -> Evaluate:
    """Returns a function that evaluates the network as it is then.

    Args:
        recognizer: reads with the network.
        dataset: validation samples; every rank reads its share, and all get the figures of the
            whole.
        metric: what counts in PaddleOCR's values: spaces, or letters and digits only.
        parallel: the processes.

    Returns:
        Called, it gives PaddleOCR's `acc` and `norm_edit_dis`, and lines a second as `fps`.
    """
    share = Selection(dataset, np.arange(parallel.rank, len(dataset), parallel.world_size))

    def run() -> dict[str, float]:
        if not len(share):  # fewer lines than ranks
            return _merged({"acc": 0.0, "norm_edit_dis": 1.0}, 0, 0.0, parallel)
        report = evaluate(recognizer, share, worst=0, quiet=True)
        values = {name: float(report.paddleocr[name + metric.suffix]) for name in FIGURES}
        return _merged(values, report.samples, report.seconds, parallel)

    return run


def _merged(
    values: dict[str, float], samples: int, seconds: float, parallel: Parallel
) -> dict[str, float]:
    """Returns the figures over the lines of all ranks, from each rank's own."""
    if parallel.world_size == 1:
        return {**values, "fps": samples / max(seconds, 1e-9)}
    count = samples + EPS
    right = round(values["acc"] * count)
    distance = (1 - values["norm_edit_dis"]) * count
    samples_, right_, distance_, seconds_ = parallel.all_reduce_sums(
        [samples, right, distance, seconds]
    )
    return {
        "acc": right_ / (samples_ + EPS),
        "norm_edit_dis": 1 - distance_ / (samples_ + EPS),
        "fps": samples_ / max(seconds_ / parallel.world_size, 1e-9),
    }


def forward_of(model: Any) -> Any:
    """Wraps a paddle network for `Recognizer`: float32 [N, C, H, W] → probabilities [N, T, K]."""

    def forward(images: np.ndarray) -> np.ndarray:
        with paddle.no_grad():
            output: np.ndarray = model(paddle.to_tensor(images)).numpy()
        return output

    return forward
