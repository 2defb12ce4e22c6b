"""gen_label: the labels of a data set → PaddleOCR's label list and a report beside it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ocr_lib.atomic import atomic_file, write_json
from ocr_lib.data.labels.blocks import read_blocks
from ocr_lib.data.labels.compat import compat_detection, compat_recognition
from ocr_lib.data.labels.detection import convert_detection
from ocr_lib.data.labels.find import LabelSource, Mode, find_labels
from ocr_lib.data.labels.icdar import IcdarForm
from ocr_lib.data.labels.images import ImageNames, UncheckedNames
from ocr_lib.data.labels.lines import LineForm
from ocr_lib.data.labels.placeholders import Placeholders
from ocr_lib.data.labels.rec_list import RecListForm
from ocr_lib.data.labels.report import LabelReport
from ocr_lib.data.labels.stream import LineConverter, Names
from ocr_lib.errors import ConfigError, LabelError

LABEL_LIST = "labels.txt"
REPORT = "report.json"


def convert(
    source: Path,
    out_dir: Path,
    *,
    mode: Mode = "auto",
    compat: bool = False,
    image_prefix: str = "",
    max_bad_fraction: float = 0.01,
    image_root: Path | None = None,
    check_images: bool = True,
    unescape: bool = False,
    placeholders: Sequence[str] = (),
) -> LabelReport:
    r"""Converts labels; writes `labels.txt` and then `report.json` into `out_dir`.

    No character of a label is ever lost: a line is written whole, or dropped and reported.

    Args:
        source: a folder with `gt.txt` (ICDAR recognition labels or a PaddleOCR list), a folder of
            `gt_<image>.txt` (ICDAR polygons), or the label file itself.
        out_dir: gets both files, each whole or not at all; made where it is absent.
        mode: the form that is expected; `auto` tells it from the first lines.
        compat: write the very bytes of PaddleOCR's script, which loses text; checks nothing.
        image_prefix: folder put before every image path in the list.
        max_bad_fraction: of the lines may be dropped, from 0 to 1; with more, nothing is written.
            Placeholders do not count: they are where the data set has no text.
        image_root: what image paths are relative to; by default the folder of the labels.
        check_images: whether a label without its image is dropped.
        unescape: turn `\"` and `\\` in ICDAR recognition labels into what they stand for.

        placeholders: labels that are no text and are left out, further to those that are known.

    Raises:
        LabelError: no labels, labels of another form, too many bad ones, or none left.
        ConfigError: `max_bad_fraction` is no share.
    """
    if not 0 <= max_bad_fraction <= 1:
        raise ConfigError(
            "max_bad_fraction",
            f"{max_bad_fraction} is no share",
            "Give 0.01 for one line in a hundred",
        )
    labels = find_labels(source, mode)
    report = LabelReport(source.name, labels.mode, labels.form, compat)
    prefix = f"{image_prefix.rstrip('/')}/" if image_prefix else ""
    if compat:
        lines = _compat_lines(labels, prefix, report)
    else:
        root = image_root or (labels.path if labels.path.is_dir() else labels.path.parent)
        names = ImageNames(root) if check_images else UncheckedNames()
        lines = _lines(labels, names, prefix, report, unescape, placeholders)
    with atomic_file(out_dir / LABEL_LIST) as file:
        file.writelines(text.encode("utf-8") for text in lines)
        report.check(max_bad_fraction)
        (out_dir / REPORT).unlink(missing_ok=True)  # never a new list beside an old report
    write_json(out_dir / REPORT, report.as_dict())
    return report


def _lines(
    labels: LabelSource,
    names: Names,
    prefix: str,
    report: LabelReport,
    unescape: bool,
    placeholders: Sequence[str],
) -> Iterator[str]:
    if labels.mode == "det":
        return convert_detection(labels.path, names, prefix, report)
    form: LineForm = IcdarForm(unescape) if labels.mode == "rec" else RecListForm()
    converter = LineConverter(form, names, prefix, report, Placeholders(placeholders))
    return map(converter.convert, read_blocks(labels.path, report))


def _compat_lines(labels: LabelSource, prefix: str, report: LabelReport) -> Iterator[str]:
    if labels.mode == "det":
        return compat_detection(labels.path, prefix, report)
    if labels.mode == "list" or prefix:
        raise LabelError(
            str(labels.path),
            "PaddleOCR's script takes no recognition list and puts no prefix before images",
            "Leave out compat",
        )
    return compat_recognition(labels.path, report)
