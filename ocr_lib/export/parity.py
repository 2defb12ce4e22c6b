"""The parity certificate: every exported form computes what the trained network computes.

The same held-out images go through the training graph in evaluation mode and through each
exported form, at every width bucket (a wide image squeezed, a narrow one padded), in one batch
and each alone. All answers must agree.

Tolerance: probabilities may differ by `MAX_ABS_DIFF`. Other kernels sum in another order, which
moves a float32 softmax by about 1e-6 to 1e-5; a lost layer, a wrong constant or a batch
statistic moves it by more than 1e-2. Texts must be equal without exception.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.image import Image, Preprocess, decode_image
from ocr_lib.errors import DataError, ExportError, ImageError
from ocr_lib.progress import Progress
from ocr_lib.recognize import Forward
from ocr_lib.text import ctc
from ocr_lib.text.decoders import Decode
from ocr_lib.text.dictionary import Dictionary

FORMAT = 1
MAX_ABS_DIFF = 1e-3
SMALLEST_COMPARED = 1e-3  # probabilities below it are left out of the relative difference
NUM_IMAGES = 16

Probs = NDArray[np.float32]


@dataclass(frozen=True)
class Agreement:
    """One exported form at one width against the training graph.

    Attributes:
        backend: the exported form.
        width: the bucket, px.
        max_abs_diff: largest difference of a probability.
        max_rel_diff: largest relative one, of probabilities of at least 0.001.
        max_batch_diff: largest difference between a line alone and the same in the batch.
        texts_equal: all texts, alone and in the batch, are the training graph's.
    """

    backend: str
    width: int
    max_abs_diff: float
    max_rel_diff: float
    max_batch_diff: float
    texts_equal: bool


def certify(
    reference: Forward,
    backends: Mapping[str, Forward],
    preprocess: Preprocess,
    dictionary: Dictionary,
    images: Mapping[str, bytes],
    failure_path: Path,
    decode: Decode = ctc.decode,
) -> dict[str, Any]:
    """Compares exported forms with the trained network.

    Args:
        reference: the training graph in evaluation mode.
        backends: name → exported form.
        preprocess: the input; its buckets are the widths compared.
        dictionary: of the network.
        images: name → held-out encoded image.
        failure_path: where an `.npz` with both tensors goes if they disagree.
        decode: makes texts of the network's output.

    Returns:
        The content of `parity.json`.

    Raises:
        ExportError: an exported form differs; the message names the worst image.
        DataError: none of the images can be decoded.
    """
    decoded = _decoded(images)
    pictures = list(decoded.values())
    found: list[Agreement] = []
    with Progress(len(preprocess.buckets) * len(backends), "parity", "comparisons") as progress:
        for width in preprocess.buckets:
            tensor = preprocess.batch([preprocess.fit(p, width) for p in pictures], width)
            expected = reference(tensor)
            for backend, forward in backends.items():
                answers = _run(backend, forward, tensor)
                trial = _Trial(backend, width, dictionary, decode, tensor, expected, *answers)
                agreement = trial.agreement()
                if not (agreement.texts_equal and agreement.max_abs_diff <= MAX_ABS_DIFF):
                    trial.keep(failure_path)
                    raise ExportError(trial.complaint(list(decoded), failure_path))
                found.append(agreement)
                progress.add(1)
    failure_path.unlink(missing_ok=True)  # of an earlier attempt
    return _certificate(found, list(decoded))


def _decoded(images: Mapping[str, bytes]) -> dict[str, Image]:
    decoded = {}
    for name, image in images.items():
        try:
            decoded[name] = decode_image(image, name)
        except ImageError:
            continue  # evaluation reports it; here another one will do
    if not decoded:
        raise DataError("parity", "no held-out image can be decoded", "Check Eval.dataset")
    return decoded


def _run(backend: str, forward: Forward, tensor: Probs) -> tuple[Probs, Probs]:
    """Returns the answers to the batch, and to each line alone."""
    try:
        return forward(tensor), np.concatenate([forward(row[None]) for row in tensor])
    except Exception as error:  # whatever a native library raises
        width = tensor.shape[3]
        raise ExportError(f"{backend} does not run at width {width}: {error}") from error


@dataclass(frozen=True)
class _Trial:
    """The answers of one exported form at one width."""

    backend: str
    width: int
    dictionary: Dictionary
    decode: Decode
    tensor: Probs
    expected: Probs
    batched: Probs
    alone: Probs

    def __post_init__(self) -> None:
        if not self.expected.shape == self.batched.shape == self.alone.shape:
            raise ExportError(
                f"{self.backend} at width {self.width} answers {self.batched.shape}, the trained "
                f"network {self.expected.shape}: the export fixed a size that must stay open"
            )

    def agreement(self) -> Agreement:
        gaps = self._gaps()
        shown = self.expected >= SMALLEST_COMPARED
        return Agreement(
            self.backend,
            self.width,
            max_abs_diff=float(gaps.max()),
            max_rel_diff=float((gaps[shown] / self.expected[shown]).max(initial=0.0)),
            max_batch_diff=float(np.abs(self.batched - self.alone).max()),
            texts_equal=not any(self._misread()),
        )

    def complaint(self, names: Sequence[str], path: Path) -> str:
        """Says by how much the form differs and on which image most."""
        gaps = np.nan_to_num(self._gaps(), nan=np.inf).max(axis=(1, 2))
        worst = int(np.argmax(gaps + np.array(self._misread())))
        texts = [self._texts(p)[worst] for p in (self.batched, self.alone, self.expected)]
        return (
            f"{self.backend} at width {self.width} differs from the trained network by "
            f"{gaps.max():.3g} (allowed: {MAX_ABS_DIFF:g}), most on image {names[worst]}: it reads "
            f"{texts[0]!r} in a batch and {texts[1]!r} alone, the trained network {texts[2]!r}. "
            f"The tensors are in {path}"
        )

    def keep(self, path: Path) -> None:
        """Writes input and answers."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                input=self.tensor,
                expected=self.expected,
                batched=self.batched,
                alone=self.alone,
            )

    def _gaps(self) -> Probs:
        gaps: Probs = np.maximum(
            np.abs(self.batched - self.expected), np.abs(self.alone - self.expected)
        )
        return gaps

    def _misread(self) -> list[bool]:
        texts = (self._texts(p) for p in (self.expected, self.batched, self.alone))
        return [not a == b == c for a, b, c in zip(*texts, strict=True)]

    def _texts(self, probs: Probs) -> list[str]:
        return [answer.text for answer in self.decode(probs, self.dictionary)]


def _certificate(found: Sequence[Agreement], names: Sequence[str]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "images": list(names),
        "allowed_abs_diff": MAX_ABS_DIFF,
        "max_abs_diff": max(agreement.max_abs_diff for agreement in found),
        "max_rel_diff": max(agreement.max_rel_diff for agreement in found),
        "max_batch_diff": max(agreement.max_batch_diff for agreement in found),
        "texts_equal": all(agreement.texts_equal for agreement in found),
        "agreements": [asdict(agreement) for agreement in found],
    }
