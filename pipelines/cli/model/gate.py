"""`ocr gate`: whether an evaluated model may replace the serving one."""

import argparse
import json

from ocr_lib.atomic import write_text
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate import decide
from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import input_file, output_file
from pipelines.cli.model.threshold_options import add_threshold_options, read_thresholds

DESCRIPTION = """\
Decide whether a candidate may serve, from evaluation reports of `ocr eval --json`:
against thresholds, and against the serving model's report on the same lines.

A refusal is a result, not an error: the exit code is 0 and the verdict says no."""
EXAMPLES = """\
  ocr gate candidate.json --min-accuracy 0.9
  ocr gate candidate.json --champion champion.json --html verdict.html"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments, one for each threshold."""
    parser.add_argument("candidate", type=input_file, help="report of the new model")
    parser.add_argument(
        "--champion", type=input_file, help="report of the serving model on the same lines"
    )
    parser.add_argument(
        "--html", type=output_file, metavar="FILE", help="write verdict and report, for people"
    )
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
    add_threshold_options(parser)


def run(args: argparse.Namespace) -> int:
    """Decides and prints the reasons."""
    candidate = EvalReport.load(args.candidate)
    champion = EvalReport.load(args.champion) if args.champion else None
    verdict = decide(candidate, champion, read_thresholds(args))
    if args.json:
        echo(json.dumps(verdict.to_dict(), indent=2))
    else:
        for reason in verdict.reasons:
            echo(f"{'pass' if reason.passed else 'FAIL'}  {reason.name:<20}{reason.words}")
        echo("accepted" if verdict.passed else "refused")
    if args.html:
        from ocr_lib.report import html

        write_text(args.html, html(candidate, verdict, champion))
    return 0
