import math
from pathlib import Path

import numpy as np
import pytest

import ocr_lib
from ocr_lib.config.loader import load_config
from ocr_lib.config.parse import ComponentConfig
from ocr_lib.data.augment.base import Augmentation
from ocr_lib.data.augment.concatenate import RecConAug
from ocr_lib.data.augment.light import LightAug
from ocr_lib.data.augment.rec_aug import BaseDataAugmentation, RecAug
from ocr_lib.data.transforms import (
    build_augmentation,
    build_concatenation,
    ignored_transform_keys,
)
from ocr_lib.errors import ConfigError

CONFIGS = Path(ocr_lib.__file__).parent / "configs"


class Darken(Augmentation):
    """What a user may bring along."""

    def __init__(self, by: int) -> None:
        self.by = by

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return image // self.by


def test_reads_a_list_as_paddleocr_writes_it() -> None:
    transforms = [
        ComponentConfig("DecodeImage", {"img_mode": "BGR", "channel_first": False}),
        ComponentConfig("RecConAug", {"prob": 0.5, "ext_data_num": 2, "image_shape": [48, 320, 3]}),
        ComponentConfig("RecAug", {"tia_prob": 0.1, "crop_prob": None}),
        ComponentConfig("MultiLabelEncode", {"gtc_encode": "NRTRLabelEncode"}),
        ComponentConfig("KeepKeys", {"keep_keys": ["image", "label_ctc"]}),
    ]
    assert build_augmentation(transforms) == RecAug(tia_prob=0.1)
    assert build_concatenation(transforms, 40) == RecConAug(0.5, (48, 320, 3), 40, 2)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RecAug", RecAug()),
        ("LightAug", LightAug()),
        ("BaseDataAugmentation", BaseDataAugmentation()),
    ],
)
def test_defaults_are_the_guides(name: str, expected: object) -> None:
    assert build_augmentation([ComponentConfig(name)]) == expected


def test_nothing_asked_for_is_nothing_done() -> None:
    image = np.zeros((32, 64, 3), np.uint8)
    for transforms in ([], [ComponentConfig("DecodeImage"), ComponentConfig("CTCLabelEncode")]):
        assert build_augmentation(transforms)(image, np.random.default_rng(0)) is image
        assert build_concatenation(transforms, 25) is None


def test_several_go_one_after_the_other() -> None:
    own = f"{__name__}:Darken"
    both = build_augmentation(
        [ComponentConfig(own, {"by": 2}), ComponentConfig(own, {"by": 5})], frozenset({own})
    )
    image = np.full((2, 2, 3), 100, np.uint8)
    assert (both(image, np.random.default_rng(0)) == 10).all()


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (ComponentConfig("RecAgu"), r"transforms\.RecAgu: .*nearest known name is RecAug"),
        (ComponentConfig("RecAug", {"tai_prob": 1}), r"RecAug\.tai_prob: .*tia_prob"),
        (ComponentConfig("RecAug", {"tia_prob": 1.5}), r"RecAug\.tia_prob: is 1\.5.*from 0 to 1"),
        (ComponentConfig("RecAug", {"tia_prob": math.nan}), r"RecAug\.tia_prob: is nan"),
        (ComponentConfig("RecAug", {"tia_prob": "often"}), r"RecAug\.tia_prob: is 'often'"),
        (ComponentConfig("RecAug", {"use_tia": 3}), r"RecAug\.use_tia: .*true or false"),
        (ComponentConfig("DecodeImage", {"img_mode": "RGB"}), r"DecodeImage\.img_mode: is 'RGB'"),
        (ComponentConfig(f"{__name__}:Darken"), r"Darken: cannot be built: .*'by'"),
        (ComponentConfig("os:system", {"command": "true"}), r"os:system is a custom part"),
    ],
)
def test_mistakes_are_named(part: ComponentConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_augmentation([part], frozenset({f"{__name__}:Darken"}))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"prob": 2}, r"RecConAug\.prob: is 2"),
        ({"image_shape": [0, 320, 3]}, r"RecConAug\.image_shape: is \[0, 320, 3\]"),
        ({"image_shape": [320, 3]}, r"RecConAug\.image_shape: "),
        ({"ext_data_num": 0}, r"RecConAug\.ext_data_num: is 0"),
        ({"ext_num": 2}, r"RecConAug\.ext_num: .*ext_data_num"),
    ],
)
def test_mistakes_of_concatenation_are_named(args: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_concatenation([ComponentConfig("RecConAug", args)], 25)


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(CONFIGS.rglob("*.y*ml")) if not path.name.startswith("_")],
    ids=lambda path: path.stem,
)
def test_every_configuration_of_the_package_is_built(path: Path) -> None:
    config = load_config(path)
    transforms = config.train.dataset.transforms
    build_concatenation(transforms, config.global_.max_text_length)
    build_augmentation(transforms)


def test_arguments_that_change_nothing_are_named() -> None:
    transforms = [
        ComponentConfig("MultiLabelEncode", {"max_text_length": 50}),
        ComponentConfig("CTCLabelEncode", {"max_text_length": 25}),
        ComponentConfig("RecResizeImg", {"image_shape": [3, 48, 320], "eval_mode": True}),
        ComponentConfig("SVTRRecResizeImg", {"image_shape": [3, 48, 320]}),
    ]
    assert list(ignored_transform_keys(transforms, "Eval.dataset.transforms", 25)) == [
        "Eval.dataset.transforms.MultiLabelEncode.max_text_length",
        "Eval.dataset.transforms.RecResizeImg.eval_mode",
    ]
