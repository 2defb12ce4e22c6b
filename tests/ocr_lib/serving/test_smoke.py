"""A smoke query: golden images, asked of a live server."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ocr_lib.registry.golden_images import GoldenImage, golden_images
from ocr_lib.serving.smoke import MAX_SCORE_GAP, SmokeError, SmokeResult, smoke
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.text.recognition import Recognition
from tests.ocr_lib.serving.loaded import MODEL
from tests.ocr_lib.serving.tiny_bundle import line_image

GOLDEN = GoldenImage("a.png", b"", Recognition("abc", 0.9), scored=True)


@pytest.mark.parametrize(
    ("answer", "equal"),
    [
        (Recognition("abc", 0.9), True),
        (Recognition("abc", 0.9 - 0.9 * MAX_SCORE_GAP), True),
        (Recognition("abc", 0.9 + 1.1 * MAX_SCORE_GAP), False),
        (Recognition("abd", 0.9), False),
        (Recognition("abc ", 0.9), False),
    ],
)
def test_text_and_score_must_be_the_exported_models(answer: Recognition, equal: bool) -> None:
    result = SmokeResult(GOLDEN, answer)
    assert result.equal is equal
    assert json.loads(json.dumps(result.to_dict()))["equal"] is equal


def test_a_score_that_was_not_recorded_is_not_compared() -> None:
    golden = replace(GOLDEN, scored=False)
    result = SmokeResult(golden, Recognition("abc", 0.1))
    assert result.equal
    assert result.to_dict()["expected_score"] is None


def test_a_server_that_reads_as_the_export_passes(served: TritonServer, bundle: Path) -> None:
    golden = golden_images(bundle, {text: line_image(text) for text in ("abc", "é中")})
    answers = smoke(served.url, MODEL, 1, golden)
    assert [answer.recognition.text for answer in answers] == ["abc", "é中"]
    assert max(answer.score_gap for answer in answers) < 1e-4


def test_the_first_difference_is_named(served: TritonServer, bundle: Path) -> None:
    (golden,) = golden_images(bundle, {"one": line_image("abc")})
    other_text = replace(golden, name="two", recognition=Recognition("abd", 1.0))
    with pytest.raises(SmokeError, match=r"reads 1 of 2 .*first two: 'abc', not 'abd'"):
        smoke(served.url, MODEL, 1, [golden, other_text])
    other_score = replace(golden, recognition=replace(golden.recognition, score=0.2))
    with pytest.raises(SmokeError, match=r"'abc' as it should, but with score .* not 0\.2000"):
        smoke(served.url, MODEL, 1, [other_score])
    with pytest.raises(SmokeError, match="refuses one: not an image"):
        smoke(served.url, MODEL, 1, [replace(golden, image=b"text")])
