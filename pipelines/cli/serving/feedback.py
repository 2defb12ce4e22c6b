"""`ocr feedback`: lines that the served model was unsure of, on their way to the next training."""

import argparse
from datetime import date

from ocr_lib.serving.feedback.export import LABELS, TO_LABEL, read_corrections, write_data_set
from ocr_lib.serving.feedback.samples import FeedbackStore
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo, printable
from pipelines.cli.model.arguments import input_file, replaced_folder, text, whole_number
from pipelines.cli.serving.server_options import STORE_HELP, add_model

DESCRIPTION = f"""\
Work with the lines that `ocr query --keep-below` kept.

`list` shows them, `export` writes them as a folder: {LABELS} has those with a known truth and is a
label list as it is, {TO_LABEL} the others, to be filled in. `correct` stores what was filled in.
`prune` deletes old ones. {STORE_HELP}"""
EXAMPLES = """\
  ocr feedback list --model receipts
  ocr feedback export build/unsure --model receipts --since 2026-11-01
  ocr feedback correct build/unsure/to_label.txt --model receipts
  ocr feedback export build/more --model receipts --upload datasets/receipts-feedback
  ocr feedback prune --model receipts --days 90"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    shown = actions.add_parser("list", help="what was kept")
    export = actions.add_parser("export", help="write a folder to label and to train on")
    export.add_argument(
        "out", type=replaced_folder(TO_LABEL), help="the folder; an older one is replaced"
    )
    export.add_argument(
        "--upload",
        type=text,
        metavar="PREFIX",
        help="also put the folder into the store, for a scheduled run",
    )
    for action in (shown, export):
        action.add_argument(
            "--since", type=day, default="", metavar="DAY", help="from this day, YYYY-MM-DD"
        )
    correct = actions.add_parser("correct", help="store what people filled in")
    correct.add_argument("list", type=input_file, help=f"{TO_LABEL} with a text after each tab")
    prune = actions.add_parser("prune", help="delete old lines")
    prune.add_argument(
        "--days",
        type=whole_number(0, 100_000),
        default=90,
        help="days to keep (default 90)",
    )
    for action in (shown, export, correct, prune):
        add_model(action)


def day(value: str) -> str:
    """Accepts a day as YYYY-MM-DD, or none."""
    if not value:
        return value
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is not a day as 2026-11-01") from None


def run(args: argparse.Namespace) -> int:
    """Does what was asked, and says what it did."""
    store = Store.from_env()
    kept = FeedbackStore(store, args.model)
    if args.action == "list":
        for line in kept.lines(args.since):
            truth = "" if line.truth is None else line.truth
            read = line.recognition
            row = (line.day, line.name, f"{read.score:.4f}", str(read.version), read.text, truth)
            echo("\t".join(map(printable, row)))
    elif args.action == "correct":
        echo(f"{read_corrections(kept, args.list)} lines corrected")
    elif args.action == "prune":
        echo(f"{kept.prune(args.days)} lines deleted")
    else:
        _export(store, kept, args)
    return 0


def _export(store: Store, kept: FeedbackStore, args: argparse.Namespace) -> None:
    corrected, others = write_data_set(kept, args.out, args.since)
    echo(f"{args.out / LABELS}: {corrected} lines with a known truth")
    echo(f"{args.out / TO_LABEL}: {others} lines to label")
    if args.upload:
        echo(f"{store.put_tree(args.out, args.upload)}")
