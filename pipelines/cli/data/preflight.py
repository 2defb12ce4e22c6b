"""`ocr preflight`: does this data fit this configuration?"""

import argparse

from ocr_lib.atomic import write_json, write_text
from ocr_lib.data.preflight import preflight
from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import fraction, output_file
from pipelines.cli.training.config_options import add_config_options, read_config

DESCRIPTION = """\
Check the data of a configuration before training: unreadable images, characters outside the
dictionary, labels that are too long for max_text_length or for the network's CTC steps, images
that would be squeezed, validation images among the training images, equal images with different
labels, room on the disk. Exits with 2 where something stops the run."""
EXAMPLES = """\
  ocr preflight -c my.yml
  ocr preflight -c cpu_line -o Train.dataset.data_dir=data/train Eval.dataset.data_dir=data/eval
  ocr preflight -c my.yml --report preflight.md --json preflight.json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    add_config_options(parser)
    parser.add_argument(
        "--max-bad-fraction",
        "--max-bad-share",  # its name in 0.1
        "--max-bad-fraction",  # its name in 0.1
        type=fraction,
        default=0.01,
        metavar="SHARE",
        help="share of the samples that may fail a check (default 0.01)",
    )
    parser.add_argument(
        "--max-leak-share",
        type=fraction,
        default=0.01,
        metavar="SHARE",
        help="share of the validation images that may be training images (default 0.01)",
    )
    parser.add_argument(
        "--report", type=output_file, metavar="FILE", help="write the report as Markdown"
    )
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Checks and prints the report; returns 2 where a problem stops the run."""
    config = read_config(args)
    report = preflight(
        config, max_bad_fraction=args.max_bad_fraction, max_leak_share=args.max_leak_share
    )
    echo(report.text())
    if args.report:
        write_text(args.report, report.markdown())
    if args.json:
        write_json(args.json, report.to_dict())
    return 0 if report.passed else 2
