"""A smoke query: images whose text is known, asked of a live server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ocr_lib.errors import ServiceError
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.text.recognition import Recognition

# Other kernels move a score by some 1e-5. Lines that are shifted, padded or resized by a pixel
# read the same mostly, but with other scores.
MAX_SCORE_GAP = 0.005


class SmokeError(ServiceError):
    """A server answers, but not what the exported model says."""


@dataclass(frozen=True)
class SmokeResult:
    """A golden image and the recognition of a server.

    Attributes:
        golden: the image, with the recognition of the exported model.
        recognition: of the server.
    """

    golden: GoldenImage
    recognition: Recognition

    @property
    def equal(self) -> bool:
        """Whether the text is the expected one, character by character, and the score near it."""
        same_text = self.recognition.text == self.golden.recognition.text
        return same_text and self.score_gap <= MAX_SCORE_GAP

    @property
    def score_gap(self) -> float:
        """Absolute difference from the expected score; 0 where that was not recorded."""
        gap = abs(self.recognition.score - self.golden.recognition.score)
        return gap if self.golden.scored else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON-ready values, without the image."""
        expected, answer = self.golden.recognition, self.recognition
        return {
            "name": self.golden.name,
            "expected": expected.text,
            "text": answer.text,
            "score": answer.score,
            "expected_score": expected.score if self.golden.scored else None,
            "equal": self.equal,
        }


def smoke(
    url: str, model: str, version: int, golden: Sequence[GoldenImage], timeout_s: float = 60.0
) -> list[SmokeResult]:
    """Asks one version of a model for all golden images.

    Raises:
        SmokeError: an answer differs; names the first one.
        ServiceError: the server does not answer.
    """
    with RecognitionClient(url, model, version=version, timeout_s=timeout_s) as recognizer:
        results = recognizer.read_many([item.image for item in golden])
    for item, result in zip(golden, results, strict=True):
        if result.error:
            raise SmokeError(f"Triton at {url}: {model} refuses {item.name}: {result.error}.")
    answers = [SmokeResult(item, result) for item, result in zip(golden, results, strict=True)]
    wrong = [answer for answer in answers if not answer.equal]
    if wrong:
        raise SmokeError(
            f"Triton at {url}: {model} version {version} reads {len(wrong)} of {len(answers)} "
            f"golden images differently from the exported model; first {_complaint(wrong[0])}."
        )
    return answers


def _complaint(answer: SmokeResult) -> str:
    name, expected, recognition = answer.golden.name, answer.golden.recognition, answer.recognition
    if recognition.text != expected.text:
        return f"{name}: {recognition.text!r}, not {expected.text!r}"
    return (
        f"{name}: {recognition.text!r} as it should, but with score {recognition.score:.4f}, not "
        f"{expected.score:.4f}: its preprocessing or its network is not the exported one"
    )
