"""The evaluation that runs during training: the same code as everywhere else, a share a rank."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray

from ocr_lib.config.schema import Config
from ocr_lib.data.dataset import Dataset, open_dataset
from ocr_lib.data.samples import Sample
from ocr_lib.evaluation.evaluate import evaluate
from ocr_lib.recognize import Recognizer
from ocr_lib.text.metrics import EPS, RecMetric
from ocr_lib.train.parallel import Parallel

Evaluate = Callable[[], dict[str, float]]
FIGURES = ("acc", "norm_edit_dis")


def eval_dataset(config: Config) -> Dataset | None:
    """Opens the Eval data set; None where the configuration names none."""
    dataset = config.eval.dataset
    named = dataset.label_file_list or dataset.kind == "LMDBDataSet"
    return open_dataset(config.eval) if named else None


def build_evaluation(
    recognizer: Recognizer, dataset: Dataset, metric: RecMetric, parallel: Parallel
) -> Evaluate:
    """Returns a function that evaluates the network as it is then.

    Args:
        recognizer: reads with the network.
        dataset: labelled lines; every rank reads its share, and all get the figures of the whole.
        metric: what counts in PaddleOCR's values: spaces, or letters and digits only.
        parallel: the processes.

    Returns:
        Called, it gives PaddleOCR's `acc` and `norm_edit_dis`, and lines a second as `fps`.
    """
    share = dataset if parallel.world == 1 else Share(dataset, parallel.rank, parallel.world)

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
    if parallel.world == 1:
        return {**values, "fps": samples / max(seconds, 1e-9)}
    count = samples + EPS
    right = round(values["acc"] * count)
    distance = (1 - values["norm_edit_dis"]) * count
    samples_, right_, distance_, seconds_ = parallel.sums([samples, right, distance, seconds])
    return {
        "acc": right_ / (samples_ + EPS),
        "norm_edit_dis": 1 - distance_ / (samples_ + EPS),
        "fps": samples_ / max(seconds_ / parallel.world, 1e-9),
    }


@dataclass(frozen=True)
class Share:
    """Every `world`-th sample of a data set from `rank` on."""

    dataset: Dataset
    rank: int
    world: int

    def __len__(self) -> int:
        return len(range(self.rank, len(self.dataset), self.world))

    @property
    def sizes(self) -> NDArray[np.int32]:
        """Width and height in px of every image, int32 [len, 2]."""
        return self.dataset.sizes[self.rank :: self.world]

    @property
    def keys(self) -> NDArray[np.uint64]:
        """A number of every image's content, uint64 [len]."""
        return self.dataset.keys[self.rank :: self.world]

    def labels(self) -> Iterator[str]:
        """Yields the label of every sample."""
        for index, label in enumerate(self.dataset.labels()):
            if index % self.world == self.rank:
                yield label

    def sample(self, i: int, rng: np.random.Generator | None = None) -> Sample:
        """Returns sample `i` of the share."""
        return self.dataset.sample(self.rank + i * self.world, rng)

    def resample(self, epoch: int) -> bool:
        """Draws anew what a ratio leaves out of the whole."""
        return self.dataset.resample(epoch)


def forward_of(model: Any) -> Any:
    """Wraps a paddle network for `Recognizer`: float32 [N, C, H, W] → probabilities [N, T, K]."""

    def forward(images: np.ndarray) -> np.ndarray:
        with paddle.no_grad():
            output: np.ndarray = model(paddle.to_tensor(images)).numpy()
        return output

    return forward
