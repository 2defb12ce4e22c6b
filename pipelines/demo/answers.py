"""What Triton reads on the test set, next to the truth and the exported model."""

from dataclasses import dataclass
from pathlib import Path

from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.data.sampling import evenly_sampled
from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.registry.production import Production
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download
from ocr_lib.storage.store import Store

SAMPLES = 12


@dataclass(frozen=True, slots=True)
class ServedAnswer:
    """One line.

    Attributes:
        image: its name in the data set.
        truth: its label.
        exported: what the exported model reads.
        triton: what Triton reads.
        score: Triton's confidence, 0 to 1.
    """

    image: str
    truth: str
    exported: str
    triton: str
    score: float


def ask_triton(
    production: Production, test_lmdb: ArtifactRef, triton_url: str, store: Store, work: Path
) -> list[ServedAnswer]:
    """Asks the model in production for lines of all widths.

    Args:
        production: the version that serves.
        test_lmdb: the test set, which has decided already.
        triton_url: `host:port` of the server.
        store: holds the bundle that was deployed.
        work: an empty folder.
    """
    dataset = LmdbDataset(download(store, test_lmdb, work / "test"))
    samples = [dataset.sample(position) for position in evenly_sampled(dataset.sizes, SAMPLES)]
    images = [sample.image for sample in samples]
    exported = open_bundle(store.get_tree(production.bundle, work / "bundle")).read(images)
    with RecognitionClient(triton_url, production.model) as recognizer:
        served = recognizer.read_many(images)
    return [
        ServedAnswer(sample.name, sample.label, expected.text, answer.text, answer.score)
        for sample, expected, answer in zip(samples, exported, served, strict=True)
    ]
