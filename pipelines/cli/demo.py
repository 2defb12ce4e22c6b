"""`ocr demo`: the whole pipeline on this machine, from labelled lines to an answering Triton."""

import signal
from pathlib import Path
from types import FrameType
from typing import Any

from ocr_lib.terminal import echo
from pipelines.cli.command import command, option
from pipelines.cli.options import input_path, output_folder, real_number
from pipelines.demo.options import DemoOptions
from pipelines.demo.run import SUMMARY, run_demo
from pipelines.demo.summary import lines
from pipelines.kfp_api.parameters import definitions_of, read_parameters

MINUTES = 6.0
MINUTES_GIVEN_DATA = 20.0
MINUTES_IMPORTED = 45.0  # a larger network, at a tenth of the small one's speed


@command("demo")
@option("--train", type=input_path, help="lines to learn: folder, tar or zip")
@option("--test", type=input_path, help="the test set, in the same form")
@option("--eval", "former_test", type=input_path, hidden=True)  # former name of --test
@option(
    "--minutes",
    type=real_number(0.01, 60 * 24 * 365),
    help=f"training budget (default: {MINUTES:g}, with --train {MINUTES_GIVEN_DATA:g}, with an "
    f"import {MINUTES_IMPORTED:g})",
)
@option(
    "--pretrained", type=input_path, help="where to start: a folder of `ocr import`, or a .pdparams"
)
@option("--out", type=output_folder, default=Path("build/demo"), help="folder")
@option(
    "--param",
    multiple=True,
    metavar="NAME=VALUE",
    help="a parameter of the pipeline, the value in YAML; may be repeated",
)
def demo(**values: Any) -> None:
    """Run the pipeline that a cluster runs, on this machine.

    Labels, LMDB, preflight, training, evaluation and gate, export, deployment to a real Triton.
    Without --train it draws a synthetic data set of receipt-like lines.

    Everything is kept in one folder; a second demo there has to be as good as the model that the
    first one put into service. A refused model is a result, not a failure.

    Examples:
      ocr demo
      ocr demo --train sroie-train.tar --test sroie-val.tar --minutes 20
      ocr demo --train sroie-train.tar --test sroie-val.tar --pretrained build/pretrained/pp-ocrv4
      ocr demo --minutes 1 --param options.gate.min_accuracy=0.1
    """
    options = demo_options(**values)
    signal.signal(signal.SIGTERM, _stop)  # servers and steps end as they do at Ctrl-C
    summary = run_demo(options)
    echo("\n".join([*lines(summary), f"summary    {options.out / SUMMARY}"]))


def demo_options(
    *,
    out: Path,
    train: Path | None,
    test: Path | None,
    former_test: Path | None,
    minutes: float | None,
    pretrained: Path | None,
    param: tuple[str, ...],
) -> DemoOptions:
    """Returns what the command line asks for; the time depends on what there is to learn."""
    if former_test is not None:
        echo("ocr demo: --eval is now called --test; the next release knows only that", err=True)
    default = MINUTES if train is None else MINUTES_GIVEN_DATA
    if pretrained is not None and pretrained.is_dir():
        default = MINUTES_IMPORTED
    return DemoOptions(
        out=out,
        train=train,
        test=test or former_test,
        minutes=default if minutes is None else minutes,
        pretrained=pretrained,
        parameters=_parameters(param) if param else {},
    )


def _parameters(arguments: tuple[str, ...]) -> dict[str, Any]:
    """Reads NAME=VALUE arguments as parameters of the pipeline, checked as those of a run are."""
    from pipelines.train_and_deploy import build_pipeline

    return read_parameters(None, arguments, definitions_of(build_pipeline()))


def _stop(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
