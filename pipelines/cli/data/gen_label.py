"""`ocr gen-label`: labels of a data set → PaddleOCR's label list and a report."""

from pathlib import Path
from typing import Any

import click

from ocr_lib.atomic import removed_on_failure
from ocr_lib.data.archive import check_encoding, is_archive, open_source
from ocr_lib.data.labels.convert import LABEL_LIST, REPORT, convert
from ocr_lib.data.labels.report import LabelReport
from ocr_lib.terminal import echo, printable
from pipelines.cli.command import command, option
from pipelines.cli.options import (
    input_folder,
    input_path,
    kind,
    max_bad_fraction,
    output_folder,
    path_prefix,
    text,
)


@kind("code page")
def code_page(value: str) -> str:
    """Accepts a code page that Python knows."""
    check_encoding(text.convert(value, None, None))
    return value


@command("gen-label")
@click.argument("source", type=input_path, help="a folder, a tar or zip, or the label file")
@click.argument("out", type=output_folder, help=f"folder for {LABEL_LIST} and {REPORT}")
@option(
    "--mode",
    type=click.Choice(["auto", "rec", "list", "det"]),
    default="auto",
    help='rec: name, "text"; list: path<TAB>label; det: a folder of gt_<image>.txt with polygons; '
    "auto tells which",
)
@option(
    "--images",
    "image_root",
    type=input_folder,
    help="folder that image paths are relative to (default: the labels')",
)
@option(
    "--no-check-images",
    "check_images",
    flag_value=False,
    default=True,
    show_default=False,
    help="do not look whether the images exist",
)
@option(
    "--image-prefix",
    type=path_prefix,
    default="",
    show_default=False,
    help="folder put before every image path",
)
@max_bad_fraction("fraction of the lines that may be dropped; with more, nothing is written")
@option(
    "--placeholder",
    "placeholders",
    type=str,
    several=True,
    metavar="TEXT ...",
    help="labels that are no text and are left out, further to ### and those of PPOCRLabel",
)
@option("--unescape", is_flag=True, help=r'turn \" and \\ in ICDAR labels into " and \ ')
@option("--compat", is_flag=True, help="the very bytes of PaddleOCR's script, which loses text")
@option(
    "--names-encoding",
    type=code_page,
    help="code page of an archive's names that are not UTF-8, e.g. gb18030 or cp932 "
    "(default: found out)",
)
@option("--work-dir", type=output_folder, help="where an archive is unpacked (default: OUT/source)")
def gen_label(
    source: Path, out: Path, work_dir: Path | None, names_encoding: str | None, **options: Any
) -> None:
    """Turn the labels of a data set into PaddleOCR's label list, path<TAB>label.

    No character is lost, and a report next to the list names everything changed or dropped.

    Examples:
      ocr gen-label receipts.tar build/labels
      ocr gen-label train/gt.txt build/labels --images train/images
      ocr gen-label icdar2015/ build/labels --mode det --image-prefix ch4_training_images
      ocr gen-label train/gt.txt build/labels --compat     # PaddleOCR's bytes, losses included
    """
    work_dir = work_dir or out / "source"
    with removed_on_failure(out), removed_on_failure(work_dir):
        if is_archive(source):
            source = open_source(source, work_dir, names_encoding=names_encoding)
            echo(f"unpacked to {source}")
        report = convert(source, out, **options)
    _print(report, out)


def _print(report: LabelReport, out: Path) -> None:
    echo(f"form    {report.form}")
    for word, findings in (("changed", report.changed), ("dropped", report.dropped)):
        for reason, finding in findings.items():
            where = printable(finding.examples[0]["where"])
            echo(f"{word} {finding.count}: {reason}, first at {where}")
    echo(f"wrote   {report.written} of {report.lines} lines to {out / LABEL_LIST}")
    if report.warning:
        echo(f"warning: {report.warning}")
