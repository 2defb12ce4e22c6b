"""`ocr feedback`: lines that the served model was unsure of, on their way to the next training."""

from datetime import date
from pathlib import Path

import click

from ocr_lib.serving.feedback.export import LABELS, TO_LABEL, read_corrections, write_data_set
from ocr_lib.serving.feedback.samples import FeedbackStore
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo, printable
from pipelines.cli.command import group, option
from pipelines.cli.options import input_file, kind, replaced_folder, text, whole_number
from pipelines.cli.server_options import STORE_HELP, with_model


@kind("day")
def day(value: str) -> str:
    """Accepts a day as YYYY-MM-DD, or none."""
    if not value:
        return value
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a day as 2026-11-01") from None


with_since = option(
    "--since", type=day, default="", show_default=False, help="from this day, YYYY-MM-DD"
)


@group("feedback", epilog=STORE_HELP)
def feedback() -> None:
    """Work with the lines that `ocr query --keep-below` kept.

    `export` writes them as a folder: labels.txt has those with a known truth and is a label list as
    it is, to_label.txt the others, to be filled in. `correct` stores what was filled in.

    Examples:
      ocr feedback list --model receipts
      ocr feedback export build/unsure --model receipts --since 2026-11-01
      ocr feedback correct build/unsure/to_label.txt --model receipts
      ocr feedback export build/more --model receipts --upload datasets/receipts-feedback
      ocr feedback prune --model receipts --days 90
    """


@feedback.command("list")
@with_since
@with_model
def show(since: str, model: str) -> None:
    """Show the lines that were kept."""
    for line in FeedbackStore(Store.from_env(), model).lines(since):
        truth = "" if line.truth is None else line.truth
        read = line.recognition
        row = (line.day, line.name, f"{read.score:.4f}", str(read.version), read.text, truth)
        echo("\t".join(map(printable, row)))


@feedback.command("export")
@click.argument("out", type=replaced_folder(TO_LABEL), help="the folder; an older one is replaced")
@option(
    "--upload",
    type=text,
    metavar="PREFIX",
    help="also put the folder into the store, for a scheduled run",
)
@with_since
@with_model
def export(out: Path, upload: str | None, since: str, model: str) -> None:
    """Write a folder to label and to train on."""
    store = Store.from_env()
    corrected, others = write_data_set(FeedbackStore(store, model), out, since)
    echo(f"{out / LABELS}: {corrected} lines with a known truth")
    echo(f"{out / TO_LABEL}: {others} lines to label")
    if upload:
        echo(f"{store.put_tree(out, upload)}")


@feedback.command("correct")
@click.argument(
    "corrections", type=input_file, metavar="LIST", help=f"{TO_LABEL} with a text after each tab"
)
@with_model
def correct(corrections: Path, model: str) -> None:
    """Store what people filled in."""
    count = read_corrections(FeedbackStore(Store.from_env(), model), corrections)
    echo(f"{count} lines corrected")


@feedback.command("prune")
@option("--days", type=whole_number(0, 100_000), default=90, help="days to keep")
@with_model
def prune(days: int, model: str) -> None:
    """Delete old lines."""
    echo(f"{FeedbackStore(Store.from_env(), model).prune(days)} lines deleted")
