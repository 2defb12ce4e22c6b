"""`ocr demo`: the whole pipeline on this machine, from labelled lines to an answering Triton."""

import argparse
import signal
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from ocr_lib.errors import ConfigError
from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import input_path, output_folder, real_number
from pipelines.demo.options import DemoOptions
from pipelines.demo.run import SUMMARY, run_demo
from pipelines.demo.summary import lines
from pipelines.kfp_api.parameters import present_name

DESCRIPTION = """\
Run the pipeline that a cluster runs, on this machine: labels, LMDB, preflight,
training, evaluation and gate, export, deployment to a real Triton. Without
--train it draws a synthetic data set of receipt-like lines.

Everything is kept in one folder; a second demo there has to be as good as the
model that the first one put into service."""
EXAMPLES = """\
  ocr demo
  ocr demo --train sroie-train.tar --test sroie-val.tar --minutes 20
  ocr demo --train sroie-train.tar --test sroie-val.tar --pretrained build/pretrained/pp-ocrv4
  ocr demo --minutes 1 --param gate_min_accuracy_fraction=0.1"""
TYPES = {  # of the parameters
    "String": str,
    "Float": float,
    "Integer": int,
    "Boolean": bool,
    "List": list,
    "Dict": dict,
}
DEFAULT_MINUTES = 6.0
DEFAULT_MINUTES_GIVEN_DATA = 20.0
DEFAULT_MINUTES_IMPORTED = 45.0  # a larger network, at a tenth of the small one's speed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `ocr demo`."""
    parser.add_argument("--train", type=input_path, help="lines to learn: folder, tar or zip")
    parser.add_argument("--test", type=input_path, help="the test set, in the same form")
    parser.add_argument("--eval", type=input_path, help=argparse.SUPPRESS)  # former name of --test
    parser.add_argument(
        "--minutes",
        type=real_number(0.01, 60 * 24 * 365),
        help=f"training budget (default: {DEFAULT_MINUTES:g}, with --train "
        f"{DEFAULT_MINUTES_GIVEN_DATA:g}, with an import {DEFAULT_MINUTES_IMPORTED:g})",
    )
    parser.add_argument(
        "--pretrained",
        type=input_path,
        help="where to start: a folder of `ocr import`, or a .pdparams",
    )
    parser.add_argument(
        "--out",
        type=output_folder,
        default=Path("build/demo"),
        help="folder (default: %(default)s)",
    )
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the pipeline, the value in YAML; may be repeated",
    )


def run(args: argparse.Namespace) -> int:
    """Runs the demo and prints what came of it; a refused model is a result, not a failure."""
    signal.signal(signal.SIGTERM, _stop)  # servers and steps end as they do at Ctrl-C
    summary = run_demo(_options(args))
    echo("\n".join([*lines(summary), f"summary    {args.out / SUMMARY}"]))
    return 0


def _options(args: argparse.Namespace) -> DemoOptions:
    minutes = DEFAULT_MINUTES if args.train is None else DEFAULT_MINUTES_GIVEN_DATA
    if args.pretrained is not None and args.pretrained.is_dir():
        minutes = DEFAULT_MINUTES_IMPORTED
    return DemoOptions(
        out=args.out,
        train=args.train,
        test=args.test or _former(args.eval),
        minutes=minutes if args.minutes is None else args.minutes,
        pretrained=args.pretrained,
        parameters=dict(_parameter(text) for text in args.param),
    )


def _parameter(text: str) -> tuple[str, Any]:
    """Reads NAME=VALUE as a parameter of the pipeline, of the type that it has there."""
    from pipelines.train_and_deploy import build_pipeline

    inputs = build_pipeline().component_spec.inputs
    name, equals, value = text.partition("=")
    name = present_name(name, inputs, f"--param {text}")
    if not equals or name not in inputs:
        raise ConfigError(f"--param {text}", "no such parameter", f"Known: {', '.join(inputs)}")
    type_name = inputs[name].type.partition("[")[0]
    found = yaml.safe_load(value)
    if type_name == "Float" and type(found) is int:
        found = float(found)
    if type(found) is not TYPES[type_name]:
        raise ConfigError(f"--param {text}", f"not of type {type_name}", "Write the value in YAML")
    return name, found


def _former(test: Path | None) -> Path | None:
    """Takes the test set under its former name, and says so."""
    if test is not None:
        echo("ocr demo: --eval is now called --test; the next release knows only that", err=True)
    return test


def _stop(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
