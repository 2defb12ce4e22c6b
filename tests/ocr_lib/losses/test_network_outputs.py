"""Finding one tensor in what several networks return."""

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.losses.network_outputs import pick
from tests.ocr_lib.losses.distilled import LABELS, PAIRS, combined, outputs


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        ({"model_name_pairs": [["Student", "Techer"]]}, "Techer"),
        ({"model_name_pairs": PAIRS, "key": "neck"}, "neck"),
        ({"model_name_pairs": PAIRS, "multi_head": True, "dis_head": "sar"}, "sar"),
    ],
)
def test_outputs_that_are_not_there_are_named(arguments, missing) -> None:
    with pytest.raises(ConfigError, match=f"nothing called '{missing}'"):
        combined("DistillationDMLLoss", act="softmax", use_log=True, **arguments)(outputs(), LABELS)


@pytest.mark.parametrize(
    ("outputs", "key", "head"),
    [
        ({"a": "x"}, None, None),
        ({"a": "x"}, "head_out", None),
        ({"a": {"head_out": "x", "neck_out": "y"}}, "head_out", None),
        ({"a": {"head_out": "y", "neck_out": "x"}}, "neck_out", None),
        ({"a": {"ctc": "x", "nrtr": "y"}}, "head_out", "ctc"),
        ({"a": {"head_out": {"ctc": "y", "nrtr": "x"}}}, "head_out", "nrtr"),
        ({"a": {"head_out": {"ctc": "y", "nrtr": "x"}}}, "head_out", "gtc"),
    ],
)
def test_a_stage_and_a_head_lead_to_one_output(outputs, key, head) -> None:
    assert pick({**outputs, "b": "other"}, "a", key, head) == "x"


def test_what_is_there_is_listed() -> None:
    with pytest.raises(ConfigError, match=r"nothing called 'c' \(a, b\)"):
        pick({"a": 1, "b": 2}, "c", None, None)
    with pytest.raises(ConfigError, match=r"nothing called 'ctc' \(one tensor\)"):
        pick({"a": 1}, "a", None, "ctc")
