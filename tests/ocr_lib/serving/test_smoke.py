"""A server's recognition next to the golden one; against live servers see test_rollout.py."""

import pytest

from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.serving.smoke import MAX_SCORE_GAP, SmokeResult
from ocr_lib.text.recognition import Recognition


@pytest.mark.parametrize(
    ("text", "score", "scored", "equal"),
    [
        ("abc", 0.9, True, True),
        ("abc", 0.9 - MAX_SCORE_GAP / 2, True, True),
        ("abc", 0.9 - MAX_SCORE_GAP * 2, True, False),
        ("abc", 0.1, False, True),
        ("abd", 0.9, True, False),
        ("abd", 0.9, False, False),
    ],
)
def test_text_and_known_score_must_be_the_golden_ones(
    text: str, score: float, scored: bool, equal: bool
) -> None:
    golden = GoldenImage("a.png", b"image", Recognition("abc", 0.9), scored=scored)
    result = SmokeResult(golden, Recognition(text, score))
    assert result.equal == equal
    assert result.to_dict() == {
        "name": "a.png",
        "expected": "abc",
        "text": text,
        "score": score,
        "expected_score": 0.9 if scored else None,
        "equal": equal,
    }
