"""`ocr fsck`: is a packed data set as it was packed?"""

import argparse

from ocr_lib.data.lmdb_store import verify
from ocr_lib.errors import LmdbError
from ocr_lib.terminal import echo, printable
from pipelines.cli.model.arguments import input_folder

DESCRIPTION = """\
Check a packed data set against its manifest: lengths and checksums of its files, and, where a
file was changed, which samples are damaged."""
EXAMPLES = "  ocr fsck data/train"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument(
        "root", type=input_folder, metavar="DIR", help="a folder of `ocr pack-lmdb`"
    )


def run(args: argparse.Namespace) -> int:
    """Checks and prints every problem.

    Raises:
        LmdbError: there is one.
    """
    report = verify(args.root)
    for problem in report.problems:
        echo(printable(problem))
    if report.problems:
        raise LmdbError(
            str(args.root), f"{len(report.problems)} problems", "Fetch or pack the data set again"
        )
    echo(f"{args.root}: {report.samples:,} samples in {report.shards} shards, all as packed")
    return 0
