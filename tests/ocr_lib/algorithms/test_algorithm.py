"""What the rest of the library knows of a family of heads."""

import pytest

from ocr_lib.algorithms.algorithm import LengthLimit, RecognitionAlgorithm
from ocr_lib.losses.ctc import CTCLoss
from ocr_lib.models.heads.ctc import CTCHead
from ocr_lib.text.tokenizer import CTCTokenizer

ONE = RecognitionAlgorithm(
    name="one",
    tokenizer=CTCTokenizer(),
    heads={"OneHead": "ocr_lib.models.heads.ctc:CTCHead"},
    target="label_one",
    loss="ocr_lib.losses.ctc:CTCLoss",
    post_processes={"OneDecode": ("a",), "DistillationOneDecode": ()},
    label_encoder="OneEncode",
)


def test_layers_are_imported_by_the_names_of_configurations() -> None:
    assert ONE.head_layers() == {"OneHead": CTCHead}
    assert ONE.loss_layer() is CTCLoss


def test_names_of_the_configuration_follow_from_the_record() -> None:
    assert ONE.loss_name == "CTCLoss"
    assert ONE.post_process == "OneDecode"
    assert ONE.multi_head_entry is None
    assert ONE.length_limit is None


def test_two_of_equal_values_are_still_two_families() -> None:
    twin = RecognitionAlgorithm(
        name="one",
        tokenizer=ONE.tokenizer,
        heads=ONE.heads,
        target=ONE.target,
        loss=ONE.loss,
        post_processes=ONE.post_processes,
        label_encoder=ONE.label_encoder,
    )
    assert twin != ONE
    assert {twin: 1, ONE: 2}[ONE] == 2


def test_a_limit_is_a_most_unless_it_says_exact() -> None:
    assert not LengthLimit("max_len", 25).exact


@pytest.mark.parametrize("path", ["ocr_lib.losses.none:X", "ocr_lib.losses.ctc:None_"])
def test_a_layer_that_is_not_there_is_pythons_error(path: str) -> None:
    from dataclasses import replace

    with pytest.raises((ImportError, AttributeError)):
        replace(ONE, loss=path).loss_layer()
