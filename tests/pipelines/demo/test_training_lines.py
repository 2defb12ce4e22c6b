import pytest

from ocr_lib.training.log import StepTimer, metric_line, step_line
from pipelines.demo.training_lines import STAMP, translate

STAMPED = "[2026/11/23 11:29:13] ppocr INFO: "


def test_a_step_shows_share_speed_and_eta() -> None:
    values = {"lr": 0.001, "acc": 0.5, "loss": 1.234567}
    line = step_line(3, 20, 150, values, StepTimer(), 0).rsplit("eta: ", 1)[0] + "eta: 0:01:30"
    shown = translate(STAMPED + line, elapsed_s=30.0)
    assert shown is not None
    assert shown.startswith("training  25% epoch 3/20, loss 1.235, ")
    assert shown.endswith("lines/s, ETA 1:30")


def test_an_evaluation_shows_its_figures_once() -> None:
    values = {"acc": 0.5, "norm_edit_dis": 0.81234, "fps": 300.1}
    shown = translate(STAMPED + metric_line("cur metric", values), 1.0)
    assert shown == "validation: accuracy 0.5000, norm_edit_dis 0.8123"
    assert translate(STAMPED + metric_line("best metric", values), 1.0) is None


@pytest.mark.parametrize("text", ["0.51 M parameters, 100 samples", "left out: gt.txt:3"])
def test_other_lines_lose_only_their_stamp(text: str) -> None:
    assert STAMP.match(STAMPED + text)
    assert translate(STAMPED + text, 1.0) == text
