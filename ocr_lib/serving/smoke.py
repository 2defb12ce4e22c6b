"""A smoke query: images whose text is known, asked of a live server."""

from collections.abc import Sequence
from dataclasses import dataclass

from ocr_lib.errors import ServiceError
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.serving.client import RecognitionClient

# Other kernels move a score by some 1e-5. Lines that are shifted, padded or resized by a pixel
# read the same mostly, but with other scores.
MAX_SCORE_GAP = 0.005


class SmokeError(ServiceError):
    """A server answers, but not what the exported model says."""


@dataclass(frozen=True)
class SmokeResult:
    """What a server read on a golden image, beside what was expected."""

    name: str
    expected: str
    text: str
    score: float
    expected_score: float | None = None

    @property
    def equal(self) -> bool:
        """Whether the text is the expected one, character by character, and the score near it."""
        return self.text == self.expected and self.score_gap <= MAX_SCORE_GAP

    @property
    def score_gap(self) -> float:
        """How far the score is from the expected one."""
        return abs(self.score - self.expected_score) if self.expected_score is not None else 0.0


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
    answers = [
        SmokeResult(item.name, item.text, result.text, result.score, item.score)
        for item, result in zip(golden, results, strict=True)
    ]
    wrong = [answer for answer in answers if not answer.equal]
    if wrong:
        raise SmokeError(
            f"Triton at {url}: {model} version {version} reads {len(wrong)} of {len(answers)} "
            f"golden images differently from the exported model; first {_complaint(wrong[0])}."
        )
    return answers


def _complaint(answer: SmokeResult) -> str:
    if answer.text != answer.expected:
        return f"{answer.name}: {answer.text!r}, not {answer.expected!r}"
    return (
        f"{answer.name}: {answer.text!r} as it should, but with score {answer.score:.4f}, not "
        f"{answer.expected_score:.4f}: its preprocessing or its network is not the exported one"
    )
