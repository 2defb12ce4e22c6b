import io
from collections.abc import Iterator

import pytest

from pipelines.demo.console import Console

TITLES = {"gen-label": "Convert labels", "train": "Train"}

# What kfp.local 2.17 prints, with its colours.
RUN = """\
11:29:13.749 - INFO - Running pipeline: \x1b[95m'ocr'\x1b[0m
-------------------------------------------
11:29:13.771 - INFO - Executing task \x1b[96m'gen-label'\x1b[0m
11:29:13.772 - INFO - Streamed logs:

    [KFP Executor 2026-11-23 11:29:13,889 INFO]: Loading KFP component "gen_label" from /tmp/x.py
    [KFP Executor 2026-11-23 11:29:13,890 INFO]: Got executor_input:
    {
        "inputs": {
            "parameterValues": {}
        }
    }
    12 labels written
    [KFP Executor 2026-11-23 11:29:13,891 INFO]: Wrote executor output file to /tmp/x.json.
    

11:29:13.900 - INFO - Task \x1b[96m'gen-label'\x1b[0m finished with status \x1b[92mSUCCESS\x1b[0m
11:29:13.901 - INFO - Task \x1b[96m'gen-label'\x1b[0m outputs:
    passed: True
-------------------------------------------
11:29:13.971 - INFO - Executing task \x1b[96m'train'\x1b[0m
11:29:13.972 - INFO - Streamed logs:

    training  20% 2/10 steps, 1/s, ETA 0:08
    training  40% 4/10 steps, 1/s, ETA 0:06
    train: loss is not finite
"""  # noqa: W293
FAILURE = (
    "11:29:14.100 - ERROR - Task \x1b[96m'train'\x1b[0m finished with status "
    "\x1b[91mFAILURE\x1b[0m\n"
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def ticks() -> Iterator[float]:
    return iter(range(0, 1000, 5))


def feed(out: io.StringIO, ticks: Iterator[float], text: str) -> tuple[Console, io.StringIO]:
    log = io.StringIO()
    console = Console(TITLES, out, log, clock=lambda: next(ticks))
    for line in text.splitlines(keepends=True):
        console.feed(line)
    return console, log


def test_a_heading_a_step_and_its_own_lines_only(ticks: Iterator[float]) -> None:
    out = io.StringIO()
    feed(out, ticks, RUN)
    assert out.getvalue().splitlines() == [
        "[1/2] Convert labels",
        "      12 labels written",
        "      done in 0:05",
        "[2/2] Train",
        "      training  20% 2/10 steps, 1/s, ETA 0:08",
        "      training  40% 4/10 steps, 1/s, ETA 0:06",
        "      train: loss is not finite",
    ]


def test_rounds_side_by_side_show_no_inputs_either(ticks: Iterator[float]) -> None:
    """kfp.local then indents twice, for good, and mixes the rounds' lines."""
    start = RUN.splitlines()[2]
    inputs = ["[KFP Executor 1]: Got executor_input:", "{", '    "inputs": {', "    }", "}"]
    mixed = [f"        {line}" for line in (*inputs, "12 labels written") for _ in "ab"]
    out = io.StringIO()
    feed(out, ticks, "\n".join([start, start, *mixed]))
    assert out.getvalue().splitlines() == [
        *["[1/2] Convert labels"] * 2,
        *["      12 labels written"] * 2,
    ]


def test_on_a_terminal_progress_is_one_bar_in_place(
    ticks: Iterator[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "81")
    out = Terminal()
    feed(out, ticks, RUN)
    assert out.getvalue().endswith(
        "\r\x1b[K      [######......................] training  20% 2/10 steps, 1/s, ETA 0:08"
        "\r\x1b[K      [###########.................] training  40% 4/10 steps, 1/s, ETA 0:06"
        "\n      train: loss is not finite\n"
    )


def test_the_log_keeps_everything_as_it_came(ticks: Iterator[float]) -> None:
    _, log = feed(io.StringIO(), ticks, RUN + FAILURE)
    assert log.getvalue() == RUN + FAILURE


def test_times_and_the_failed_step_are_known(ticks: Iterator[float]) -> None:
    console, _ = feed(io.StringIO(), ticks, RUN + FAILURE)
    assert console.failed == "train"
    assert console.seconds == {"gen-label": 5.0, "train": 5.0}
