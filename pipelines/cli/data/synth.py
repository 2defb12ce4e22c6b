"""`ocr synth`: draw the synthetic data set."""

from pathlib import Path

import click

from ocr_lib.terminal import echo
from pipelines.cli.command import command, option
from pipelines.cli.options import output_folder, seed, whole_number, workers

TEST_LINES = 1_000
lines = whole_number(1, 10_000_000)


@command("synth")
@click.argument("out", type=output_folder, help="new folder to write")
@option("--train", type=lines, default=20_000, help="training lines")
@option("--test", type=lines, show_default="1000", help="lines of the test set")
@option("--eval", "former_test", type=lines, hidden=True)  # former name of --test
@option("--seed", type=seed, default=0, help="seed of the data set")
@option("--workers", type=workers, help="processes (one a core)")
def synth(
    out: Path,
    train: int,
    test: int | None,
    former_test: int | None,
    seed: int,
    workers: int | None,
) -> None:
    """Draw text lines (dates, amounts, names, references) on paper-like backgrounds, with labels.

    They are in ICDAR recognition form: OUT/train and OUT/test, each with gt.txt and word_N.jpg. No
    text of the test set appears among the training lines. The same seed gives the same bytes.

    Examples:
      ocr synth build/synthetic
      ocr synth build/small --train 200 --test 50 --seed 7
    """
    from ocr_lib.data.synthetic.dataset import generate  # loads Pillow

    if former_test is not None:
        echo("ocr synth: --eval is now called --test; the next release knows only that", err=True)
    count = test or former_test or TEST_LINES
    generate(out, train=train, test=count, seed=seed, workers=workers)
    echo(f"{out}: {train} training and {count} test lines, seed {seed}")
