"""CTC steps in training: computed for known networks, measured for others."""

from pathlib import Path

import numpy as np
import paddle

from ocr_lib.data.loading.label_encoder import LabelEncoder
from ocr_lib.models import build_model
from ocr_lib.text.dictionary import load_dictionary
from ocr_lib.training.ctc_lengths import NO_LIMIT, ctc_lengths
from ocr_lib.training.plan import resolve
from ocr_lib.training.system import reading_logits
from tests.ocr_lib.training.line_data import small_config
from tests.ocr_lib.training.other_networks import other_config
from tests.ocr_lib.training.test_own_parts import ALLOWED, OWN

SIZES = [(32, 64), (32, 128)]


def test_what_is_computed_is_what_the_network_gives(tmp_path: Path) -> None:
    config = small_config(tmp_path, tmp_path, tmp_path)
    charset = load_dictionary("en")
    steps = ctc_lengths(resolve(config), SIZES, 1, LabelEncoder.of(config, charset))
    network = build_model(config.architecture, charset.num_classes)
    network.train()
    for height, width in SIZES:
        outputs = network(paddle.zeros([2, 1, height, width]))
        assert steps[width] == reading_logits(outputs, "").shape[1]


def test_a_part_of_the_users_own_is_measured(tmp_path: Path) -> None:
    config = small_config(tmp_path, tmp_path, tmp_path, ALLOWED, **OWN)
    label_encoder = LabelEncoder.of(config, load_dictionary("en"))
    assert ctc_lengths(resolve(config), SIZES, 1, label_encoder) == {64: 16, 128: 32}


def test_of_several_heights_the_fewest_steps_count(tmp_path: Path) -> None:
    config = small_config(tmp_path, tmp_path, tmp_path, ALLOWED, **OWN)
    label_encoder = LabelEncoder.of(config, load_dictionary("en"))
    assert ctc_lengths(resolve(config), [(32, 64), (48, 64)], 1, label_encoder) == {64: 16}


def test_a_head_without_ctc_has_no_limit(tmp_path: Path) -> None:
    config = other_config("attention", tmp_path, tmp_path, tmp_path)
    label_encoder = LabelEncoder.of(config, load_dictionary("ic15"))
    assert set(ctc_lengths(resolve(config), SIZES, 1, label_encoder).values()) == {NO_LIMIT}
    assert np.iinfo(np.int32).max >= NO_LIMIT
