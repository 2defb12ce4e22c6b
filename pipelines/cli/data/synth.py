"""`ocr synth`: draw the synthetic data set."""

from pathlib import Path

import click

from ocr_lib.terminal import echo
from pipelines.cli.command import command, option
from pipelines.cli.options import output_folder, seed, whole_number, workers

lines = whole_number(1, 10_000_000)


@command("synth")
@click.argument("out", type=output_folder, help="new folder to write")
@option("--train", type=lines, default=20_000, help="training lines")
@option("--eval", "evaluation", type=lines, default=1_000, help="evaluation lines")
@option("--seed", type=seed, default=0, help="seed of the data set")
@option("--workers", type=workers, help="processes (one a core)")
def synth(out: Path, train: int, evaluation: int, seed: int, workers: int | None) -> None:
    """Draw text lines (dates, amounts, names, references) on paper-like backgrounds, with labels.

    They are in ICDAR recognition form: OUT/train and OUT/eval, each with gt.txt and word_N.jpg. No
    text of the evaluation lines appears among the training lines. The same seed gives the same
    bytes.

    Examples:
      ocr synth build/synthetic
      ocr synth build/small --train 200 --eval 50 --seed 7
    """
    from ocr_lib.data.synthetic.dataset import generate  # loads Pillow

    generate(out, train=train, eval=evaluation, seed=seed, workers=workers)
    echo(f"{out}: {train} training and {evaluation} evaluation lines, seed {seed}")
