"""`ocr synth`: draw the synthetic data set."""

import argparse

from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import output_folder, seed, whole_number, workers

MAX_LINES = 10_000_000

DESCRIPTION = """\
Draws text lines (dates, amounts, names, references) on paper-like backgrounds, with their labels,
in ICDAR recognition form: OUT/train and OUT/eval, each with gt.txt and word_N.jpg. No text of the
evaluation lines appears among the training lines. The same seed gives the same bytes.\
"""
EXAMPLES = """\
  ocr synth build/synthetic
  ocr synth build/small --train 200 --eval 50 --seed 7
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `ocr synth`."""
    parser.add_argument("out", type=output_folder, metavar="OUT", help="new folder to write")
    parser.add_argument(
        "--train",
        type=whole_number(1, MAX_LINES),
        default=20_000,
        help="training lines (%(default)s)",
    )
    parser.add_argument(
        "--eval",
        type=whole_number(1, MAX_LINES),
        default=1_000,
        help="evaluation lines (%(default)s)",
    )
    parser.add_argument("--seed", type=seed, default=0, help="seed of the data set (%(default)s)")
    parser.add_argument("--workers", type=workers, help="processes (one a core)")


def run(args: argparse.Namespace) -> int:
    """Writes the data set and says where it lies."""
    from ocr_lib.data.synthetic.dataset import generate  # loads Pillow

    generate(args.out, train=args.train, eval=args.eval, seed=args.seed, workers=args.workers)
    echo(f"{args.out}: {args.train} training and {args.eval} evaluation lines, seed {args.seed}")
    return 0
