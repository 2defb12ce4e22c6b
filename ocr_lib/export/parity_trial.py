"""One exported form at one width beside the trained network: answers, differences, evidence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ocr_lib.errors import ExportError
from ocr_lib.inference.recognizer import Forward
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.recognition import Recognition
from ocr_lib.text.tokenizer import Decode

MAX_ABS_DIFF = 1e-3  # of a probability
MAX_SCORE_DIFF = 1e-4  # of a line's score, whatever batch it is in
SMALLEST_COMPARED = 1e-3  # probabilities below it are left out of the relative difference
SMALLEST_LOGIT = 1e-6  # and of the difference of logits
SEED = 5

Probs = NDArray[np.float32]
Groups = list[list[int]]


def compositions(images: int) -> dict[str, Groups]:
    """Returns the batches in which lines are read: name → positions of each batch, in order."""
    shuffled = np.random.Generator(np.random.PCG64(SEED)).permutation(images).tolist()
    return {
        "one batch": [list(range(images))],
        "alone": [[i] for i in range(images)],
        "threes": _cut(shuffled, 3),
        "fives": _cut(shuffled[::-1], 5),
    }


def _cut(order: list[int], size: int) -> Groups:
    return [order[start : start + size] for start in range(0, len(order), size)]


def run_in(groups: Groups, backend: str, forward: Forward, tensor: Probs) -> Probs:
    """Returns the answers to the lines of a tensor, read in these batches, in the lines' order.

    Raises:
        ExportError: the form does not run.
    """
    try:
        parts = [forward(tensor[group]) for group in groups]
    except Exception as error:  # whatever a native library raises
        width = tensor.shape[3]
        raise ExportError(f"{backend} does not run at width {width}: {error}") from error
    order = np.argsort(np.concatenate([np.array(group) for group in groups]))
    return np.asarray(np.concatenate(parts)[order])


@dataclass(frozen=True)
class Agreement:
    """One exported form at one width against the training graph.

    Attributes:
        backend: the exported form.
        width: the bucket, px.
        max_abs_diff: largest difference of a probability.
        max_rel_diff: largest relative one, of probabilities of at least 0.001.
        max_logit_diff: largest difference of a logit, of probabilities of at least 0.000001. A
            logarithm of a probability is the logit but for a constant of its step.
        max_logit_rel_diff: the same over the logit, or over 1 where that is larger.
        max_batch_diff: largest difference of a probability between batches the line is in.
        max_score_diff: largest difference of a line's score from the training graph's.
        texts_equal: all texts, in every batch, are the training graph's.
    """

    backend: str
    width: int
    max_abs_diff: float
    max_rel_diff: float
    max_logit_diff: float
    max_logit_rel_diff: float
    max_batch_diff: float
    max_score_diff: float
    texts_equal: bool = True  # or there is no certificate


@dataclass(frozen=True)
class Trial:
    """The trained network's answers at one width, and what exported forms say.

    Attributes:
        width: the bucket, px.
        names: of the images.
        tensor: the input [N, C, H, W].
        expected: the trained network's answers [N, T, K].
        dictionary: of the network.
        decode: makes texts of answers.
        failure_path: where the tensors go if a form disagrees.
    """

    width: int
    names: Sequence[str]
    tensor: Probs
    expected: Probs
    dictionary: Charset
    decode: Decode
    failure_path: Path

    def agreement(self, backend: str, forward: Forward) -> Agreement:
        """Runs a form in every composition of batches.

        Raises:
            ExportError: it does not run or says something else; the tensors are kept.
        """
        read = self._read(self.expected)
        first: Probs | None = None
        differences = []
        for batches, groups in compositions(len(self.tensor)).items():
            answers = run_in(groups, backend, forward, self.tensor)
            self._check_shape(backend, answers)
            first = answers if first is None else first
            differences.append(self._compare(backend, batches, answers, first, read))
        return Agreement(backend, self.width, *np.max(differences, axis=0).tolist())

    def _check_shape(self, backend: str, answers: Probs) -> None:
        if self.expected.shape != answers.shape:
            raise ExportError(
                f"{backend} at width {self.width} answers {answers.shape}, the trained network "
                f"{self.expected.shape}: the export fixed a size that must stay open"
            )

    def _compare(
        self,
        backend: str,
        batches: str,
        answers: Probs,
        first: Probs,
        read: Sequence[Recognition],
    ) -> list[float]:
        """Returns the differences in the order of `Agreement`'s fields."""
        gaps = np.abs(answers - self.expected)
        texts = self._read(answers)
        scores = [abs(one.score - other.score) for one, other in zip(texts, read, strict=True)]
        wrong = [one.text != other.text for one, other in zip(texts, read, strict=True)]
        differences = [*self._differences(answers, gaps), float(np.abs(answers - first).max())]
        fits = gaps.max() <= MAX_ABS_DIFF and max(scores) <= MAX_SCORE_DIFF  # false for NaN
        if any(wrong) or not fits:
            self._keep(answers)
            weights = np.nan_to_num(gaps, nan=np.inf).max(axis=(1, 2)) + np.array(wrong)
            raise ExportError(
                self._complaint(backend, batches, int(np.argmax(weights)), gaps, texts, read)
            )
        return [*differences, max(scores)]

    def _differences(self, answers: Probs, gaps: Probs) -> Iterator[float]:
        yield float(gaps.max())
        shown = self.expected >= SMALLEST_COMPARED
        yield float((gaps[shown] / self.expected[shown]).max(initial=0.0))
        shown = self.expected >= SMALLEST_LOGIT
        logits = np.log(self.expected[shown])
        moved = np.abs(np.log(np.maximum(answers[shown], SMALLEST_LOGIT / 10)) - logits)
        yield float(moved.max(initial=0.0))
        yield float((moved / np.maximum(np.abs(logits), 1.0)).max(initial=0.0))

    def _complaint(
        self,
        backend: str,
        batches: str,
        worst: int,
        gaps: Probs,
        texts: Sequence[Recognition],
        read: Sequence[Recognition],
    ) -> str:
        answer, reference = texts[worst], read[worst]
        return (
            f"{backend} at width {self.width} differs from the trained network by "
            f"{gaps.max():.3g} (allowed: {MAX_ABS_DIFF:g}), most on image {self.names[worst]}: "
            f"read in {batches} it says {answer.text!r} ({answer.score:.4f}), the trained network "
            f"{reference.text!r} ({reference.score:.4f}). The tensors are in {self.failure_path}"
        )

    def _keep(self, answers: Probs) -> None:
        """Writes input and answers."""
        self.failure_path.parent.mkdir(parents=True, exist_ok=True)
        with self.failure_path.open("wb") as file:
            np.savez_compressed(file, input=self.tensor, expected=self.expected, answer=answers)

    def _read(self, probs: Probs) -> list[Recognition]:
        return self.decode(probs, self.dictionary)
