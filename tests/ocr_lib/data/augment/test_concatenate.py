import copy
import random
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from ocr_lib.data.augment.concatenate import RecConAug
from ocr_lib.data.base import Sample
from ocr_lib.errors import ImageError
from ocr_lib.text.bidi import reading_order, visual_order
from tests.ocr_lib.data.lines import image as encoded_image


def picture(width: int, height: int = 32, value: int = 0) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def sample(width: int, label: str) -> Sample:
    return Sample(encoded_image(1, width=width, height=32, kind=".png"), label, "other.png")


def never(rng: np.random.Generator) -> Sample:
    raise AssertionError("nothing may be read")


def test_draws_others_only_when_it_fires() -> None:
    image = picture(40)
    result = RecConAug(prob=0)(image, "a", np.random.default_rng(0), never)
    assert result[0] is image
    assert result[1] == "a"


def test_joins_images_and_texts() -> None:
    join = RecConAug(prob=1, image_shape=(48, 320, 3), ext_data_num=2)
    image, label = join(
        picture(40, value=7), "ab", np.random.default_rng(0), lambda rng: sample(64, "cd")
    )
    assert label == "abcdcd"
    assert image.shape == (48, 60 + 96 + 96, 3)
    assert (image[:, :60] == 7).all()


@pytest.mark.parametrize(
    ("width", "label"), [(64, "x" * 24), (300, "x")], ids=["text too long", "image too wide"]
)
def test_stops_where_the_limits_are(width: int, label: str) -> None:
    join = RecConAug(prob=1, max_text_length=25)
    image = picture(40)
    result = join(image, "ab", np.random.default_rng(0), lambda rng: sample(width, label))
    assert result[0] is image
    assert result[1] == "ab"


WORDS = ("שלום", "رقم", "abc", "12", "+972", "50%", "-", "(abc)", "(עולם)", "٤٥")


def test_right_to_left_labels_are_those_of_the_joined_image() -> None:
    rng = random.Random(0)
    for _ in range(400):
        label, other = (" ".join(rng.choices(WORDS, k=rng.randint(1, 3))) for _ in "12")
        join = RecConAug(prob=1, max_text_length=80)
        image = picture(40)
        joined, text = join(
            image,
            label,
            np.random.default_rng(0),
            lambda _: sample(64, other),  # noqa: B023
            right_to_left=True,
        )
        drawn = visual_order(label) + visual_order(other)
        if joined is image:
            assert text == label
            assert visual_order(reading_order(drawn)) != drawn
        else:
            assert visual_order(text) == drawn


def test_the_right_word_is_read_first() -> None:
    join = RecConAug(prob=1)
    for right_to_left, expected in ((True, "עולםשלום"), (False, "שלוםעולם")):
        found = join(
            picture(40),
            "שלום",
            np.random.default_rng(0),
            lambda _: sample(64, "עולם"),
            right_to_left=right_to_left,
        )
        assert found[1] == expected


def test_a_batch_may_have_less_room() -> None:
    join = RecConAug(prob=1, image_shape=(32, 320, 3))
    for max_ratio, expected in ((3.2, "ab"), (3.3, "abcd")):
        rng = np.random.default_rng(0)
        found = join(picture(40), "ab", rng, lambda rng: sample(64, "cd"), max_ratio)
        assert found[1] == expected


def test_a_text_that_does_not_fit_is_not_decoded() -> None:
    join = RecConAug(prob=1, max_text_length=3)
    broken = Sample(b"no image", "long", "broken.jpg")
    assert join(picture(40), "ab", np.random.default_rng(0), lambda rng: broken)[1] == "ab"
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        RecConAug(prob=1)(picture(40), "ab", np.random.default_rng(0), lambda rng: broken)


@pytest.mark.parametrize("fires", [True, False])
def test_equals_paddleocr(peer: SimpleNamespace, fires: bool) -> None:
    rng = np.random.default_rng(0)
    settings = {"image_shape": (32, 320, 3), "max_text_length": 12, "ext_data_num": 2}
    ours = RecConAug(prob=float(fires), **settings)
    theirs = peer.rec.RecConAug(prob=1.0 if fires else -1.0, **settings)
    random.seed(0)
    for _ in range(60):
        image = rng.integers(0, 256, (int(rng.integers(16, 60)), 90, 3), np.uint8)
        others = [sample(int(rng.integers(20, 200)), "x" * int(rng.integers(1, 7))) for _ in "12"]
        pixels = [cv2.imdecode(np.frombuffer(o.image, np.uint8), 1) for o in others]
        data = {
            "image": image.copy(),
            "label": "abc",
            "ext_data": [
                {"image": p, "label": o.label} for p, o in zip(pixels, others, strict=True)
            ],
        }
        waiting = iter(copy.copy(others))
        expected = theirs(data)
        found, label = ours(image, "abc", rng, lambda _: next(waiting))  # noqa: B023
        assert label == expected["label"]
        assert np.array_equal(found, expected["image"])
