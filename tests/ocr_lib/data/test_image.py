"""Decoding, resizing and padding, against PaddleOCR's own numbers where its wheel is installed."""

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ocr_lib.data.image import Preprocess, default_buckets
from tests.ocr_lib.data.pictures import config, picture


@given(st.integers(1, 4000), st.integers(1, 300), st.sampled_from([32, 48, 64]))
def test_buckets_depend_on_the_size_alone(width: int, height: int, target: int) -> None:
    preprocess = Preprocess(target, default_buckets(target))
    resized = preprocess.resized_width(width, height)
    bucket = preprocess.bucket(width, height)
    assert 1 <= resized <= bucket
    assert bucket in preprocess.buckets
    assert resized == min(math.ceil(target * (width / height)), preprocess.buckets[-1])
    assert preprocess.buckets_of(np.array([[width, height]], np.int32)).tolist() == [bucket]


@given(st.integers(8, 512))
def test_default_buckets_ascend_to_twenty_heights(height: int) -> None:
    buckets = default_buckets(height)
    assert list(buckets) == sorted(set(buckets))
    assert 20 * height <= buckets[-1] < 20 * height + 16


def test_a_batch_is_independent_of_its_mates() -> None:
    preprocess = Preprocess(32, default_buckets(32))
    images = [preprocess.fit(picture(width, 20)) for width in (40, 55, 20)]
    together = preprocess.batch(images, 96)
    for row, image in zip(together, images, strict=True):
        assert np.array_equal(preprocess.batch([image], 96)[0], row)
        assert not row[:, :, image.shape[1] :].any()


def test_fit_squeezes_to_the_width_asked_for() -> None:
    preprocess = Preprocess(32, default_buckets(32))
    assert preprocess.fit(picture(400, 20), 96).shape == (32, 96, 3)
    assert preprocess.fit(picture(4000, 20)).shape == (32, 640, 3)
    assert preprocess.fit(picture(1, 50)).shape == (32, 1, 3)


def test_grey_networks_get_one_channel() -> None:
    preprocess = Preprocess(32, (100,), channels=1)
    image = preprocess.fit(picture(40, 32))
    assert image.shape == (32, 40, 1)
    assert preprocess.batch([image], 100).shape == (1, 1, 32, 100)
    assert np.array_equal(preprocess.fit(image), image)
    colour = Preprocess(32, (100,))
    assert colour.fit(image[:, :, 0]).shape == (32, 40, 3)


@pytest.mark.parametrize("width", [100, 320])
def test_numbers_are_those_of_paddleocr(width: int, paddleocr_rec_img_aug: ModuleType) -> None:
    preprocess = Preprocess(32, (width,))
    for w, h in [(50, 17), (641, 33), (31, 90), (3, 1), (977, 48), (320, 32)]:
        image = picture(w, h)
        theirs, _ = paddleocr_rec_img_aug.resize_norm_img(image, [3, 32, width])
        ours = preprocess.batch([preprocess.fit(image)], width)[0]
        assert np.array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def test_stretching_is_that_of_paddleocr(paddleocr_rec_img_aug: ModuleType) -> None:
    preprocess = Preprocess.from_config(
        config("SVTRRecResizeImg", image_shape=[3, 64, 256], padding=False)
    )
    image = picture(90, 30)
    theirs, _ = paddleocr_rec_img_aug.resize_norm_img(image, [3, 64, 256], padding=False)
    assert np.array_equal(preprocess.batch([preprocess.fit(image)], 256)[0], theirs)


SIZES = [(50, 17), (641, 33), (31, 30), (90, 30), (977, 48), (160, 48), (10, 40), (101, 48)]


