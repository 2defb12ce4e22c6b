"""What candidate and champion cost, measured side by side in the form that serves."""

from pathlib import Path

from ocr_lib.data.base import Dataset
from ocr_lib.data.sampling import evenly_sampled
from ocr_lib.errors import UserError
from ocr_lib.export import write_forms
from ocr_lib.gate import LatencyAndSize
from ocr_lib.gate.latency import measure_latency
from ocr_lib.inference.bundle import ONNX
from ocr_lib.inference.runtimes import onnx_forward, open_bundle
from ocr_lib.training import TrainedModel
from ocr_lib.training.recognizer import trained_recognizer

IMAGES = 16


def measure_costs(
    trained: TrainedModel, champion: Path, dataset: Dataset, work: Path
) -> LatencyAndSize:
    """Exports the candidate on trial and times it beside the champion, one thread each.

    Args:
        trained: the candidate; its network is changed and no longer fit for training.
        champion: the bundle that serves.
        dataset: where the lines to read come from.
        work: an empty or new folder.
    """
    work.mkdir(exist_ok=True)
    write_forms(trained, work)
    images = []
    for position in evenly_sampled(dataset.sizes, IMAGES):
        try:
            images.append(dataset.sample(position).image)
        except UserError:
            continue  # evaluation reports it
    served = open_bundle(champion, verify=False)
    candidate = trained_recognizer(trained, onnx_forward(work / ONNX))
    times = measure_latency(candidate, served, images)
    return LatencyAndSize(*times, (work / ONNX).stat().st_size, (champion / ONNX).stat().st_size)
