"""What is wrong with the samples of one split."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ocr_lib.config.schema import Config
from ocr_lib.data.preflight import preflight
from tests.ocr_lib.data.hostile_images import tiff_bomb
from tests.ocr_lib.data.lines import image
from tests.ocr_lib.data.preflight.configured import GOOD, causes, changed, check, wide


def test_characters_outside_the_dictionary(good: Config, tmp_path: Path) -> None:
    wide(tmp_path, [*GOOD[:-2], "über", "ß ü"], "train.txt")
    report = preflight(good)
    finding = check(report, "train: 2 of 40 (5.00%) labels have characters outside the dictionary")
    assert "'ü' (U+00FC LATIN SMALL LETTER U WITH DIAERESIS) 2 x, 'ß' (U+00DF" in finding.cause
    assert finding.examples[0] == "images/train.txt_38.jpg: 'über'"
    assert report.numbers["train"]["outside_dictionary"] == {"ü": 2, "ß": 1}
    assert preflight(good, max_bad_fraction=0.05).passed


def test_labels_without_a_single_known_character(good: Config, tmp_path: Path) -> None:
    wide(tmp_path, [*GOOD, "漢字"], "train.txt")
    report = preflight(good, max_bad_fraction=0.03)
    assert [cause.split(") ")[1] for cause in causes(report.warnings)] == [
        "labels have characters outside the dictionary: '漢' (U+6F22 CJK UNIFIED IDEOGRAPH-6F22",
        "labels are empty, or nothing is left of them",
    ]


def test_right_to_left_labels_without_a_unique_order_are_counted(
    good: Config, tmp_path: Path
) -> None:
    labels = ["שלום abc", "(abc) +972 abc שלום"] * 20
    wide(tmp_path, labels, "train.txt")
    (tmp_path / "mine.txt").write_text("".join(f"{c}\n" for c in sorted(set("".join(labels)))))
    keys = {"Global.character_dict_path": str(tmp_path / "mine.txt"), "Global.max_text_length": 40}
    report = preflight(changed(good, **keys), max_bad_fraction=1.0)
    expected = "train: 20 of 40 (50.00%) right-to-left labels have no unique order"
    (finding,) = [one for one in report.warnings if expected in f"{one.check}: {one.cause}"]
    assert finding.examples[0].startswith("images/train.txt_1.jpg: ")


def test_placeholders(good: Config, tmp_path: Path) -> None:
    wide(tmp_path, [*GOOD[:-3], "###", "TEMPORARY", "####"], "train.txt")
    finding = check(preflight(good), "train: 3 of 40 (7.50%) labels are placeholders")
    assert finding.examples[0] == "images/train.txt_37.jpg: '###'"


def test_labels_longer_than_the_limit(good: Config) -> None:
    good = changed(good, **{"Global.max_text_length": 6})
    report = preflight(good)
    assert len(report.problems) == 2
    assert "labels are longer than 6 characters" in report.problems[0].cause
    assert report.problems[0].fix == "Set Global.max_text_length to 7 to keep 99 % of the labels"


def test_labels_that_need_more_steps(good: Config, tmp_path: Path) -> None:
    good = changed(good, **{"Global.width_buckets": (16, 320)})
    (tmp_path / "images/train.txt_3.jpg").write_bytes(image(3, 12, 32))
    finding = check(preflight(good), "labels need more CTC steps")
    assert finding.examples == ("images/train.txt_3.jpg: 'word 3'",)


def test_a_network_of_ones_own_has_no_known_steps(good: Config) -> None:
    good = changed(good, **{"Architecture.Backbone": {"name": "my.package:Net"}})
    assert preflight(good).passed


def test_unreadable_and_missing_images(good: Config, tmp_path: Path) -> None:
    (tmp_path / "images/eval.txt_3.jpg").write_text("text")
    (tmp_path / "images/eval.txt_4.jpg").unlink()
    (tmp_path / "images/eval.txt_5.jpg").write_bytes(tiff_bomb())
    finding = check(preflight(good), "validation: 3 of 20 (15.00%) images cannot be read")
    text, missing, scan = finding.examples
    assert text == "images/eval.txt_3.jpg: not an image of a known format (4 bytes)"
    assert "eval.txt:5: " in missing
    assert missing.endswith("images/eval.txt_4.jpg cannot be read (No such file or directory)")
    assert scan == (
        "images/eval.txt_5.jpg: TIFF is not accepted: convert the image to JPEG, PNG, BMP or WebP"
    )


def test_damaged_images_and_those_of_a_single_colour(good: Config, tmp_path: Path) -> None:
    plain = np.full((32, 320, 3), 255, np.uint8)
    empty = np.zeros((32, 320, 4), np.uint8)  # transparent all over
    for i, pixels in ((3, plain), (7, empty), (8, plain // 3)):
        data = cv2.imencode(".png", pixels)[1].tobytes()
        (tmp_path / f"images/train.txt_{i}.jpg").write_bytes(data)
    whole = (tmp_path / "images/train.txt_9.jpg").read_bytes()
    (tmp_path / "images/train.txt_9.jpg").write_bytes(whole[: len(whole) // 2])
    report = preflight(good)
    damaged, plain_images, *_ = causes(report.problems)
    assert damaged == "train: 1 of 40 (2.50%) decoded images are damaged"
    assert plain_images.startswith("train: 3 of 40 (7.50%) decoded images have a single colour")
    assert report.problems[1].examples[0] == "images/train.txt_3.jpg: 'word 3'"
    assert "a damaged JPEG image" in report.problems[0].examples[0]


def test_squeezed_images_are_a_warning(good: Config) -> None:
    good = changed(good, **{"Global.width_buckets": (96, 256)})
    report = preflight(good)
    assert report.passed
    assert len(report.warnings) == 2
    assert "40 of 40 (100.00%) images are squeezed to 256 px" in report.warnings[0].cause
    assert "reach 320 px" in report.warnings[0].fix


@pytest.mark.parametrize(
    ("head", "post", "keys"),
    [
        ("AttentionHead", "AttnLabelDecode", " and Architecture.Head.max_text_length"),
        ("SARHead", "SARLabelDecode", " and Architecture.Head.max_text_length"),
    ],
)
def test_heads_with_start_and_end_take_shorter_labels(
    good: Config, head: str, post: str, keys: str
) -> None:
    """Labels of 7 characters: what is enough for CTC is two short for these heads."""
    good = changed(good, **{"Global.max_text_length": 7})
    assert preflight(good).passed
    good = changed(good, **{"Architecture.Head": {"name": head, "max_text_length": 7}})
    report = preflight(changed(good, **{"PostProcess.name": post}))
    assert not report.passed
    assert "labels are longer than 5 characters" in report.problems[0].cause
    assert report.problems[0].fix.startswith(f"Set Global.max_text_length{keys} to 9 (2 more")


def test_spaces_and_marks_outside_the_dictionary_are_named(good: Config, tmp_path: Path) -> None:
    good = changed(good, **{"Global.use_space_char": False, "Global.character_dict_path": "ic15"})
    wide(tmp_path, ["word", "a b", "x\u0331"], "train.txt")
    cause = preflight(good).problems[0].cause
    assert "space (U+0020 SPACE) 1 x" in cause
    assert "'\u25cc\u0331' (U+0331 COMBINING MACRON BELOW) 1 x" in cause


def test_another_unicode_form_of_a_letter_is_in_the_dictionary(
    good: Config, tmp_path: Path
) -> None:
    good = changed(good, **{"Global.character_dict_path": "vi"})
    wide(tmp_path, ["sa\u0323t", "s\u1ea1t"] * 20, "train.txt")
    report = preflight(good)
    assert report.numbers["train"]["outside_dictionary"] == {}
    assert "vi lacks '0'" in str([finding.examples for finding in report.warnings])


def test_tall_images_are_counted_and_can_be_turned(good: Config, tmp_path: Path) -> None:
    for i in (2, 5, 11):
        (tmp_path / f"images/train.txt_{i}.jpg").write_bytes(image(i, 32, 240))
    report = preflight(good)
    (warning,) = [w for w in report.warnings if "taller" in w.cause]
    assert warning.cause.startswith("3 of 40 (7.50%) images are taller than wide")
    assert warning.examples[0] == "images/train.txt_2.jpg: 'word 2'"
    assert "Global.turn_tall_lines=true" in warning.fix
    turned = preflight(changed(good, **{"Global.turn_tall_lines": True}))
    assert causes(turned.warnings) == []
    assert turned.numbers["train"]["width_px"]["p01"] == 240
