"""`ocr gen-label`: labels of a data set → PaddleOCR's label list and a report."""

import argparse
from pathlib import Path

from ocr_lib.atomic import removed_on_failure
from ocr_lib.data.archive import is_archive, open_source
from ocr_lib.data.labels.convert import LABEL_LIST, REPORT, convert
from ocr_lib.data.labels.report import LabelReport
from ocr_lib.terminal import echo, printable
from pipelines.cli.model.arguments import (
    fraction,
    input_folder,
    input_path,
    output_folder,
    path_prefix,
)

DESCRIPTION = """\
Turn the labels of a data set into PaddleOCR's label list, path<TAB>label, without losing a
character, and write a report of everything changed or dropped beside it."""

EXAMPLES = """\
  ocr gen-label receipts.tar build/labels
  ocr gen-label train/gt.txt build/labels --images train/images
  ocr gen-label icdar2015/ build/labels --mode det --image-prefix ch4_training_images
  ocr gen-label train/gt.txt build/labels --compat     # PaddleOCR's bytes, losses included"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("source", type=input_path, help="a folder, a tar or zip, or the label file")
    parser.add_argument("out", type=output_folder, help=f"folder for {LABEL_LIST} and {REPORT}")
    parser.add_argument(
        "--mode",
        choices=("auto", "rec", "list", "det"),
        default="auto",
        help='rec: name, "text"; list: path<TAB>label; det: a folder of gt_<image>.txt with '
        "polygons; auto (default) tells which",
    )
    parser.add_argument(
        "--images",
        type=input_folder,
        help="folder that image paths are relative to (default: the labels')",
    )
    parser.add_argument(
        "--no-check-images", action="store_true", help="do not look whether the images exist"
    )
    parser.add_argument(
        "--image-prefix", type=path_prefix, default="", help="folder put before every image path"
    )
    parser.add_argument(
        "--max-bad-fraction",
        "--max-bad-share",  # its name in 0.1
        "--max-bad-fraction",  # its name in 0.1
        type=fraction,
        default=0.01,
        help="share of the lines that may be dropped (default 0.01); with more, nothing is written",
    )
    parser.add_argument(
        "--unescape", action="store_true", help=r'turn \" and \\ in ICDAR labels into " and \ '
    )
    parser.add_argument(
        "--compat",
        action="store_true",
        help="the very bytes of PaddleOCR's script, which loses text",
    )
    parser.add_argument(
        "--work-dir", type=output_folder, help="where an archive is unpacked (default: OUT/source)"
    )


def run(args: argparse.Namespace) -> int:
    """Converts, and prints what was found and done."""
    work_dir = args.work_dir or args.out / "source"
    with removed_on_failure(args.out), removed_on_failure(work_dir):
        report = _convert(args, work_dir)
    _print(report, args.out)
    return 0


def _convert(args: argparse.Namespace, work_dir: Path) -> LabelReport:
    source: Path = args.source
    if is_archive(source):
        source = open_source(source, work_dir)
        echo(f"unpacked to {source}")
    return convert(
        source,
        args.out,
        mode=args.mode,
        compat=args.compat,
        image_prefix=args.image_prefix,
        max_bad_fraction=args.max_bad_fraction,
        image_root=args.images,
        check_images=not args.no_check_images,
        unescape=args.unescape,
    )


def _print(report: LabelReport, out: Path) -> None:
    echo(f"form    {report.form}")
    for word, findings in (("changed", report.changed), ("dropped", report.dropped)):
        for reason, finding in findings.items():
            where = printable(finding.examples[0]["where"])
            echo(f"{word} {finding.count}: {reason}, first at {where}")
    echo(f"wrote   {report.written} of {report.lines} lines to {out / LABEL_LIST}")
