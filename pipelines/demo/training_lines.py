"""The trainer's log lines, which are PaddleOCR's, in the words and with the ETA of the console."""

import re

from ocr_lib.progress import duration

STAMP = re.compile(r"^\[[^\]]*\] ppocr INFO: ")
_STEP = re.compile(r"epoch: \[(\d+)/(\d+)\], global_step: (\d+), (.*)")
_VALUE = re.compile(r"(\w+): ([^,\s]+)")


def translate(line: str, elapsed_s: float) -> str | None:
    """Returns what the console shows for a line of the training log; None where that is nothing.

    Args:
        line: a line that `STAMP` matches.
        elapsed_s: how long the step has run; with the line's ETA it gives the share that is done.
    """
    text = STAMP.sub("", line)
    if step := _STEP.match(text):
        values = dict(_VALUE.findall(step[4]))
        left_s = _seconds(values["eta"])
        share = elapsed_s / max(elapsed_s + left_s, 1e-9)
        return (
            f"training {share:4.0%} epoch {step[1]}/{step[2]}, loss {float(values['loss']):.3f}, "
            f"{float(values['ips']):.0f} lines/s, ETA {duration(left_s)}"
        )
    if text.startswith("cur metric, "):
        values = dict(_VALUE.findall(text))
        accuracy, similarity = float(values["acc"]), float(values["norm_edit_dis"])
        return f"validation: accuracy {accuracy:.4f}, norm_edit_dis {similarity:.4f}"
    return None if text.startswith("best metric, ") else text


def _seconds(clock: str) -> float:
    """Returns the seconds of `h:mm:ss`."""
    hours, minutes, seconds = (float(part) for part in clock.split(":"))
    return 3600 * hours + 60 * minutes + seconds
