"""What Triton reads on lines that nobody trained on, beside the truth and the exported model."""

from dataclasses import dataclass
from pathlib import Path

from components.deploy.client import Recognizer
from components.deploy.production import Production
from components.shared.handoff import fetch
from components.shared.pointer import Pointer
from components.shared.store import Store
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.data.spread import spread
from ocr_lib.predict import open_bundle

SAMPLES = 12


@dataclass(frozen=True, slots=True)
class Answer:
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
    production: Production, eval_lmdb: Pointer, triton_url: str, store: Store, work: Path
) -> list[Answer]:
    """Asks the model in production for lines of all widths.

    Args:
        production: the version that serves.
        eval_lmdb: the held-out lines.
        triton_url: `host:port` of the server.
        store: holds the bundle that was deployed.
        work: an empty folder.
    """
    dataset = LmdbDataset(fetch(eval_lmdb, work / "eval"))
    samples = [dataset.sample(position) for position in spread(dataset.sizes, SAMPLES)]
    images = [sample.image for sample in samples]
    exported = open_bundle(store.get_tree(production.bundle, work / "bundle")).read(images)
    with Recognizer(triton_url, production.model) as recognizer:
        served = recognizer.read_many(images)
    return [
        Answer(sample.name, sample.label, ours.text, theirs.text, theirs.score)
        for sample, ours, theirs in zip(samples, exported, served, strict=True)
    ]