def test_sar_reads_paddleocrs_pixels_without_padding(paddleocr_rec_img_aug: ModuleType) -> None:
    shape = [3, 48, 48, 160]
    preprocess = Preprocess.from_config(config("SARRecResizeImg", image_shape=shape))
    for w, h in SIZES:
        image = picture(w, h)
        theirs, resized, _, _ = paddleocr_rec_img_aug.resize_norm_img_sar(image, shape)
        width = preprocess.bucket(w, h)
        assert width == preprocess.resized_width(w, h) == resized[2]
        assert preprocess.buckets_of(np.array([[w, h]], np.int32)).tolist() == [width]
        ours = preprocess.batch([preprocess.fit(image)], width)[0]
        assert np.array_equal(ours, theirs[:, :, :width])


@pytest.mark.parametrize("kind", ["PIL", "OpenCV"])
def test_grey_stretching_is_that_of_paddleocr(kind: str, paddleocr_rec_img_aug: ModuleType) -> None:
    args = {"image_shape": [100, 32], "resize_type": kind}
    preprocess = Preprocess.from_config(config("GrayRecResizeImg", **args))
    theirs = paddleocr_rec_img_aug.GrayRecResizeImg(**args)
    for w, h in SIZES:
        if kind == "PIL" and w / 100 < h / 32:
            continue  # the newest Pillow begins with the columns
        image = picture(w, h)
        expected = theirs({"image": image})["image"]
        assert np.array_equal(preprocess.batch([preprocess.fit(image)], 100)[0], expected)


def test_grey_padding_is_that_of_paddleocr(paddleocr_rec_img_aug: ModuleType) -> None:
    args = {"image_shape": [1, 32, 100], "resize_type": "PIL", "padding": True}
    preprocess = Preprocess.from_config(config("NRTRRecResizeImg", **args))
    theirs = paddleocr_rec_img_aug.GrayRecResizeImg(**args)
    for w, h in SIZES:
        image = picture(w, h)
        expected = theirs({"image": image})["image"]
        assert np.array_equal(preprocess.batch([preprocess.fit(image)], 100)[0], expected)


@pytest.fixture(scope="module")
def paddleocr_rec_img_aug() -> ModuleType:
    """The one module of PaddleOCR's wheel that resizes, without importing the wheel."""
    wheel = importlib.util.find_spec("paddleocr")
    if wheel is None or wheel.origin is None:
        pytest.skip("paddleocr is not installed")
    path = Path(wheel.origin).parent / "ppocr/data/imaug/rec_img_aug.py"
    source = path.read_text(encoding="utf-8")
    module = ModuleType("rec_img_aug")
    module.__dict__.update(cv2=cv2, np=np, math=math, Image=Image)
    for start in ("def resize_norm_img(", "def resize_norm_img_sar(", "class GrayRecResizeImg("):
        begin = source.index(start)
        end = min(
            source.index(word, begin + 1)
            for word in ("\ndef ", "\nclass ")
            if word in source[begin:]
        )
        exec(compile(source[begin:end], str(path), "exec"), module.__dict__)
    return module


@pytest.mark.parametrize(("width", "height"), [(32, 240), (40, 60), (10, 400)])
def test_tall_lines_are_read_as_the_same_lines_lying_down(width: int, height: int) -> None:
    turning = Preprocess(height=32, buckets=(64, 160, 320), turn_tall=True)
    tall = picture(width, height)
    lying = np.ascontiguousarray(np.rot90(tall))
    assert turning.bucket(width, height) == turning.bucket(height, width)
    assert turning.resized_width(width, height) == turning.resized_width(height, width)
    np.testing.assert_array_equal(turning.fit(tall), turning.fit(lying))
    np.testing.assert_array_equal(turning.turned(tall), lying)
    sizes = np.array([[width, height], [height, width], [30, 44]], np.int32)
    expected = [[height, width], [height, width], [30, 44]]
    assert turning.turned_sizes(sizes).tolist() == expected
    assert turning.buckets_of(sizes).tolist() == [turning.bucket(*size) for size in expected]
    assert Preprocess.from_dict(turning.to_dict()) == turning
    plain = Preprocess(height=32, buckets=(64, 160, 320))
    assert "turn_tall" not in plain.to_dict()
    np.testing.assert_array_equal(plain.turned(tall), tall)
