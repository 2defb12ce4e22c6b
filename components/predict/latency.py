"""What candidate and champion cost, timed side by side on this node, in the form that serves."""

from pathlib import Path

from ocr_lib.data.base import Dataset
from ocr_lib.data.sampling import evenly_sampled
from ocr_lib.errors import UserError
from ocr_lib.evaluation.latency import LatencyAndSize, measure_latency
from ocr_lib.export import write_forms
from ocr_lib.inference.bundle import ONNX
from ocr_lib.inference.runtimes import onnx_forward, open_bundle
from ocr_lib.training import TrainedModel
from ocr_lib.training.recognizer import trained_recognizer

IMAGES = 16


def time_both(
    trained: TrainedModel, champion: Path, dataset: Dataset, rows: range, work: Path
) -> LatencyAndSize | None:
    """Exports the candidate on trial and times it next to the champion, one thread each.

    Args:
        trained: the candidate; its network is changed and no longer fit for predicting.
        champion: the bundle in production.
        dataset: where the images come from.
        rows: positions of samples that it holds; some of all widths are read.
        work: an empty or new folder.

    Returns:
        None where no image can be read.
    """
    work.mkdir(exist_ok=True)
    images = []
    for position in evenly_sampled(dataset.sizes[rows.start : rows.stop], IMAGES):
        try:
            images.append(dataset.sample(rows[position]).image)
        except UserError:
            continue  # scoring reports it
    if not images:
        return None
    write_forms(trained, work)
    served = open_bundle(champion, verify=False)
    candidate = trained_recognizer(trained, onnx_forward(work / ONNX))
    times = measure_latency(candidate, served, images)
    return LatencyAndSize(*times, (work / ONNX).stat().st_size, (champion / ONNX).stat().st_size)
