"""The evaluation that runs during training: the same code as everywhere else, a share a rank."""

from collections.abc import Callable

import numpy as np

from ocr_lib.data.concat import Selection
from ocr_lib.data.dataset import Dataset
from ocr_lib.evaluation.metrics import EPS, RecMetric
from ocr_lib.evaluation.predict import predict
from ocr_lib.evaluation.score import score
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.training.parallel import Parallel

Evaluate = Callable[[], dict[str, float]]
METRICS = ("acc", "norm_edit_dis")


def build_evaluation(
    recognizer: Recognizer, dataset: Dataset, metric: RecMetric, parallel: Parallel
) -> Evaluate:
    """Returns a function that evaluates the network as it is then.

    Args:
        recognizer: reads with the network.
        dataset: validation samples; every rank reads its share, and all get the metrics of the
            whole.
        metric: what counts in PaddleOCR's values: spaces, or letters and digits only.
        parallel: the processes.

    Returns:
        Called, it gives PaddleOCR's `acc` and `norm_edit_dis`, and lines a second as `fps`.
    """
    share = Selection(dataset, np.arange(parallel.rank, len(dataset), parallel.world_size))

    def run() -> dict[str, float]:
        if not len(share):  # fewer samples than ranks
            return merged({"acc": 0.0, "norm_edit_dis": 1.0}, 0, 0.0, parallel)
        report = score(predict(recognizer, share, quiet=True), share, worst=0)
        values = {name: float(report.paddleocr[name + metric.suffix]) for name in METRICS}
        return merged(values, report.samples, report.seconds, parallel)

    return run


def merged(
    values: dict[str, float], samples: int, seconds: float, parallel: Parallel
) -> dict[str, float]:
    """Returns the metrics over the samples of all ranks.

    Args:
        values: `acc` and `norm_edit_dis` of this rank's samples.
        samples: their number.
        seconds: that reading them took.
        parallel: the processes.
    """
    if parallel.world_size == 1:
        return {**values, "fps": samples / max(seconds, 1e-9)}
    count = samples + EPS
    sums = parallel.all_reduce_sums(
        [
            samples,
            round(values["acc"] * count),  # samples that are correct
            (1 - values["norm_edit_dis"]) * count,  # sum of edit distances
            seconds,
        ]
    )
    all_samples, correct, distance, all_seconds = sums
    return {
        "acc": correct / (all_samples + EPS),
        "norm_edit_dis": 1 - distance / (all_samples + EPS),
        "fps": all_samples / max(all_seconds / parallel.world_size, 1e-9),
    }
